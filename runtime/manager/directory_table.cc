#include "runtime/manager/directory_table.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "runtime/base/bytes.h"
#include "runtime/base/fd.h"
#include "runtime/manager/plan_files.h"
#include "runtime/wire/messages.h"

namespace freshet {
namespace {

constexpr std::uint32_t kMagic = 0x52494446;  // "FDIR"
constexpr std::size_t kMaxFile = 4ULL << 30;

}  // namespace

std::uint32_t DirectoryTable::add(DirectoryNode node, std::string_view name) {
  if (nodes_.size() >= kNoNode || names_.size() + name.size() > 0xFFFFFFFFU) return kNoNode;
  node.name_offset = static_cast<std::uint32_t>(names_.size());
  node.name_length = static_cast<std::uint8_t>(name.size());
  node.depth = node.path_length = 0;
  if (node.parent != kNoNode) {
    const DirectoryNode& parent = nodes_[node.parent];
    node.depth = parent.depth + 1;
    node.path_length = parent.path_length + (parent.depth == 0 ? 0U : 1U) + node.name_length;
  }
  names_ += name;
  nodes_.push_back(node);
  return static_cast<std::uint32_t>(nodes_.size() - 1);
}

std::string_view DirectoryTable::name(std::uint32_t id) const {
  return std::string_view(names_).substr(nodes_[id].name_offset, nodes_[id].name_length);
}

std::string DirectoryTable::path(std::uint32_t id) const {
  std::string out(path_length(id), '/');
  std::size_t end = out.size();
  for (; nodes_[id].parent != kNoNode; id = nodes_[id].parent) {
    const std::string_view part = name(id);
    end -= part.size();
    std::ranges::copy(part, out.begin() + static_cast<std::ptrdiff_t>(end));
    if (end > 0) --end;  // the '/' that is there already
  }
  return out;
}

Status DirectoryTable::save(const std::string& file) const {
  std::vector<std::uint8_t> bytes;
  bytes.reserve(nodes_.size() * 48 + names_.size() + 16);
  wire::Encoder out(bytes);
  out.number(kMagic);
  out.number(static_cast<std::uint32_t>(nodes_.size()));
  for (std::uint32_t id = 0; id < nodes_.size(); ++id) {
    const DirectoryNode& at = nodes_[id];
    out.number(at.parent);
    out.number(at.root);
    out.number(at.inode);
    out.number(at.birth_ns);
    out.number(at.seen);
    out.boolean(at.complete);
    out.string(name(id), wire::kMaxName);
  }
  return write_whole_file(file, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

Result<DirectoryTable> DirectoryTable::load(const std::string& file, std::uint32_t roots) {
  const Result<std::string> bytes = read_whole_file(file, kMaxFile);
  if (!bytes) return std::unexpected(bytes.error());
  wire::Decoder in(*bytes);
  std::uint32_t magic = 0;
  std::uint32_t count = 0;
  in.number(magic);
  in.number(count);
  DirectoryTable out;
  bool good = magic == kMagic;
  for (std::uint32_t id = 0; good && id < count; ++id) {
    DirectoryNode node;
    std::string_view name;
    in.number(node.parent);
    in.number(node.root);
    in.number(node.inode);
    in.number(node.birth_ns);
    in.number(node.seen);
    in.boolean(node.complete);
    in.string(name, wire::kMaxName);
    good = in.ok() && node.root < roots;
    if (!good) break;
    if (node.parent == kNoNode) {
      good = name.empty();
    } else {
      good = node.parent < id && is_entry_name(name) && out.node(node.parent).root == node.root;
    }
    if (good) good = out.add(node, name) == id && out.path_length(id) <= wire::kMaxPath;
  }
  if (!good || !in.done()) return fail(ErrorKind::invalid, file + ": damaged: not a table of directories");
  return out;
}

}  // namespace freshet
