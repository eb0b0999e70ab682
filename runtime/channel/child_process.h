#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

#include "runtime/base/fd.h"
#include "runtime/channel/role_process.h"

namespace freshet::channel {

// How the kernel says a process ended.
struct ExitStatus {
  bool known = false;     // false: somebody else in this program reaped it
  bool signalled = false;
  int number = 0;         // exit code or signal
};

// Owns a child until it is reaped; the destructor kills. Signals go by pidfd; the pid is for /proc, which is safe as
// long as the child is not reaped.
class ChildProcess {
 public:
  ChildProcess(Fd pidfd, pid_t pid) : pidfd_(std::move(pidfd)), pid_(pid) {}
  ~ChildProcess() { reap(true); }
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  [[nodiscard]] int pidfd() const { return pidfd_.get(); }
  [[nodiscard]] pid_t pid() const { return pid_; }
  [[nodiscard]] bool reaped() const { return status_.has_value(); }

  // Waits for its end (kills it first if asked to) and keeps the figures. Idempotent.
  const ExitStatus& reap(bool kill);

  // Looks at /proc now: the size, and the peak the kernel has kept for this program alone. (The peak of wait4 would
  // include the manager's own: the child shared its memory until its exec.) False when it is gone.
  bool sample(ProcessLook& look);
  [[nodiscard]] std::uint32_t count_fds() const;
  // Its folder in /proc, of this process and no later one; none when it is gone.
  [[nodiscard]] Fd open_proc() const;

  // Filled by reap, but for the peak, which samples raise.
  [[nodiscard]] const RoleUsage& usage() const { return usage_; }

 private:
  Fd pidfd_;
  pid_t pid_;
  std::optional<ExitStatus> status_;
  RoleUsage usage_;
};

}  // namespace freshet::channel
