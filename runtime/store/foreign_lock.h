#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "runtime/base/error.h"
#include "runtime/base/fd.h"
#include "runtime/config/config.h"

namespace freshet::store {

// A lock that other programs take on a file of theirs, held as long as this object lives. Never made, never written; a
// regular file that is reached through no symbolic link, or nothing. POSIX locks are taken on the open file (F_OFD_SETLK):
// they exclude those of fcntl(F_SETLK) and lockf, and closing another descriptor of the file in this process, as anybody
// may, does not let go of them. Exclusive; taken at once or not at all.
class ForeignLock {
 public:
  // Error kinds: `missing` (no such file), `busy` (held; the text names who), `invalid` (a link on the way, or no regular
  // file), `system`.
  static Result<std::unique_ptr<ForeignLock>> take(const std::string& path, config::LockKind kind);
  ForeignLock(const ForeignLock&) = delete;
  ForeignLock& operator=(const ForeignLock&) = delete;
  ~ForeignLock() = default;

  // That this object's file is the one at `path` now.
  [[nodiscard]] bool is_at(const std::string& path) const;

 private:
  ForeignLock(Fd file, std::uint64_t dev, std::uint64_t inode) : file_(std::move(file)), dev_(dev), inode_(inode) {}

  const Fd file_;
  const std::uint64_t dev_;
  const std::uint64_t inode_;
};

// The process that holds a lock on (dev, inode) by the text of /proc/locks, the first one that is named; 0 when none is.
// Only FLOCK lines, or only POSIX and OFDLCK ones.
std::uint64_t pid_in_locks(std::string_view text, config::LockKind kind, std::uint64_t dev, std::uint64_t inode);

}  // namespace freshet::store
