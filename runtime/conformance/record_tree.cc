#include "runtime/conformance/record_tree.h"

#include <fcntl.h>
#include <unistd.h>

#include <freshet/tree.hpp>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <memory>
#include <vector>

#include "runtime/base/bytes.h"
#include "runtime/base/clock.h"
#include "runtime/base/fd.h"
#include "runtime/base/identity.h"
#include "runtime/base/listing.h"

namespace freshet::conformance {
namespace {

using freshet::testing::Node;

constexpr std::size_t kFlush = 256 * 1024;
constexpr std::size_t kMaxHeld = 64;  // descriptors of directories; deeper down their ancestors are opened again by ".."

class Out {
 public:
  explicit Out(const std::string& file) : path_(file), fd_(::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666)) {}
  ~Out() {
    if (fd_ && !kept_) ::unlink(path_.c_str());
  }
  Out(const Out&) = delete;
  Out& operator=(const Out&) = delete;
  [[nodiscard]] bool open() const { return static_cast<bool>(fd_); }
  std::string text;
  std::uint64_t written = 0;

  Status flush() {
    for (std::string_view rest = text; !rest.empty();) {
      const ssize_t done = ::write(fd_.get(), rest.data(), rest.size());
      if (done < 0 && errno == EINTR) continue;
      if (done < 0) return fail_errno("writing " + escape_bytes(path_));
      rest.remove_prefix(static_cast<std::size_t>(done));
    }
    written += text.size();
    text.clear();
    if (written > freshet::testing::kMaxTreeBytes) return fail(ErrorKind::invalid, "the tree takes more than a recording may", "record a part of it");
    return {};
  }
  void keep() { kept_ = true; }

 private:
  const std::string path_;
  Fd fd_;
  bool kept_ = false;
};

Node node_of(std::string name, const EntryStat& stat) {
  Node out;
  out.name = std::move(name);
  out.type = static_cast<freshet_entry_type>(stat.identity.type);
  out.inode = stat.identity.inode;
  out.mode = stat.mode & 07777;
  out.uid = stat.uid;
  out.gid = stat.gid;
  out.links = stat.links;
  out.bytes = stat.identity.size;
  out.allocated = stat.allocated;
  out.mtime = stat.mtime_ns;
  out.atime = stat.atime_ns;
  out.ctime = stat.ctime_ns;
  out.btime = stat.identity.birth_ns;
  return out;
}

// Names of a directory, sorted: a recording of one tree is the same text each time. False: the listing broke off.
bool list_names(int fd, std::vector<std::string>& out) {
  Listing listing = list_directory(fd, ".", O_NOATIME);
  if (!listing && errno == EPERM) listing = list_directory(fd, ".");  // somebody else's
  if (!listing) return false;
  errno = 0;
  while (const dirent* entry = ::readdir(listing.get())) {
    if (is_entry_name(entry->d_name)) out.emplace_back(entry->d_name);
    if (out.size() > freshet::testing::kMaxTreeEntries) break;
  }
  const bool whole = errno == 0;
  std::ranges::sort(out);
  return whole;
}

class Recorder {
 public:
  Recorder(Out& out, std::stop_token stop) : out_(out), stop_(std::move(stop)) {}

  Status record(const std::string& path) {
    Fd root(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!root) return fail_errno("opening " + escape_bytes(path));
    stable_birth_ = file_system_has_stable_birth(root.get());
    const Result<EntryStat> stat = stat_entry(root.get(), "", stable_birth_);
    if (!stat) return std::unexpected(stat.error());
    mount_id_ = stat->mount_id;
    Level top;
    top.fd = std::move(root);
    top.inode = stat->identity.inode;
    Node node = node_of(path, *stat);
    node.breaks_off = !list_names(top.fd.get(), top.names);
    if (node.breaks_off) ++counts_.unreadable;
    if (const Status done = add(0, node); !done) return done;
    levels_.push_back(std::move(top));
    while (!levels_.empty()) {
      if (stop_.stop_requested()) return fail(ErrorKind::busy, "interrupted");
      Level& level = levels_.back();
      if (level.next == level.names.size()) {
        if (const Status done = leave(); !done) return done;
        continue;
      }
      if (const Status done = enter(level, std::move(level.names[level.next++])); !done) return done;
    }
    return {};
  }
  Recorded counts_;

