// More processes than the one, and signals and settings of others.
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <cerrno>
#include <cstring>
#include <thread>

#include "tests/plugins/hostile/cases/case.h"

namespace freshet::hostile {
namespace {

// What a process made here does: stay for a moment, where it can be seen.
[[noreturn]] void stay() {
  for (int i = 0; i < 100; ++i) {
    const timespec moment{0, 100'000'000};
    ::nanosleep(&moment, nullptr);
  }
  ::syscall(SYS_exit_group, 0);
  __builtin_unreachable();
}

void end_of(long pid) {
  if (pid == 0) stay();
}

int stay_on_stack(void*) { stay(); }

const Case kCases[] = {
    {"fork", Evidence::left, [](Scene&) { end_of(::fork()); }},
    {"fork-call", Evidence::left, [](Scene&) { end_of(::syscall(SYS_fork)); }},
    {"clone-as-fork", Evidence::left, [](Scene&) { end_of(::syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0)); }},
    {"clone-without-signal", Evidence::left, [](Scene&) { end_of(::syscall(SYS_clone, 0, 0, 0, 0, 0)); }},
    {"clone-of-memory", Evidence::left,
     [](Scene&) {
       static char stack[65536];
       ::clone(stay_on_stack, stack + sizeof stack, CLONE_VM | CLONE_FILES | CLONE_FS | CLONE_SIGHAND, nullptr);
     }},
    {"clone-thread-in-new-namespace", Evidence::left,
     [](Scene&) { end_of(::syscall(SYS_clone, SIGCHLD | CLONE_NEWUSER | CLONE_NEWPID, 0, 0, 0, 0)); }},
    {"clone-as-sibling", Evidence::left, [](Scene&) { end_of(::syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0)); },
     "", 0, nullptr},
    {"clone3", Evidence::left,
     [](Scene&) {
       clone_args arguments{};
       arguments.exit_signal = SIGCHLD;
       end_of(::syscall(SYS_clone3, &arguments, sizeof arguments));
     }},
    {"fork-from-thread", Evidence::left, [](Scene&) { std::thread([] { end_of(::syscall(SYS_fork)); }).join(); }},
    {"fork-twice-and-detach", Evidence::left,
     [](Scene&) {
       const pid_t child = ::fork();
       if (child == 0) {
         ::setsid();
         if (::fork() == 0) stay();
         ::_exit(0);
       }
       if (child > 0) ::waitpid(child, nullptr, 0);
     }},
    {"kill", Evidence::victim, [](Scene& s) { ::kill(static_cast<pid_t>(s.victim), SIGUSR1); }},
    {"kill-hard", Evidence::victim, [](Scene& s) { ::kill(static_cast<pid_t>(s.victim), SIGKILL); }},
    {"stop", Evidence::victim, [](Scene& s) { ::kill(static_cast<pid_t>(s.victim), SIGSTOP); }},
    {"kill-group", Evidence::victim, [](Scene& s) { ::kill(static_cast<pid_t>(-s.victim), SIGUSR1); }},
    {"tkill", Evidence::victim, [](Scene& s) { ::syscall(SYS_tkill, s.victim, SIGUSR1); }},
    {"tgkill", Evidence::victim, [](Scene& s) { ::syscall(SYS_tgkill, s.victim, s.victim, SIGUSR1); }},
    {"sigqueue", Evidence::victim, [](Scene& s) { ::sigqueue(static_cast<pid_t>(s.victim), SIGUSR1, sigval{}); }},
    {"tgsigqueue", Evidence::victim,
     [](Scene& s) {
       siginfo_t info{};
       info.si_code = SI_QUEUE;
       ::syscall(SYS_rt_tgsigqueueinfo, s.victim, s.victim, SIGUSR1, &info);
     }},
    {"pidfd-send-signal", Evidence::victim,
     [](Scene& s) {
       const long fd = ::syscall(SYS_pidfd_open, s.victim, 0);
       ::syscall(SYS_pidfd_send_signal, fd, SIGUSR1, nullptr, 0);
     }},
    {"signal-by-proc-directory", Evidence::victim,
     [](Scene& s) {
       const int fd = ::open(("/proc/" + std::to_string(s.victim)).c_str(), O_RDONLY | O_DIRECTORY);
       ::syscall(SYS_pidfd_send_signal, fd, SIGUSR1, nullptr, 0);
     }},
    {"signal-by-owner-of-descriptor", Evidence::victim,
     [](Scene& s) {
       // The kernel sends it when something can be read there.
       int ends[2];
       if (::pipe2(ends, 0) != 0) return;
       ::fcntl(ends[0], F_SETOWN, static_cast<int>(s.victim));
       ::fcntl(ends[0], F_SETSIG, SIGUSR1);
       ::fcntl(ends[0], F_SETFL, O_ASYNC);
       [[maybe_unused]] const ssize_t done = ::write(ends[1], "x", 1);
     }},
    {"priority-of-other", Evidence::victim, [](Scene& s) { ::setpriority(PRIO_PROCESS, static_cast<id_t>(s.victim), 15); }},
    {"affinity-of-other", Evidence::victim,
     [](Scene& s) {
       cpu_set_t one;
       CPU_ZERO(&one);
       CPU_SET(0, &one);
       ::sched_setaffinity(static_cast<pid_t>(s.victim), sizeof one, &one);
     }},
    {"scheduler-of-other", Evidence::victim,
     [](Scene& s) {
       const sched_param none{};
       ::sched_setscheduler(static_cast<pid_t>(s.victim), SCHED_BATCH, &none);
     }},
    {"sched-setattr-of-other", Evidence::victim,
     [](Scene& s) {
       struct {
         std::uint32_t size = 48, policy = SCHED_BATCH;
         std::uint64_t flags = 0;
         std::int32_t nice = 19;
         std::uint32_t priority = 0;
         std::uint64_t rest[3] = {};
       } attributes;
       ::syscall(SYS_sched_setattr, s.victim, &attributes, 0);
     }},
    {"limit-of-other", Evidence::victim,
     [](Scene& s) {
       const rlimit low{17, 17};
       ::prlimit(static_cast<pid_t>(s.victim), RLIMIT_CORE, &low, nullptr);
     }},
    {"io-priority-of-other", Evidence::victim, [](Scene& s) { ::syscall(SYS_ioprio_set, 1, s.victim, (2 << 13) | 7); }},
    {"oom-score-of-other", Evidence::victim,
     [](Scene& s) {
       const int fd = ::open(("/proc/" + std::to_string(s.victim) + "/oom_score_adj").c_str(), O_WRONLY);
       [[maybe_unused]] const ssize_t done = ::write(fd, "900", 3);
     }},
    {"new-session", Evidence::state, [](Scene&) { ::setpgid(0, 0); end_of(::fork()); }, "children"},
    {"priority-of-itself", Evidence::state, [](Scene&) { ::setpriority(PRIO_PROCESS, 0, 5); }, "nice"},
    {"subreaper", Evidence::state,
     [](Scene&) {
       ::prctl(PR_SET_CHILD_SUBREAPER, 1);
       end_of(::fork());
     }, "children"},
};

}  // namespace

std::span<const Case> process_cases() { return kCases; }

}  // namespace freshet::hostile
