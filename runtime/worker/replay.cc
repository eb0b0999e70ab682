#include "runtime/worker/replay.h"

#include <freshet/contents.h>
#include <freshet/links.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>

#include "runtime/base/bytes.h"

namespace freshet::worker {

using freshet::testing::Node;
using freshet::testing::detail::copy_entry;
using freshet::testing::detail::entry_of;
using freshet::testing::detail::is_hidden;

Replay::Place* Replay::find(const freshet_dir* directory) {
  const auto found = open_.find(directory);
  return found == open_.end() ? nullptr : found->second.get();
}

void Replay::report_unread(std::uint32_t directory, std::uint32_t root, std::string_view name, int error_number) {
  if (report_) events_.add(wire::UnreadEvent{directory, root, name, error_number});
}

void Replay::begin(bool report) {
  report_ = report;
  next_id_ = 0;
  entries_ = 0;
}

void Replay::end() {
  while (!open_.empty()) close(&open_.begin()->second->directory);
  decltype(open_)().swap(open_);
  files_.clear();
}

freshet_status Replay::open(std::uint32_t root, freshet_dir* parent, std::string_view name, freshet_dir** out) {
  if (out == nullptr) return FRESHET_INVALID;
  *out = nullptr;
  Place* const above = parent == nullptr ? nullptr : find(parent);
  if (parent == nullptr ? root >= tree_.roots.size() || !name.empty() : above == nullptr || !is_entry_name(name))
    return FRESHET_INVALID;
  const Node* node = nullptr;
  if (above == nullptr) {
    node = &tree_.roots[root];
  } else {
    const auto& children = above->node->children;
    // The entry in hand is the one that is opened, nearly always.
    if (above->next > 0 && children[above->next - 1]->name == name) node = children[above->next - 1].get();
    for (std::size_t i = 0; node == nullptr && i < children.size(); ++i)
      if (children[i]->name == name) node = children[i].get();
  }
  const std::uint32_t id_above = above == nullptr ? wire::kNoDirectory : parent->id;
  const std::uint32_t its_root = above == nullptr ? root : parent->root;
  if (node == nullptr || node->vanishes || node->unreadable) {
    if (node != nullptr && node->type != FRESHET_DIRECTORY) return FRESHET_INVALID;
    report_unread(id_above, its_root, name, node == nullptr || node->vanishes ? ENOENT : EACCES);
    return FRESHET_UNREADABLE;
  }
  if (above != nullptr && (is_hidden(*node) || node->type != FRESHET_DIRECTORY || (node->flags & FRESHET_ENTRY_MOUNT_POINT) != 0))
    return FRESHET_INVALID;
  auto place = std::make_unique<Place>();
  place->node = node;
  freshet_dir& directory = place->directory;
  directory.id = next_id_++;
  directory.root = its_root;
  directory.parent = parent;
  directory.depth = above == nullptr ? 0 : parent->depth + 1;
  if (above != nullptr) ++parent->open_children;
  if (report_) events_.add(wire::DirectoryEvent{directory.id, id_above, its_root, name, node->inode, node->btime, node->mtime});
  *out = &directory;
  open_.emplace(&directory, std::move(place));
  return FRESHET_OK;
}

freshet_status Replay::next(freshet_dir* directory, freshet_entry& out) {
  Place* const place = find(directory);
  if (place == nullptr || out.size < offsetof(freshet_entry, bytes)) return FRESHET_INVALID;
  freshet_dir& dir = place->directory;
  const auto& children = place->node->children;
  for (;;) {
    if (place->next == children.size()) {
      const bool breaks_off = place->node->breaks_off && !dir.ended;
      dir.ended = true;
      if (!breaks_off) return FRESHET_END;
      dir.broken = true;
      report_unread(dir.id, dir.root, {}, EIO);
      return FRESHET_UNREADABLE;
    }
    const Node& node = *children[place->next++];
    if (node.vanishes && node.type != FRESHET_DIRECTORY) continue;
    ++entries_;
    if (is_hidden(node)) {
      ++dir.listed;
      continue;
    }
    freshet_entry entry = entry_of(node);
    entry.mode &= 07777;
    const std::size_t length = std::min(node.name.size(), sizeof dir.entry_name - 1);
    std::memcpy(dir.entry_name, node.name.data(), length);
    dir.entry_name[length] = '\0';
    entry.name = {dir.entry_name, length};
    entry.ordinal = dir.listed++;
    copy_entry(entry, out);
    return FRESHET_OK;
  }
}

void Replay::close(freshet_dir* directory) {
  Place* const place = find(directory);
  if (place == nullptr) return;
  while (directory->open_children > 0)
    close(&std::ranges::find_if(open_, [&](const auto& one) { return one.second->directory.parent == directory; })->second->directory);
  if (report_)
    events_.add(wire::DirectoryEndEvent{directory->id, directory->listed,
                                        !directory->broken && place->next == place->node->children.size()});
  if (directory->parent != nullptr) --directory->parent->open_children;
  open_.erase(directory);
}

const Node* Replay::find_entry(const freshet_dir* directory, std::string_view name, freshet_entry_type type) {
  const Place* const place = find(directory);
  if (place == nullptr) return nullptr;
  const auto& children = place->node->children;
  const auto found = std::ranges::find_if(children, [&](const auto& child) { return child->name == name; });
  return found != children.end() && (*found)->type == type && !is_hidden(**found) ? found->get() : nullptr;
}

freshet_status Replay::open_file(freshet_dir* directory, std::string_view name, freshet_file** out) {
  if (out == nullptr) return FRESHET_INVALID;
  *out = nullptr;
  const Node* const node = find_entry(directory, name, FRESHET_FILE);
  if (node == nullptr) return FRESHET_INVALID;
  if (files_.size() >= FRESHET_CONTENTS_OPEN) return FRESHET_FAILED;
  if (node->text.empty()) return FRESHET_UNREADABLE;
  auto file = std::make_unique<OpenFile>();
  file->text = node->text;
  *out = &file->file;
  const freshet_file* const key = *out;
  files_.emplace(key, std::move(file));
  return FRESHET_OK;
}

freshet_status Replay::read_file(freshet_file* file, std::uint64_t offset, void* to, std::size_t room, std::size_t& got) const {
  got = 0;
  const auto found = files_.find(file);
  if (found == files_.end() || to == nullptr || room == 0) return FRESHET_INVALID;
  const std::string_view text = found->second->text;
  if (offset >= text.size()) return FRESHET_END;
  got = text.copy(static_cast<char*>(to), room, static_cast<std::size_t>(offset));
  return FRESHET_OK;
}

freshet_status Replay::read_link(freshet_dir* directory, std::string_view name, char* to, std::size_t room, std::size_t& got) {
  got = 0;
  const Node* const node = find_entry(directory, name, FRESHET_SYMLINK);
  if (node == nullptr || to == nullptr || room == 0) return FRESHET_INVALID;
  if (node->target.empty()) return FRESHET_UNREADABLE;
  if (node->target.size() > room || (node->target.size() == room && room < FRESHET_LINKS_LONGEST)) return FRESHET_INVALID;
  got = node->target.copy(to, room);
  return FRESHET_OK;
}

}  // namespace freshet::worker
