// Runs a command as if on a lesser host: lesser_host HOW[,HOW..] COMMAND.. What it takes away cannot be had back, and holds
// for all that the command starts. Each is what programs see of the real thing:
//   no-user-namespaces  sysctl user.max_user_namespaces = 0
//   no-sys-admin        root without CAP_SYS_ADMIN
//   no-mdwe             a kernel before 6.3
//   landlock-2          Landlock of Linux 5.19 to 6.1: a tracer answers in the kernel's stead
//   no-landlock         a kernel without it
//   no-control-groups   a container in which /sys/fs/cgroup shows nothing
//   container           Docker's default: its capabilities, and what its seccomp profile refuses without CAP_SYS_ADMIN
#include <linux/capability.h>
#include <linux/landlock.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <string>
#include <string_view>

namespace {

[[noreturn]] void die(const char* what) {
  std::fprintf(stderr, "lesser_host: %s: %s\n", what, std::strerror(errno));
  std::exit(125);
}

class Filter {
 public:
  Filter() : context_(seccomp_init(SCMP_ACT_ALLOW)) {
    if (context_ == nullptr) die("seccomp_init");
    // A command that may do so anyway keeps its set-user-id programs and its capabilities.
    seccomp_attr_set(context_, SCMP_FLTATR_CTL_NNP, 1);
  }
  ~Filter() { seccomp_release(context_); }
  Filter(const Filter&) = delete;
  Filter& operator=(const Filter&) = delete;

  void refuse(std::initializer_list<int> calls, int error = EPERM) {
    for (const int call : calls)
      if (seccomp_rule_add(context_, SCMP_ACT_ERRNO(static_cast<std::uint32_t>(error)), call, 0) != 0) die("seccomp_rule_add");
  }
  void refuse_if(int call, scmp_arg_cmp comparison, int error = EPERM) {
    if (seccomp_rule_add(context_, SCMP_ACT_ERRNO(static_cast<std::uint32_t>(error)), call, 1, comparison) != 0)
      die("seccomp_rule_add");
  }
  void trace(int call) {
    if (seccomp_rule_add(context_, SCMP_ACT_TRACE(1), call, 0) != 0) die("seccomp_rule_add");
  }
  void load() {
    if (seccomp_load(context_) != 0) die("seccomp_load");
  }

 private:
  scmp_filter_ctx context_;
};

void refuse_namespaces(Filter& filter, std::initializer_list<int> flags, int error) {
  for (const int flag : flags) {
    const auto bit = static_cast<scmp_datum_t>(flag);
    filter.refuse_if(SCMP_SYS(clone), SCMP_A0(SCMP_CMP_MASKED_EQ, bit, bit), error);
    filter.refuse_if(SCMP_SYS(unshare), SCMP_A0(SCMP_CMP_MASKED_EQ, bit, bit), error);
  }
  // Its flags are behind a pointer; callers fall back to clone.
  filter.refuse({SCMP_SYS(clone3)}, ENOSYS);
}

// For good: out of the bounding set and of every other.
void keep_capabilities(unsigned long long kept) {
  for (unsigned long cap = 0; cap < 64; ++cap)
    if ((kept >> cap & 1) == 0 && ::prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) != 0 && errno != EINVAL) die("PR_CAPBSET_DROP");
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2] = {};
  if (::syscall(SYS_capget, &header, data) != 0) die("capget");
  for (unsigned i = 0; i < 2; ++i) {
    const auto mask = static_cast<unsigned>(kept >> (32 * i));
    data[i].effective &= mask;
    data[i].permitted &= mask;
    data[i].inheritable &= mask;
  }
  if (::syscall(SYS_capset, &header, data) != 0) die("capset");
}

unsigned long long bits(std::initializer_list<int> capabilities) {
  unsigned long long out = 0;
  for (const int one : capabilities) out |= 1ULL << one;
  return out;
}

void enter_container(Filter& filter) {
  if (::geteuid() == 0)
    keep_capabilities(bits({CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_FSETID, CAP_FOWNER, CAP_MKNOD, CAP_NET_RAW, CAP_SETGID, CAP_SETUID,
                            CAP_SETFCAP, CAP_SETPCAP, CAP_NET_BIND_SERVICE, CAP_SYS_CHROOT, CAP_KILL, CAP_AUDIT_WRITE}));
  filter.refuse({SCMP_SYS(acct), SCMP_SYS(add_key), SCMP_SYS(bpf), SCMP_SYS(clock_settime), SCMP_SYS(delete_module),
                 SCMP_SYS(finit_module), SCMP_SYS(fanotify_init), SCMP_SYS(fsconfig), SCMP_SYS(fsmount), SCMP_SYS(fsopen),
                 SCMP_SYS(fspick), SCMP_SYS(init_module), SCMP_SYS(io_uring_enter), SCMP_SYS(io_uring_register),
                 SCMP_SYS(io_uring_setup), SCMP_SYS(ioperm), SCMP_SYS(iopl), SCMP_SYS(kcmp), SCMP_SYS(kexec_file_load),
                 SCMP_SYS(kexec_load), SCMP_SYS(keyctl), SCMP_SYS(lookup_dcookie), SCMP_SYS(mbind), SCMP_SYS(mount),
                 SCMP_SYS(mount_setattr), SCMP_SYS(move_mount), SCMP_SYS(move_pages), SCMP_SYS(name_to_handle_at),
                 SCMP_SYS(nfsservctl), SCMP_SYS(open_by_handle_at), SCMP_SYS(open_tree), SCMP_SYS(perf_event_open),
                 SCMP_SYS(pidfd_getfd), SCMP_SYS(pivot_root), SCMP_SYS(process_madvise), SCMP_SYS(process_vm_readv),
                 SCMP_SYS(process_vm_writev), SCMP_SYS(quotactl), SCMP_SYS(reboot), SCMP_SYS(request_key),
                 SCMP_SYS(set_mempolicy), SCMP_SYS(setns), SCMP_SYS(settimeofday), SCMP_SYS(swapoff), SCMP_SYS(swapon),
                 SCMP_SYS(sysfs), SCMP_SYS(syslog), SCMP_SYS(umount2), SCMP_SYS(unshare), SCMP_SYS(uselib),
                 SCMP_SYS(userfaultfd), SCMP_SYS(ustat), SCMP_SYS(vhangup)});
  refuse_namespaces(filter, {CLONE_NEWUSER, CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWNET, CLONE_NEWIPC, CLONE_NEWUTS, CLONE_NEWCGROUP},
                    EPERM);
}

