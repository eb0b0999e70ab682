#include "runtime/channel/crash_watch.h"

#include <signal.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>

#include <cerrno>

namespace freshet::channel {
namespace {

// A fault of the process's own instruction, not a signal that somebody sent.
bool is_crash(int pid, int signal) {
  siginfo_t info{};
  const bool fault = signal == SIGSEGV || signal == SIGBUS || signal == SIGFPE || signal == SIGILL || signal == SIGTRAP;
  return fault && ::ptrace(PTRACE_GETSIGINFO, pid, nullptr, &info) == 0 && info.si_code > 0;
}

// Lets the process go, to run the instruction again: as the first of its namespace it is ended by a fault only while nobody
// traces it.
void let_crash(int pid, int signal, user_regs_struct& registers) {
  constexpr unsigned long kBreakpoint = 0xcc;
  if (signal == SIGTRAP && (static_cast<unsigned long>(::ptrace(PTRACE_PEEKTEXT, pid, registers.rip - 1, nullptr)) & 0xff) == kBreakpoint) {
    registers.rip -= 1;
    ::ptrace(PTRACE_SETREGS, pid, nullptr, &registers);
  }
  ::ptrace(PTRACE_DETACH, pid, nullptr, nullptr);
}

}  // namespace

CrashWatch::CrashWatch(int pid, int proc) : thread_([this, pid, proc] { watch(pid, proc); }) { begun_.acquire(); }

CrashWatch::~CrashWatch() {
  if (thread_.joinable()) thread_.join();
}

std::vector<Frame> CrashWatch::finish() {
  if (thread_.joinable()) thread_.join();
  return std::move(frames_);
}

void CrashWatch::watch(int pid, int proc) {
  sigset_t all;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, nullptr);  // the program's signals are for its other threads
  const bool traced = ::ptrace(PTRACE_SEIZE, pid, nullptr, nullptr) == 0;
  begun_.release();
  if (!traced) return;
  for (;;) {
    siginfo_t info{};
    // Its end is only looked at: whoever owns the process reaps it.
    if (::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WSTOPPED | WNOWAIT | __WALL) != 0) {
      if (errno == EINTR) continue;
      return;
    }
    if (info.si_code != CLD_TRAPPED && info.si_code != CLD_STOPPED) return;
    info = {};
    if (::waitid(P_PID, static_cast<id_t>(pid), &info, WSTOPPED | WNOHANG | __WALL) != 0 || info.si_pid == 0) continue;
    const bool event = (info.si_status >> 8) != 0;  // not a signal: a stop of the whole group, and the like
    const int signal = event ? 0 : info.si_status;
    user_regs_struct registers{};
    if (is_crash(pid, signal) && ::ptrace(PTRACE_GETREGS, pid, nullptr, &registers) == 0) {
      frames_ = read_back_trace(proc, {registers.rip, registers.rsp});
      return let_crash(pid, signal, registers);
    }
    ::ptrace(PTRACE_CONT, pid, nullptr, signal);
  }
}

}  // namespace freshet::channel
