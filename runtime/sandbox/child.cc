#include "runtime/sandbox/child.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <cerrno>

#include "runtime/sandbox/kernel.h"

namespace freshet::sandbox {
namespace {

constexpr std::size_t kStackBytes = 64 * 1024;

// The id maps are written only after the exec, and an exec under an unmapped uid drops every capability that is not
// ambient: raise all of them (they are capabilities of the child's own user namespace).
bool raise_all_capabilities() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2] = {};
  if (::syscall(SYS_capget, &header, data) != 0) return false;
  for (auto& part : data) part.inheritable = part.permitted;
  if (::syscall(SYS_capset, &header, data) != 0) return false;
  for (unsigned long cap = 0; cap < 64; ++cap) {
    if ((data[cap / 32].permitted & (1U << (cap % 32))) == 0) continue;
    if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0) != 0) return false;
  }
  return true;
}

// ThreadSanitizer takes every clone for a fork and would undo its own state in the child's stead. There the child has a
// copy of the memory, which is slower.
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
constexpr unsigned kSharedMemory = 0;
#else
constexpr unsigned kSharedMemory = CLONE_VM;
#endif
#else
constexpr unsigned kSharedMemory = CLONE_VM;
#endif

// Between clone and exec.
int run_child(void* argument) {
  auto& start = *static_cast<ChildStart*>(argument);
  const auto give_up = [&](const char* step) {
    start.error = errno;
    start.step = step;
    return 127;  // clone() ends the child with it
  };
  struct sigaction plain {};
  plain.sa_handler = SIG_DFL;
  for (int number = 1; number <= SIGRTMAX; ++number) ::sigaction(number, &plain, nullptr);  // exec keeps SIG_IGN
  if (::dup2(start.null_fd, 0) < 0 || ::dup2(start.null_fd, 1) < 0 || ::dup2(start.errors_fd, 2) < 0 ||
      ::dup2(start.socket_fd, 3) < 0)
    return give_up("dup2");
  if (::syscall(SYS_close_range, 4U, ~0U, kCloseRangeCloexec) != 0) return give_up("close_range");
  if (start.maps != nullptr && !raise_all_capabilities()) return give_up("raising capabilities");
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return give_up("PR_SET_PDEATHSIG");
  if (::chdir("/") != 0) return give_up("chdir");
  if (::setsid() < 0) return give_up("setsid");  // no terminal's Ctrl-C reaches a role
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  char name[] = "freshet-role";
  char* const arguments[] = {name, const_cast<char*>(start.argument), nullptr};
  char* const environment[] = {nullptr};
  ::syscall(SYS_execveat, start.role_fd, "", arguments, environment, AT_EMPTY_PATH);
  return give_up("execveat");
}

// clone() into another control group, for which only clone3 has room (Linux 5.7). The C library has no function for it: the
// child must begin on a stack of its own, where no function can return to.
long clone_into(int control_group, std::uint64_t flags, void* stack, int (*run)(void*), void* argument, int* pidfd) {
#if defined(__x86_64__)
  clone_args args{};
  args.flags = flags | CLONE_INTO_CGROUP;
  args.pidfd = reinterpret_cast<std::uint64_t>(pidfd);
  args.exit_signal = (flags & CLONE_PARENT) != 0 ? 0 : SIGCHLD;  // with CLONE_PARENT that of the caller
  args.stack = reinterpret_cast<std::uint64_t>(stack);
  args.stack_size = kStackBytes;
  args.cgroup = static_cast<std::uint64_t>(control_group);
  long result = SYS_clone3;
  __asm__ volatile(
      "syscall\n\t"
      "testq %%rax, %%rax\n\t"
      "jnz 1f\n\t"
      "xorl %%ebp, %%ebp\n\t"
      "movq %[argument], %%rdi\n\t"
      "callq *%[run]\n\t"
      "movl %%eax, %%edi\n\t"
      "movl %[exit], %%eax\n\t"
      "syscall\n\t"
      "hlt\n"
      "1:"
      : "+a"(result)
      : "D"(&args), "S"(sizeof args), [run] "r"(run), [argument] "r"(argument), [exit] "i"(SYS_exit)
      : "rcx", "r11", "memory");
  if (result < 0) {
    errno = static_cast<int>(-result);
    return -1;
  }
  return result;
#else
  (void)control_group, (void)flags, (void)stack, (void)run, (void)argument, (void)pidfd;
  errno = ENOSYS;
  return -1;
#endif
}

void clone_child(ChildStart& start, const Stack& stack, std::uint64_t parent_flag) {
  const std::uint64_t flags = kSharedMemory | CLONE_VFORK | CLONE_PIDFD | parent_flag | start.namespaces;
  start.pid = static_cast<pid_t>(start.control_group >= 0
                                     ? clone_into(start.control_group, flags, stack.base(), run_child, &start, &start.pidfd)
                                     : ::clone(run_child, stack.top(), static_cast<int>(flags | SIGCHLD), &start, &start.pidfd));
  if (start.pid < 0) {
    start.error = errno;
    start.step = "clone";
  }
  if (start.step != nullptr || start.maps == nullptr) return;
  const StepError failed = put_maps(start.pid, *start.maps);
  start.step = failed.step;
  start.error = failed.error_number;
}

struct InOwner {
  ChildStart* start;
  const Stack* stack;
};

// CLONE_PARENT: the role is the manager's child, not of this one, which ends at once.
int clone_in_owner(void* argument) {
  const auto& [start, stack] = *static_cast<InOwner*>(argument);
  if (::setns(start->owner_fd, CLONE_NEWUSER) != 0 || ::setns(start->network_fd, CLONE_NEWNET) != 0) {
    start->error = errno;
    start->step = "setns";
    return 1;
  }
  clone_child(*start, *stack, CLONE_PARENT);
  return 0;
}

}  // namespace

Stack::Stack() : base_(::mmap(nullptr, kStackBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0)) {}

Stack::~Stack() {
  if (*this) ::munmap(base_, kStackBytes);
}

void* Stack::top() const { return *this ? static_cast<char*>(base_) + kStackBytes : nullptr; }

void start_child(ChildStart& start, const Stack& stack, const Stack& helper) {
  if (start.owner_fd < 0) return clone_child(start, stack, 0);
  InOwner in_owner{&start, &stack};
  if (run_helper(clone_in_owner, &in_owner, 0, helper)) return;
  start.error = errno;
  start.step = "clone";
}

void reap(pid_t child) {
  siginfo_t info{};
  while (::waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | __WALL) != 0 && errno == EINTR) {
  }
}

bool run_helper(int (*run)(void*), void* argument, std::uint64_t namespaces, const Stack& stack) {
  const pid_t pid = ::clone(run, stack.top(), static_cast<int>(kSharedMemory | CLONE_VFORK | CLONE_FILES | namespaces | SIGCHLD), argument);
  if (pid < 0) return false;
  reap(pid);
  return true;
}

}  // namespace freshet::sandbox
