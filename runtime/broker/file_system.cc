#include "runtime/broker/file_system.h"

#include <linux/openat2.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "runtime/base/clock.h"

namespace freshet::broker {
namespace {

constexpr std::size_t kPiece = 4000;  // of a path; PATH_MAX is 4096 with its NUL
constexpr int kTries = 16;

// The only place where the broker opens anything: seccomp cannot see the resolve bits behind the pointer, so they are
// constants here, and a test looks for other call sites.
int open_piece(int dir, const char* path, int flags, unsigned mode) {
  open_how how{};
  how.flags = static_cast<std::uint64_t>(flags | O_CLOEXEC);
  how.mode = (flags & O_CREAT) != 0 ? mode : 0;  // else EINVAL
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV;
  for (int tries = 0;; ++tries) {
    const long fd = ::syscall(SYS_openat2, dir, path, &how, sizeof how);
    // EAGAIN: a rename elsewhere made the kernel unsure. It may be provoked without end, so not for ever.
    if (fd >= 0 || (errno != EINTR && errno != EAGAIN) || tries == kTries) return static_cast<int>(fd);
  }
}

int result_of(int returned) { return returned == 0 ? 0 : errno; }

}  // namespace

Fd open_beneath(int dir, std::string_view path, int flags, int& error, unsigned mode) {
  char piece[kPiece + 256];
  Fd at;
  error = 0;
  if (path.empty()) path = ".";
  while (true) {
    std::size_t length = path.size();
    if (length > kPiece) {
      const std::size_t slash = path.rfind('/', kPiece);
      if (slash == std::string_view::npos || slash == 0) {  // a component longer than any name
        error = ENAMETOOLONG;
        return Fd();
      }
      length = slash;
    }
    const bool last = length == path.size();
    std::memcpy(piece, path.data(), length);
    piece[length] = '\0';
    at.reset(open_piece(at ? at.get() : dir, piece, last ? flags : kOpenDirectoryPath, mode));
    if (!at) {
      error = errno;
      return Fd();
    }
    if (last) return at;
    path.remove_prefix(length + 1);
  }
}

Fd open_directory(int dir, std::string_view path, int& error) {
  Fd fd = open_beneath(dir, path, O_RDONLY | O_DIRECTORY | O_NOATIME, error);
  if (!fd && error == EPERM) fd = open_beneath(dir, path, O_RDONLY | O_DIRECTORY, error);
  return fd;
}

int stat_at(int dir, const char* name, bool with_birth, EntryStat& out) {
  struct statx raw {};
  int flags = AT_SYMLINK_NOFOLLOW | AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT;
  if (*name == '\0') flags |= AT_EMPTY_PATH;
  if (::statx(dir, name, flags, kEntryStatMask, &raw) != 0) return errno;
  out = entry_stat_of(raw, with_birth);
  return 0;
}

int move_entry(int from, const char* name, int to, const char* new_name) {
  return result_of(::renameat2(from, name, to, new_name, RENAME_NOREPLACE));
}

int make_directory(int dir, const char* name, unsigned mode) { return result_of(::mkdirat(dir, name, mode)); }

int unlink_entry(int dir, const char* name, bool directory) {
  return result_of(::unlinkat(dir, name, directory ? AT_REMOVEDIR : 0));
}

int set_times(int dir, std::int64_t mtime_ns, std::int64_t atime_ns) {
  const timespec times[2] = {timespec_of(atime_ns), timespec_of(mtime_ns)};
  return result_of(::utimensat(dir, "", times, AT_EMPTY_PATH));
}

int touch(int dir) { return result_of(::utimensat(dir, "", nullptr, AT_EMPTY_PATH)); }

int sync_directory(int dir) { return result_of(::fsync(dir)); }
int sync_data(int file) { return result_of(::fdatasync(file)); }

int write_all(int file, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return 0;
}

int read_some(int file, std::span<char> buffer, std::size_t& length) {
  ssize_t got = 0;
  do {
    got = ::read(file, buffer.data(), buffer.size());
  } while (got < 0 && errno == EINTR);
  length = got > 0 ? static_cast<std::size_t>(got) : 0;
  return got < 0 ? errno : 0;
}

}  // namespace freshet::broker
