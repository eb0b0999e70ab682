#pragma once

#include <sys/stat.h>  // struct statx

#include <cstdint>
#include <string>
#include <string_view>

#include "runtime/base/error.h"
#include "runtime/base/fd.h"

namespace freshet {

// Kind of a directory entry, with stable numbers: they are in plans, on the wire and in digests.
enum class EntryType : std::uint8_t {
  unknown = 0,
  file = 1,
  directory = 2,
  symlink = 3,
  fifo = 4,
  socket = 5,
  char_device = 6,
  block_device = 7,
};

std::string_view to_string(EntryType type);
EntryType entry_type_of_mode(unsigned mode);

// Nanoseconds since the epoch; may be negative. Saturates at the ends of the type.
std::int64_t nanoseconds(const statx_timestamp& stamp);

// What makes an entry "the same one" between a scan and its removal: inode, birth time and type; for all but
// directories also mtime and size. Birth time is 0 where the file system has none (and on overlayfs, where a
// copy-up changes it). The file system is no part of it: see the design's vocabulary.
struct Identity {
  std::uint64_t inode = 0;
  std::int64_t birth_ns = 0;
  EntryType type = EntryType::unknown;
  std::int64_t mtime_ns = 0;  // 0 for a directory
  std::uint64_t size = 0;     // apparent bytes; 0 for a directory

  bool operator==(const Identity&) const = default;
};

// The statx mask that fills everything of an EntryStat.
inline constexpr unsigned kEntryStatMask = STATX_BASIC_STATS | STATX_BTIME | 0x1000U /* STATX_MNT_ID, Linux 5.8 */;

// One statx answer in our units.
struct EntryStat {
  Identity identity;
  std::uint64_t dev = 0;         // makedev-independent: major << 32 | minor; compared only at one moment
  std::uint64_t mount_id = 0;    // 0 where the kernel gives none (before 5.8)
  std::uint64_t allocated = 0;   // bytes on disk (512 * blocks)
  std::uint32_t links = 1;
  std::uint32_t mode = 0;        // with the type bits
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::int64_t mtime_ns = 0;     // of directories too
  std::int64_t atime_ns = 0;
  std::int64_t ctime_ns = 0;
  bool mount_root = false;       // the entry is the root of a mount (STATX_ATTR_MOUNT_ROOT)
};

// `with_birth` = false leaves the birth time out (overlayfs).
EntryStat entry_stat_of(const struct statx& raw, bool with_birth = true);

// statx without following a last link, never opening the entry, never waiting for a network server
// (AT_STATX_DONT_SYNC). An empty name means the descriptor itself. Error: kind system, errno in the text.
Result<EntryStat> stat_entry(int dir_fd, const char* name, bool with_birth = true);

// False on overlayfs (fstatfs), where birth times change by copy-up.
bool file_system_has_stable_birth(int fd);

}  // namespace freshet
