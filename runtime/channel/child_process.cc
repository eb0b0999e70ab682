#include "runtime/channel/child_process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <string_view>

namespace freshet::channel {
namespace {

std::int64_t nanoseconds(const timeval& time) {
  return static_cast<std::int64_t>(time.tv_sec) * 1'000'000'000 + static_cast<std::int64_t>(time.tv_usec) * 1000;
}

// The number behind "\nName:" in /proc/<pid>/status; 0 when it is not there (a process that has ended).
std::uint64_t field(std::string_view text, std::string_view name) {
  const std::size_t at = text.find(name);
  if (at == std::string_view::npos) return 0;
  const std::size_t from = text.find_first_of("0123456789", at + name.size());
  if (from == std::string_view::npos) return 0;
  std::uint64_t value = 0;
  std::from_chars(text.data() + from, text.data() + text.size(), value);
  return value;
}

}  // namespace

const ExitStatus& ChildProcess::reap(bool kill) {
  if (status_) return *status_;
  if (kill) {
    ProcessLook look;
    sample(look);  // its peak goes with it
    ::syscall(SYS_pidfd_send_signal, pidfd_.get(), SIGKILL, nullptr, 0U);
  }
  siginfo_t info{};
  rusage used{};
  long result = 0;
  do {
    result = ::syscall(SYS_waitid, P_PIDFD, pidfd_.get(), &info, WEXITED | __WALL, &used);
  } while (result != 0 && errno == EINTR);
  status_.emplace();
  if (result != 0) return *status_;
  status_->known = true;
  status_->signalled = info.si_code != CLD_EXITED;
  status_->number = info.si_status;
  usage_.cpu_ns = nanoseconds(used.ru_utime) + nanoseconds(used.ru_stime);
  usage_.context_switches = static_cast<std::uint64_t>(used.ru_nvcsw + used.ru_nivcsw);
  usage_.blocks_in = static_cast<std::uint64_t>(used.ru_inblock);
  usage_.blocks_out = static_cast<std::uint64_t>(used.ru_oublock);
  return *status_;
}

bool ChildProcess::sample(ProcessLook& look) {
  if (status_) return false;
  char path[32];
  std::snprintf(path, sizeof path, "/proc/%d/status", static_cast<int>(pid_));
  const Fd file(::open(path, O_RDONLY | O_CLOEXEC));
  if (!file) return false;
  char buffer[4096];
  const ssize_t got = ::read(file.get(), buffer, sizeof buffer);
  if (got <= 0) return false;
  const std::string_view text(buffer, static_cast<std::size_t>(got));
  look.threads = static_cast<std::uint32_t>(field(text, "\nThreads:"));
  look.rss_bytes = field(text, "\nVmRSS:") * 1024;
  usage_.peak_rss_bytes = std::max(usage_.peak_rss_bytes, field(text, "\nVmHWM:") * 1024);
  return look.rss_bytes != 0;
}

Fd ChildProcess::open_proc() const {
  if (status_) return {};
  char path[32];
  std::snprintf(path, sizeof path, "/proc/%d", static_cast<int>(pid_));
  return Fd(::open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

std::uint32_t ChildProcess::count_fds() const {
  std::error_code error;
  std::uint32_t count = 0;
  if (status_) return 0;
  for (std::filesystem::directory_iterator it("/proc/" + std::to_string(pid_) + "/fd", error), last;
       !error && it != last; it.increment(error))
    ++count;
  return error ? 0 : count;
}

}  // namespace freshet::channel
