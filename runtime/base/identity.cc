#include "runtime/base/identity.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/vfs.h>

#include <limits>

namespace freshet {
namespace {

constexpr std::int64_t kNanosPerSecond = 1'000'000'000;

}  // namespace

std::string_view to_string(EntryType type) {
  switch (type) {
    case EntryType::unknown: return "unknown";
    case EntryType::file: return "file";
    case EntryType::directory: return "directory";
    case EntryType::symlink: return "symlink";
    case EntryType::fifo: return "fifo";
    case EntryType::socket: return "socket";
    case EntryType::char_device: return "char-device";
    case EntryType::block_device: return "block-device";
  }
  return "unknown";
}

EntryType entry_type_of_mode(unsigned mode) {
  switch (mode & S_IFMT) {
    case S_IFREG: return EntryType::file;
    case S_IFDIR: return EntryType::directory;
    case S_IFLNK: return EntryType::symlink;
    case S_IFIFO: return EntryType::fifo;
    case S_IFSOCK: return EntryType::socket;
    case S_IFCHR: return EntryType::char_device;
    case S_IFBLK: return EntryType::block_device;
    default: return EntryType::unknown;
  }
}

std::int64_t nanoseconds(const statx_timestamp& stamp) {
  constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max() / kNanosPerSecond - 1;
  if (stamp.tv_sec > kMax) return std::numeric_limits<std::int64_t>::max();
  if (stamp.tv_sec < -kMax) return std::numeric_limits<std::int64_t>::min();
  return stamp.tv_sec * kNanosPerSecond + static_cast<std::int64_t>(stamp.tv_nsec);
}

EntryStat entry_stat_of(const struct statx& raw, bool with_birth) {
  EntryStat out;
  out.identity.inode = raw.stx_ino;
  out.identity.type = entry_type_of_mode(raw.stx_mode);
  if (with_birth && (raw.stx_mask & STATX_BTIME)) out.identity.birth_ns = nanoseconds(raw.stx_btime);
  out.mtime_ns = nanoseconds(raw.stx_mtime);
  out.atime_ns = nanoseconds(raw.stx_atime);
  out.ctime_ns = nanoseconds(raw.stx_ctime);
  if (out.identity.type != EntryType::directory) {
    out.identity.mtime_ns = out.mtime_ns;
    out.identity.size = raw.stx_size;
  }
  out.dev = (static_cast<std::uint64_t>(raw.stx_dev_major) << 32) | raw.stx_dev_minor;
  if (raw.stx_mask & 0x1000U) out.mount_id = raw.stx_mnt_id;
  out.allocated = raw.stx_blocks * 512;
  out.links = raw.stx_nlink;
  out.mode = raw.stx_mode;
  out.uid = raw.stx_uid;
  out.gid = raw.stx_gid;
  out.mount_root = (raw.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
  return out;
}

Result<EntryStat> stat_entry(int dir_fd, const char* name, bool with_birth) {
  struct statx raw {};
  int flags = AT_SYMLINK_NOFOLLOW | AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT;
  if (*name == '\0') flags |= AT_EMPTY_PATH;
  if (::statx(dir_fd, name, flags, kEntryStatMask, &raw) != 0) return fail_errno("statx");
  return entry_stat_of(raw, with_birth);
}

bool file_system_has_stable_birth(int fd) {
  struct statfs info {};
  if (::fstatfs(fd, &info) != 0) return false;
  return info.f_type != OVERLAYFS_SUPER_MAGIC;
}

}  // namespace freshet
