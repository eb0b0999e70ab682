#include "runtime/store/foreign_lock.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <optional>

#include "runtime/base/bytes.h"
#include "runtime/base/lines.h"
#include "runtime/base/listing.h"
#include "runtime/base/proc_file.h"

namespace freshet::store {
namespace {

constexpr int kTries = 10;  // against others who replace the file while it is taken
constexpr std::size_t kMaxProcFile = 4U << 20;

Fd open_path(const std::string& path) {
  open_how how{};
  how.flags = O_PATH | O_CLOEXEC;
  how.resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  return Fd(static_cast<int>(::syscall(SYS_openat2, AT_FDCWD, path.c_str(), &how, sizeof how)));
}

template <class T>
std::optional<T> number(std::string_view text, int base = 10) {
  T out{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out, base);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return out;
}

// "1: POSIX  ADVISORY  WRITE 1234 08:01:5678 0 EOF", as in /proc/locks and behind "lock:" in /proc/PID/fdinfo. A waiter's
// line ("-> FLOCK ..") has another second word.
struct LockLine {
  config::LockKind kind = config::LockKind::flock;
  std::int64_t pid = 0;  // -1: taken on an open file, which several processes may share
  std::uint64_t dev = 0;
  std::uint64_t inode = 0;
};

std::optional<LockLine> parse_lock_line(std::string_view line) {
  LockLine out;
  if (!next_word(line).ends_with(':')) return std::nullopt;
  const std::string_view kind = next_word(line);
  if (kind != "FLOCK" && kind != "POSIX" && kind != "OFDLCK") return std::nullopt;
  out.kind = kind == "FLOCK" ? config::LockKind::flock : config::LockKind::posix;
  (void)next_word(line);
  (void)next_word(line);
  const auto pid = number<std::int64_t>(next_word(line));
  const std::string_view place = next_word(line);
  const std::size_t one = place.find(':');
  const std::size_t two = one == std::string_view::npos ? one : place.find(':', one + 1);
  if (!pid || two == std::string_view::npos) return std::nullopt;
  const auto major = number<unsigned>(place.substr(0, one), 16);
  const auto minor = number<unsigned>(place.substr(one + 1, two - one - 1), 16);
  const auto inode = number<std::uint64_t>(place.substr(two + 1));
  if (!major || !minor || !inode) return std::nullopt;
  out.pid = *pid;
  out.dev = gnu_dev_makedev(*major, *minor);
  out.inode = *inode;
  return out;
}

// Those on (dev, inode) in the text of /proc/locks or of a /proc/PID/fdinfo file.
template <class Each>
void for_each_lock(std::string_view text, config::LockKind kind, std::uint64_t dev, std::uint64_t inode, Each&& each) {
  for_each_line(text, [&](std::string_view line) {
    if (line.starts_with("lock:")) line.remove_prefix(5);
    const auto lock = parse_lock_line(line);
    if (lock && lock->kind == kind && lock->dev == dev && lock->inode == inode) each(*lock);
  });
}

bool is_number(const char* name) { return *name >= '1' && *name <= '9'; }

// A lock on an open file names no process: whoever has that file open does.
std::uint64_t pid_with_lock(config::LockKind kind, std::uint64_t dev, std::uint64_t inode) {
  std::uint64_t found = 0;
  const Listing proc = list_directory(AT_FDCWD, "/proc");
  while (const dirent* process = proc && found == 0 ? ::readdir(proc.get()) : nullptr) {
    if (!is_number(process->d_name) || std::to_string(::getpid()) == process->d_name) continue;
    const Listing files = list_directory(::dirfd(proc.get()), (std::string(process->d_name) + "/fdinfo").c_str());
    while (const dirent* file = files && found == 0 ? ::readdir(files.get()) : nullptr) {
      if (*file->d_name == '.') continue;
      for_each_lock(read_proc(::dirfd(files.get()), file->d_name), kind, dev, inode,
                    [&](const LockLine&) { found = number<std::uint64_t>(process->d_name).value_or(0); });
    }
  }
  return found;
}

std::string holder(int file, config::LockKind kind, std::uint64_t dev, std::uint64_t inode) {
  std::uint64_t pid = 0;
  if (kind == config::LockKind::posix) {
    struct flock asked {};
    asked.l_type = F_WRLCK;
    asked.l_whence = SEEK_SET;
    if (::fcntl(file, F_OFD_GETLK, &asked) == 0 && asked.l_type != F_UNLCK && asked.l_pid > 0) pid = static_cast<std::uint64_t>(asked.l_pid);
  }
  if (pid == 0) pid = pid_in_locks(read_proc(AT_FDCWD, "/proc/locks", kMaxProcFile), kind, dev, inode);
  if (pid == 0) pid = pid_with_lock(kind, dev, inode);
  if (pid == 0) return "a process that cannot be seen from here";
  std::string name = read_proc(AT_FDCWD, ("/proc/" + std::to_string(pid) + "/comm").c_str());
  if (name.ends_with('\n')) name.pop_back();
  return (name.empty() ? std::string("a process") : escape_bytes(name)) + " (pid " + std::to_string(pid) + ")";
}

bool lock_now(int file, config::LockKind kind) {
  if (kind == config::LockKind::flock) return ::flock(file, LOCK_EX | LOCK_NB) == 0;
  struct flock wanted {};
  wanted.l_type = F_WRLCK;
  wanted.l_whence = SEEK_SET;  // from 0 to the end, whatever that comes to be
  return ::fcntl(file, F_OFD_SETLK, &wanted) == 0;
}

}  // namespace

std::uint64_t pid_in_locks(std::string_view text, config::LockKind kind, std::uint64_t dev, std::uint64_t inode) {
  std::uint64_t found = 0;
  for_each_lock(text, kind, dev, inode, [&](const LockLine& lock) {
    if (found == 0 && lock.pid > 0) found = static_cast<std::uint64_t>(lock.pid);
  });
  return found;
}

Result<std::unique_ptr<ForeignLock>> ForeignLock::take(const std::string& path, config::LockKind kind) {
  const std::string shown = "the lock file " + escape_bytes(path);
  for (int tries = 0; tries < kTries; ++tries) {
    const Fd place = open_path(path);
    if (!place) {
      if (errno == ENOENT) return fail(ErrorKind::missing, shown + " does not exist");
      if (errno == ELOOP) return fail(ErrorKind::invalid, shown + " is a symbolic link, or has one on its way");
      return fail_errno("opening " + shown);
    }
    struct stat info {};
    if (::fstat(place.get(), &info) != 0) return fail_errno("looking at " + shown);
    if (!S_ISREG(info.st_mode)) return fail(ErrorKind::invalid, shown + " is no regular file");
    // This very file again, now that it is known to be one that an open does nothing to.
    const std::string again = "/proc/self/fd/" + std::to_string(place.get());
    const int flags = (kind == config::LockKind::posix ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
    Fd file(::open(again.c_str(), flags));
    if (!file) return fail_errno("opening " + shown);
    if (!lock_now(file.get(), kind)) {
      if (errno != EWOULDBLOCK && errno != EAGAIN && errno != EACCES) return fail_errno("locking " + shown);
      return fail(ErrorKind::busy, shown + " is held by " + holder(file.get(), kind, info.st_dev, info.st_ino));
    }
    std::unique_ptr<ForeignLock> out(new ForeignLock(std::move(file), info.st_dev, info.st_ino));
    if (out->is_at(path)) return out;  // else somebody has put another file there, and will take that one
  }
  return fail(ErrorKind::busy, shown + " is replaced all the time");
}

bool ForeignLock::is_at(const std::string& path) const {
  const Fd place = open_path(path);
  struct stat info {};
  return place && ::fstat(place.get(), &info) == 0 && info.st_dev == dev_ && info.st_ino == inode_;
}

}  // namespace freshet::store