 private:
  struct Level {
    Fd fd;
    std::uint64_t inode = 0;
    std::vector<std::string> names;
    std::size_t next = 0;
  };

  Status add(std::size_t depth, const Node& node) {
    if (++counts_.entries > freshet::testing::kMaxTreeEntries) return fail(ErrorKind::invalid, "the tree has more entries than a recording may", "record a part of it");
    freshet::testing::append_tree_line(out_.text, depth, node);
    return out_.text.size() < kFlush ? Status() : out_.flush();
  }

  Status enter(Level& level, std::string name) {
    const Result<EntryStat> stat = stat_entry(level.fd.get(), name.c_str(), stable_birth_);
    if (!stat) return {};  // gone since it was listed
    Node node = node_of(std::move(name), *stat);
    const std::size_t depth = levels_.size();
    if (stat->mount_root || stat->mount_id != mount_id_) {
      node.flags |= FRESHET_ENTRY_MOUNT_POINT;
    } else if (stat->identity.type == EntryType::directory) {
      Level below;
      below.fd = Fd(::openat(level.fd.get(), node.name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
      below.inode = stat->identity.inode;
      if (!below.fd || depth >= freshet::testing::kMaxTreeDepth) {
        node.unreadable = true;
        ++counts_.unreadable;
        return add(depth, node);
      }
      node.breaks_off = !list_names(below.fd.get(), below.names);
      if (node.breaks_off) ++counts_.unreadable;
      if (const Status done = add(depth, node); !done) return done;
      levels_.push_back(std::move(below));
      if (levels_.size() > kMaxHeld) levels_[levels_.size() - 1 - kMaxHeld].fd.reset();
      return {};
    }
    return add(depth, node);
  }

  // Back to the directory above; one whose descriptor was given up is opened by "..", and has to be the same.
  Status leave() {
    if (levels_.size() > 1 && !levels_[levels_.size() - 2].fd) {
      Level& above = levels_[levels_.size() - 2];
      above.fd = Fd(::openat(levels_.back().fd.get(), "..", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
      const Result<EntryStat> stat = above.fd ? stat_entry(above.fd.get(), "", stable_birth_) : fail(ErrorKind::system, "");
      if (!stat || stat->identity.inode != above.inode || stat->mount_id != mount_id_)
        return fail(ErrorKind::system, "a directory was moved while it was recorded", "record it again");
    }
    levels_.pop_back();
    return {};
  }

  Out& out_;
  const std::stop_token stop_;
  bool stable_birth_ = true;
  std::uint64_t mount_id_ = 0;
  std::vector<Level> levels_;
};

}  // namespace

Result<Recorded> record_tree(const std::string& root, const std::string& file, std::stop_token stop) {
  std::error_code error;
  const std::string path = std::filesystem::canonical(root, error).string();
  if (error) return fail(ErrorKind::invalid, escape_bytes(root) + ": " + error.message());
  Out out(file);
  if (!out.open()) return fail_errno("making " + escape_bytes(file));
  out.text = freshet::testing::tree_head(SystemClock().now());
  Recorder recorder(out, std::move(stop));
  if (const Status done = recorder.record(path); !done) return std::unexpected(done.error());
  out.text += freshet::testing::tree_tail(recorder.counts_.entries);
  if (const Status done = out.flush(); !done) return std::unexpected(done.error());
  out.keep();
  recorder.counts_.bytes = out.written;
  return recorder.counts_;
}

}  // namespace freshet::conformance
