#include "runtime/manager/hook_runner.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "runtime/base/error.h"
#include "runtime/base/fd.h"
#include "runtime/base/units.h"
#include "runtime/metrics/stopwatch.h"

namespace freshet {
namespace {

constexpr int kLowestFd = 10;  // so that no end of the pipe lies where the child's standard descriptors go
constexpr int kLook = 50;      // milliseconds between two looks at `stop`
constexpr int kMaxDrain = 64;  // reads of what is in the pipe when the hook has ended; others may go on writing

Fd moved_high(int fd) {
  const Fd low(fd);
  return Fd(::fcntl(low.get(), F_DUPFD_CLOEXEC, kLowestFd));
}

// posix_spawn's two objects.
class SpawnSettings {
 public:
  explicit SpawnSettings(int output) {
    ::posix_spawn_file_actions_init(&actions_);
    ::posix_spawnattr_init(&attributes_);
    ::posix_spawn_file_actions_addopen(&actions_, 0, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_adddup2(&actions_, output, 1);
    ::posix_spawn_file_actions_adddup2(&actions_, output, 2);
    ::posix_spawn_file_actions_addclosefrom_np(&actions_, 3);
    ::posix_spawn_file_actions_addchdir_np(&actions_, "/");
    sigset_t none;
    sigset_t all;
    ::sigemptyset(&none);
    ::sigfillset(&all);
    ::posix_spawnattr_setsigmask(&attributes_, &none);
    ::posix_spawnattr_setsigdefault(&attributes_, &all);
    ::posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }
  ~SpawnSettings() {
    ::posix_spawn_file_actions_destroy(&actions_);
    ::posix_spawnattr_destroy(&attributes_);
  }
  SpawnSettings(const SpawnSettings&) = delete;
  SpawnSettings& operator=(const SpawnSettings&) = delete;

  int spawn(pid_t& pid, const std::vector<std::string>& run) const {
    std::vector<char*> arguments;
    for (const std::string& text : run) arguments.push_back(const_cast<char*>(text.c_str()));
    arguments.push_back(nullptr);
    char* environment[] = {nullptr};
    return ::posix_spawn(&pid, run.front().c_str(), &actions_, &attributes_, arguments.data(), environment);
  }

 private:
  posix_spawn_file_actions_t actions_{};
  posix_spawnattr_t attributes_{};
};

// False when nothing more is to come, or nothing is there now.
bool take_output(int pipe, HookOutcome& out) {
  char buffer[4096];
  ssize_t got = -1;
  do got = ::read(pipe, buffer, sizeof buffer);
  while (got < 0 && errno == EINTR);
  if (got <= 0) return false;
  const auto length = static_cast<std::size_t>(got);
  out.output.append(buffer, std::min(length, kMaxHookOutput - out.output.size()));
  out.output_bytes += length;
  return true;
}

std::string name_of_signal(int number) {
  const char* name = ::sigabbrev_np(number);
  return name != nullptr ? "SIG" + std::string(name) : "signal " + std::to_string(number);
}

// Its group is killed while its leader is not yet reaped: the number cannot be another group's.
void end_group(pid_t pid) { ::kill(-pid, SIGKILL); }

}  // namespace

HookOutcome run_hook(const config::HookConfig& hook, const std::stop_token& stop) {
  HookOutcome out;
  const std::int64_t began = metrics::monotonic_ns();
  const auto failed = [&](const char* doing, int error_number) {
    out.how = std::string("cannot be started: ") + doing + errno_text(error_number);
    return out;
  };
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return failed("a pipe: ", errno);
  const Fd ours = moved_high(ends[0]);
  Fd theirs = moved_high(ends[1]);
  if (!ours || !theirs || ::fcntl(ours.get(), F_SETFL, O_NONBLOCK) != 0) return failed("a pipe: ", errno);
  pid_t pid = -1;
  if (const int error = SpawnSettings(theirs.get()).spawn(pid, hook.run); error != 0) return failed("", error);
  theirs.reset();

  const Fd process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  const std::int64_t deadline = began + hook.deadline_ns;
  bool open = true;
  std::string killed_for;
  for (;;) {
    pollfd watched[] = {{process.get(), POLLIN, 0}, {open ? ours.get() : -1, POLLIN, 0}};
    const std::int64_t left = (deadline - metrics::monotonic_ns()) / 1'000'000 + 1;
    ::poll(watched, 2, static_cast<int>(std::clamp<std::int64_t>(left, 0, kLook)));
    if ((watched[1].revents & (POLLIN | POLLHUP | POLLERR)) != 0 && !take_output(ours.get(), out)) open = false;
    siginfo_t ended{};
    const int looked = ::waitid(P_PID, static_cast<id_t>(pid), &ended, WEXITED | WNOWAIT | WNOHANG);
    if (looked != 0 && errno != EINTR) break;  // the host program took its end
    if (looked == 0 && ended.si_pid == pid) break;
    if (metrics::monotonic_ns() >= deadline) killed_for = "not ended within " + format_duration(hook.deadline_ns);
    else if (stop.stop_requested()) killed_for = "interrupted";
    if (killed_for.empty()) continue;
    end_group(pid);
    break;
  }
  siginfo_t ended{};
  while (::waitid(P_PID, static_cast<id_t>(pid), &ended, WEXITED | WNOWAIT) != 0 && errno == EINTR) {
  }
  const bool seen = ended.si_pid == pid;
  if (seen) {
    end_group(pid);
    ::waitpid(pid, nullptr, 0);
  }
  for (int i = 0; open && i < kMaxDrain; ++i) open = take_output(ours.get(), out);
  out.took_ns = metrics::monotonic_ns() - began;
  if (!killed_for.empty()) out.how = killed_for;
  else if (!seen) out.how = "its end was not to be seen";
  else if (ended.si_code != CLD_EXITED) out.how = "killed by " + name_of_signal(ended.si_status);
  else out.how = "exit code " + std::to_string(ended.si_status);
  out.succeeded = killed_for.empty() && seen && ended.si_code == CLD_EXITED && ended.si_status == 0;
  return out;
}

}  // namespace freshet