void hide_control_groups() {
  if (::unshare(CLONE_NEWNS) != 0 || ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
      ::mount("none", "/sys/fs/cgroup", "tmpfs", MS_RDONLY, nullptr) != 0)
    die("hiding /sys/fs/cgroup");
}

// ---- a tracer that knows one call ----

constexpr long kLandlockAbi = 2;
constexpr unsigned long long kRulesetBytes = sizeof(__u64);  // of struct landlock_ruleset_attr, until ABI 4

void answer_landlock(pid_t child) {
  user_regs_struct registers{};
  if (::ptrace(PTRACE_GETREGS, child, nullptr, &registers) != 0) return;
  const bool asks_version = (registers.rdx & LANDLOCK_CREATE_RULESET_VERSION) != 0;
  if (!asks_version && registers.rsi <= kRulesetBytes) return;
  registers.orig_rax = ~0ULL;  // no call
  registers.rax = static_cast<unsigned long long>(asks_version ? kLandlockAbi : -E2BIG);
  ::ptrace(PTRACE_SETREGS, child, nullptr, &registers);
}

// Ends as the command ends.
[[noreturn]] void trace(pid_t command) {
  constexpr long kOptions = PTRACE_O_TRACESECCOMP | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE |
                            PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL;
  int status = 0;
  if (::waitpid(command, &status, 0) != command || !WIFSTOPPED(status)) die("the command did not wait for its tracer");
  if (::ptrace(PTRACE_SETOPTIONS, command, nullptr, kOptions) != 0) die("PTRACE_SETOPTIONS");
  ::ptrace(PTRACE_CONT, command, nullptr, 0);
  for (;;) {
    const pid_t child = ::waitpid(-1, &status, __WALL);
    if (child < 0) die("waitpid");
    if (child == command && WIFEXITED(status)) std::exit(WEXITSTATUS(status));
    if (child == command && WIFSIGNALED(status)) std::exit(128 + WTERMSIG(status));
    if (!WIFSTOPPED(status)) continue;
    const int event = status >> 16;
    long signal = 0;
    if (event == PTRACE_EVENT_SECCOMP) answer_landlock(child);
    // A new child begins with a stop of its own; else what stopped it is its own affair.
    else if (event == 0 && WSTOPSIG(status) != SIGSTOP) signal = WSTOPSIG(status);
    ::ptrace(PTRACE_CONT, child, nullptr, signal);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fputs("usage: lesser_host HOW[,HOW..] COMMAND..\n", stderr);
    return 64;
  }
  Filter filter;
  bool traced = false;
  const std::string all = argv[1];
  for (std::size_t from = 0; from <= all.size();) {
    const std::size_t to = std::min(all.find(',', from), all.size());
    const std::string_view how = std::string_view(all).substr(from, to - from);
    from = to + 1;
    if (how == "no-user-namespaces") {
      refuse_namespaces(filter, {CLONE_NEWUSER}, ENOSPC);
    } else if (how == "no-sys-admin") {
      keep_capabilities(~bits({CAP_SYS_ADMIN}));
    } else if (how == "no-mdwe") {
      filter.refuse_if(SCMP_SYS(prctl), scmp_arg_cmp{0, SCMP_CMP_EQ, 65, 0}, EINVAL);
    } else if (how == "no-landlock") {
      filter.refuse({SCMP_SYS(landlock_create_ruleset), SCMP_SYS(landlock_add_rule), SCMP_SYS(landlock_restrict_self)}, ENOSYS);
    } else if (how == "landlock-2") {
      traced = true;
    } else if (how == "no-control-groups") {
      hide_control_groups();
    } else if (how == "container") {
      enter_container(filter);
    } else {
      std::fprintf(stderr, "lesser_host: what is %s?\n", std::string(how).c_str());
      return 64;
    }
  }
  if (traced) {
    const pid_t command = ::fork();
    if (command < 0) die("fork");
    if (command > 0) trace(command);
    filter.trace(SCMP_SYS(landlock_create_ruleset));
    if (::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) die("PTRACE_TRACEME");
    ::raise(SIGSTOP);
  }
  filter.load();
  execvp(argv[2], argv + 2);
  std::perror(argv[2]);
  return 127;
}
