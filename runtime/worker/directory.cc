#include "runtime/worker/directory.h"

#include <dirent.h>
#include <fcntl.h>
#include <freshet/links.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <ctime>

#include "runtime/base/bytes.h"

namespace freshet::worker {
namespace {

constexpr std::size_t kBufferBytes = 32 * 1024;
constexpr std::size_t kSpareBuffers = 16;
constexpr int kOpenFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK;
// A file that is swapped for a fifo must not hang the open. Without a private, read-only root the access time would change
// by reading; where this may not be asked for (another owner's file) the open goes on without.
constexpr int kFileFlags = O_RDONLY | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC | O_NONBLOCK;
constexpr std::int64_t kProgressNs = 100'000'000;

bool same_directory(const EntryStat& a, const EntryStat& b) {
  return a.dev == b.dev && a.identity.inode == b.identity.inode && a.mount_id == b.mount_id;
}

std::expected<EntryStat, int> look(int directory, const char* name, bool with_birth) {
  struct statx raw {};
  int flags = AT_SYMLINK_NOFOLLOW | AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT;
  if (*name == '\0') flags |= AT_EMPTY_PATH;
  if (::statx(directory, name, flags, kEntryStatMask, &raw) != 0) return std::unexpected(errno);
  return entry_stat_of(raw, with_birth);
}

std::int64_t monotonic_ns() {
  timespec stamp{};
  ::clock_gettime(CLOCK_MONOTONIC, &stamp);
  return static_cast<std::int64_t>(stamp.tv_sec) * 1'000'000'000 + stamp.tv_nsec;
}

// Only the fields that the plugin's struct has room for (its `size`).
void hand_out(freshet_entry& out, const freshet_entry& entry) {
  const std::uint32_t room = std::min<std::uint32_t>(out.size, sizeof entry);
  std::memcpy(reinterpret_cast<char*>(&out) + sizeof out.size, reinterpret_cast<const char*>(&entry) + sizeof entry.size,
              room - sizeof entry.size);
}

}  // namespace

Walker::Walker(std::vector<RootView> roots, std::size_t max_fds, EventWriter& events)
    : roots_(std::move(roots)), max_fds_(std::max<std::size_t>(max_fds, 2)), events_(events) {}

void Walker::begin(bool report) {
  report_ = report;
  next_id_ = 0;
  entries_ = 0;
  told_ns_ = monotonic_ns();
}

void Walker::end() {
  while (!files_.empty()) close_file(const_cast<freshet_file*>(*files_.begin()));
  while (!open_.empty()) close(const_cast<freshet_dir*>(*open_.begin()));
  // Not only emptied: what is kept would be taken for the plugin's.
  decltype(spare_buffers_)().swap(spare_buffers_);
  decltype(open_)().swap(open_);
  decltype(files_)().swap(files_);
}

bool Walker::is_open(const freshet_dir* directory) const { return open_.contains(directory); }

freshet_status Walker::open(std::uint32_t root, freshet_dir* parent, std::string_view name, freshet_dir** out) {
  if (out == nullptr) return FRESHET_INVALID;
  *out = nullptr;
  if (parent == nullptr ? root >= roots_.size() || !name.empty() : !is_open(parent) || !is_entry_name(name))
    return FRESHET_INVALID;
  if (parent != nullptr && judge(*parent, name, DT_DIR) != Named::shown) return FRESHET_INVALID;

  auto directory = std::make_unique<freshet_dir>();
  directory->parent = parent;
  directory->root = parent == nullptr ? root : parent->root;
  directory->name = name;
  if (parent != nullptr) directory->path_length = parent->path_length + (parent->depth == 0 ? 0 : 1) + static_cast<std::uint32_t>(name.size());
  // As deep as somebody likes, who would have the manager and its readers drown in the path.
  if (directory->path_length > wire::kMaxPath) {
    report_unread(parent->id, directory->root, name, ENAMETOOLONG);
    return FRESHET_UNREADABLE;
  }
  int error_number = parent == nullptr ? 0 : ensure_fd(*parent);
  if (error_number != 0) return fail_listing(*parent, error_number);
  auto fd = parent == nullptr ? open_root(root) : open_fd(parent->fd.get(), directory->name.c_str(), kOpenFlags);
  if (!fd) {
    if (fd.error() == ELOOP || fd.error() == ENOTDIR) return FRESHET_INVALID;
    report_unread(parent == nullptr ? wire::kNoDirectory : parent->id, directory->root, name, fd.error());
    return FRESHET_UNREADABLE;
  }
  const auto stat = look(fd->get(), "", roots_[directory->root].stable_birth);
  if (!stat) return FRESHET_UNREADABLE;
  if (parent != nullptr && stat->mount_id != parent->stat.mount_id) return FRESHET_INVALID;
  directory->stat = *stat;
  if (parent == nullptr) {
    for (std::uint32_t i = 0; i < roots_[root].excludes.size(); ++i) directory->excludes.push_back(i);
  } else {
    directory->excludes = excludes_below(*parent, name);
    directory->depth = parent->depth + 1;
    ++parent->open_children;
  }
  directory->id = next_id_++;
  attach(*directory, std::move(*fd));
  if (report_)
    events_.add(wire::DirectoryEvent{directory->id, parent == nullptr ? wire::kNoDirectory : parent->id,
                                     directory->root, name, stat->identity.inode, stat->identity.birth_ns,
                                     stat->mtime_ns});
  *out = directory.release();
  open_.insert(*out);
  return FRESHET_OK;
}

freshet_status Walker::next(freshet_dir* directory, freshet_entry& out) {
  if (!is_open(directory) || out.size < offsetof(freshet_entry, bytes)) return FRESHET_INVALID;
  freshet_dir& dir = *directory;
  for (;;) {
    if (dir.position == dir.filled) {
      if (dir.ended) return FRESHET_END;
      if (const int error_number = fill(dir); error_number != 0) return fail_listing(dir, error_number);
      continue;
    }
    dirent64 record;
    std::memcpy(&record, dir.buffer.get() + dir.position, offsetof(dirent64, d_name));
    const char* const name = dir.buffer.get() + dir.position + offsetof(dirent64, d_name);
    dir.position += record.d_reclen;
    dir.resume = record.d_off;
    const std::size_t length = std::strlen(name);
    const std::string_view view(name, length);
    if (view == "." || view == "..") continue;
    const Named named = judge(dir, view, record.d_type);
    if (named == Named::area) continue;
    if ((++entries_ & 1023) == 0) tell_progress();
    if (named == Named::excluded || !is_entry_name(view)) {
      ++dir.listed;
      continue;
    }
    std::memcpy(dir.entry_name, name, length + 1);
    if (const int error_number = ensure_fd(dir); error_number != 0) return fail_listing(dir, error_number);
    const auto stat = look(dir.fd.get(), dir.entry_name, roots_[dir.root].stable_birth);
    if (!stat) {
      if (stat.error() == ENOENT) continue;  // gone since it was listed
      ++dir.listed;
      dir.broken = true;
      report_unread(dir.id, dir.root, {dir.entry_name, length}, stat.error());
      continue;
    }
    freshet_entry entry{};
    entry.type = static_cast<freshet_entry_type>(stat->identity.type);
    entry.name = {dir.entry_name, length};
    entry.ordinal = dir.listed++;
    entry.inode = stat->identity.inode;
    entry.bytes = stat->identity.type == EntryType::directory ? 0 : stat->identity.size;
    entry.allocated = stat->allocated;
    entry.mtime = stat->mtime_ns;
    entry.atime = stat->atime_ns;
    entry.ctime = stat->ctime_ns;
    entry.btime = stat->identity.birth_ns;
    entry.links = stat->links;
    entry.uid = stat->uid;
    entry.gid = stat->gid;
    entry.mode = stat->mode & 07777;
    if (stat->mount_root || stat->mount_id != dir.stat.mount_id) entry.flags |= FRESHET_ENTRY_MOUNT_POINT;
    hand_out(out, entry);
    return FRESHET_OK;
  }
}

void Walker::close(freshet_dir* directory) {
  if (!is_open(directory)) return;
  while (directory->open_children > 0)
    close(const_cast<freshet_dir*>(
        *std::find_if(open_.begin(), open_.end(), [&](const freshet_dir* d) { return d->parent == directory; })));
  if (report_)
    events_.add(wire::DirectoryEndEvent{directory->id, directory->listed,
                                        directory->ended && !directory->broken &&
                                            directory->position == directory->filled});
  give_parent_back(*directory);
  if (directory->parent != nullptr) --directory->parent->open_children;
  detach(*directory);
  open_.erase(directory);
  delete directory;
}

freshet_status Walker::open_file(freshet_dir* directory, std::string_view name, freshet_file** out) {
  if (out == nullptr) return FRESHET_INVALID;
  *out = nullptr;
  if (!is_open(directory) || !is_entry_name(name)) return FRESHET_INVALID;
  const RootView& root = roots_[directory->root];
  if (!root.read_contents || judge(*directory, name, DT_REG) != Named::shown) return FRESHET_INVALID;
  if (files_.size() >= FRESHET_CONTENTS_OPEN) return FRESHET_FAILED;
  const std::string terminated(name);
  if (const int error_number = ensure_fd(*directory); error_number != 0) return fail_listing(*directory, error_number);
  const auto unreadable = [&](int error_number) {
    report_unread(directory->id, directory->root, name, error_number);
    return FRESHET_UNREADABLE;
  };
  // Looked at before it is opened, for an open alone may wake whoever waits at a fifo; and after, for it may be another by
  // then.
  const auto before = look(directory->fd.get(), terminated.c_str(), root.stable_birth);
  if (!before) return unreadable(before.error());
  if (before->identity.type != EntryType::file || before->mount_id != directory->stat.mount_id) return FRESHET_INVALID;
  auto fd = open_fd(directory->fd.get(), terminated.c_str(), kFileFlags | O_NOATIME);
  if (!fd && fd.error() == EPERM) fd = open_fd(directory->fd.get(), terminated.c_str(), kFileFlags);
  if (!fd) return unreadable(fd.error());
  const auto after = look(fd->get(), "", root.stable_birth);
  if (!after || after->identity.type != EntryType::file || after->mount_id != directory->stat.mount_id) return FRESHET_INVALID;
  auto file = std::make_unique<freshet_file>();
  file->fd = std::move(*fd);
  *out = file.release();
  files_.insert(*out);
  return FRESHET_OK;
}

freshet_status Walker::read_file(freshet_file* file, std::uint64_t offset, void* to, std::size_t room, std::size_t& got) {
  got = 0;
  if (!files_.contains(file) || (to == nullptr && room != 0) || offset > INT64_MAX) return FRESHET_INVALID;
  if (room == 0) return FRESHET_OK;
  ssize_t read = -1;
  do read = ::pread(file->fd.get(), to, room, static_cast<off_t>(offset));
  while (read < 0 && errno == EINTR);
  if (read < 0) return FRESHET_UNREADABLE;
  got = static_cast<std::size_t>(read);
  return got == 0 ? FRESHET_END : FRESHET_OK;
}

freshet_status Walker::read_link(freshet_dir* directory, std::string_view name, char* to, std::size_t room, std::size_t& got) {
  got = 0;
  if (!is_open(directory) || !is_entry_name(name) || to == nullptr || room == 0) return FRESHET_INVALID;
  if (!roots_[directory->root].read_contents || judge(*directory, name, DT_LNK) != Named::shown) return FRESHET_INVALID;
  if (const int error_number = ensure_fd(*directory); error_number != 0) return fail_listing(*directory, error_number);
  const std::string terminated(name);
  const ssize_t length = ::readlinkat(directory->fd.get(), terminated.c_str(), to, room);
  if (length < 0 && errno == EINVAL) return FRESHET_INVALID;
  if (length < 0) {
    report_unread(directory->id, directory->root, name, errno);
    return FRESHET_UNREADABLE;
  }
  // The kernel cuts off without a word: a target that fills the room may be longer, unless there can be no longer one.
  if (static_cast<std::size_t>(length) == room && room < FRESHET_LINKS_LONGEST) return FRESHET_INVALID;
  got = static_cast<std::size_t>(length);
  return FRESHET_OK;
}

void Walker::close_file(freshet_file* file) {
  if (files_.erase(file) != 0) delete file;
}

Walker::Named Walker::judge(const freshet_dir& directory, std::string_view name, unsigned char type) const {
  const RootView& root = roots_[directory.root];
  if (directory.parent == nullptr && !root.area.empty() && name == root.area) return Named::area;
  if ((type == DT_DIR || type == DT_UNKNOWN) && is_area_name(name)) return Named::excluded;
  for (const std::uint32_t index : directory.excludes) {
    const auto& parts = root.excludes[index];
    if (parts.size() == directory.depth + 1 && parts.back() == name) return Named::excluded;
  }
  return Named::shown;
}

std::vector<std::uint32_t> Walker::excludes_below(const freshet_dir& parent, std::string_view name) const {
  std::vector<std::uint32_t> out;
  for (const std::uint32_t index : parent.excludes) {
    const auto& parts = roots_[parent.root].excludes[index];
    if (parts.size() > parent.depth + 1 && parts[parent.depth] == name) out.push_back(index);
  }
  return out;
}

int Walker::fill(freshet_dir& directory) {
  if (const int error_number = ensure_fd(directory); error_number != 0) return error_number;
  if (!directory.buffer) {
    if (spare_buffers_.empty()) {
      directory.buffer = std::make_unique_for_overwrite<char[]>(kBufferBytes);
    } else {
      directory.buffer = std::move(spare_buffers_.back());
      spare_buffers_.pop_back();
    }
  }
  directory.position = directory.filled = 0;
  const long got = ::syscall(SYS_getdents64, directory.fd.get(), directory.buffer.get(), kBufferBytes);
  if (got < 0) return errno;
  directory.filled = static_cast<std::size_t>(got);
  directory.ended = got == 0;
  return 0;
}

freshet_status Walker::fail_listing(freshet_dir& directory, int error_number) {
  if (!directory.broken || !directory.ended) report_unread(directory.id, directory.root, {}, error_number);
  directory.broken = true;
  directory.ended = true;
  directory.position = directory.filled = 0;
  return FRESHET_UNREADABLE;
}

void Walker::report_unread(std::uint32_t directory, std::uint32_t root, std::string_view name, int error_number) {
  if (report_) events_.add(wire::UnreadEvent{directory, root, name, error_number});
}

void Walker::tell_progress() {
  const std::int64_t now = monotonic_ns();
  if (now - told_ns_ < kProgressNs) return;
  told_ns_ = now;
  events_.add(wire::ProgressEvent{.entries = entries_});
  events_.flush();
}

std::expected<Fd, int> Walker::open_fd(int base, const char* name, int flags) {
  for (;;) {
    Fd fd(::openat(base, name, flags));
    if (fd) return fd;
    const int error_number = errno;
    // The plugin may hold descriptors too; `base` is the most recently used and is never the one that goes.
    if (error_number != EMFILE || with_fd_.size() < 2 || !evict_one()) return std::unexpected(error_number);
  }
}

std::expected<Fd, int> Walker::open_root(std::uint32_t root) {
  const RootView& view = roots_[root];
  return view.path.empty() ? open_fd(view.base, ".", kOpenFlags) : open_fd(AT_FDCWD, view.path.c_str(), kOpenFlags);
}

// By name, from the nearest ancestor that has a descriptor. The names may have come to mean other directories since:
// only the last one's identity counts.
std::expected<Fd, int> Walker::find_again(const freshet_dir& directory) {
  std::vector<const freshet_dir*> way{&directory};
  while (way.back()->parent != nullptr && !way.back()->parent->fd) way.push_back(way.back()->parent);
  Fd held;
  int base = -1;
  if (freshet_dir* const anchor = way.back()->parent; anchor != nullptr) {
    with_fd_.splice(with_fd_.end(), with_fd_, anchor->use);  // in use: not to be evicted meanwhile
    base = anchor->fd.get();
  }
  for (; !way.empty(); way.pop_back()) {
    auto fd = way.back()->parent == nullptr ? open_root(way.back()->root) : open_fd(base, way.back()->name.c_str(), kOpenFlags);
    if (!fd) return fd;
    held = std::move(*fd);
    base = held.get();
  }
  return held;
}

int Walker::ensure_fd(freshet_dir& directory) {
  if (directory.fd) {
    if (with_fd_.back() != &directory) with_fd_.splice(with_fd_.end(), with_fd_, directory.use);
    return 0;
  }
  auto fd = find_again(directory);
  if (!fd) return fd.error();
  const auto now = look(fd->get(), "", false);
  if (!now) return now.error();
  if (!same_directory(*now, directory.stat)) return ESTALE;
  attach(directory, std::move(*fd));
  return 0;
}

void Walker::attach(freshet_dir& directory, Fd fd) {
  while (with_fd_.size() >= max_fds_ && evict_one()) {
  }
  directory.fd = std::move(fd);
  directory.use = with_fd_.insert(with_fd_.end(), &directory);
  if (directory.resume != 0) ::lseek(directory.fd.get(), directory.resume, SEEK_SET);
}

void Walker::detach(freshet_dir& directory) {
  if (directory.buffer && spare_buffers_.size() < kSpareBuffers) spare_buffers_.push_back(std::move(directory.buffer));
  directory.buffer.reset();
  if (!directory.fd) return;
  with_fd_.erase(directory.use);
  directory.fd.reset();
}

bool Walker::evict_one() {
  if (with_fd_.empty()) return false;
  freshet_dir& oldest = *with_fd_.front();
  detach(oldest);
  oldest.position = oldest.filled = 0;  // what was read ahead is read again from `resume`
  return true;
}

// Coming back up from a deep tree: ".." of the child is the evicted parent, if nobody moved the child meanwhile.
void Walker::give_parent_back(freshet_dir& directory) {
  freshet_dir* const parent = directory.parent;
  if (parent == nullptr || parent->fd || !directory.fd) return;
  Fd fd(::openat(directory.fd.get(), "..", kOpenFlags));
  if (!fd) return;
  const auto now = look(fd.get(), "", false);
  if (now && same_directory(*now, parent->stat)) attach(*parent, std::move(fd));
}

}  // namespace freshet::worker
