#include "runtime/sandbox/spawner.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cerrno>
#include <chrono>
#include <deque>
#include <optional>
#include <thread>

#include "runtime/base/mutex.h"
#include "runtime/sandbox/kernel.h"
#include "runtime/sandbox/networks.h"
#include "runtime/sandbox/user_map.h"
#include "runtime/wire/packet.h"

namespace freshet::sandbox {
namespace {

constexpr std::size_t kChildStack = 64 * 1024;
constexpr std::chrono::milliseconds kQuiet{10};  // with nothing to start, before something is made ahead
constexpr int kLowestKeptFd = 10;  // so that no descriptor of ours lies where the child's dup2 puts its own

// Shared with the child, which runs in our memory until its exec while this thread waits.
struct ChildStart {
  int role_fd = -1;
  int null_fd = -1;
  int socket_fd = -1;
  int errors_fd = -1;
  const char* argument = nullptr;
  bool raise_ambient = false;
  int error = 0;            // errno of the step that failed
  const char* step = "";
};

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
// copy of the memory, which is slower and loses the reason for a failed start.
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
constexpr unsigned kSharedMemory = 0;
#else
constexpr unsigned kSharedMemory = CLONE_VM;
#endif
#else
constexpr unsigned kSharedMemory = CLONE_VM;
#endif

// Runs between clone and exec in the manager's memory: system calls only, no lock, no allocation.
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
  if (start.raise_ambient && !raise_all_capabilities()) return give_up("raising capabilities");
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

void end_child(int pidfd) {
  ::syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, nullptr, 0U);
  siginfo_t info{};
  while (::waitid(static_cast<idtype_t>(P_PIDFD), static_cast<id_t>(pidfd), &info, WEXITED | __WALL) != 0 &&
         errno == EINTR) {
  }
}

// clone() into another control group, for which only clone3 has room (Linux 5.7). The C library has no function for it: the
// child must begin on a stack of its own, where no function can return to.
long clone_into(int control_group, std::uint64_t flags, void* stack, int (*run)(void*), void* argument, int* pidfd) {
#if defined(__x86_64__)
  clone_args args{};
  args.flags = flags | CLONE_INTO_CGROUP;
  args.pidfd = reinterpret_cast<std::uint64_t>(pidfd);
  args.exit_signal = SIGCHLD;
  args.stack = reinterpret_cast<std::uint64_t>(stack);
  args.stack_size = kChildStack;
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

Result<Fd> move_high(Fd fd) {
  Fd high(::fcntl(fd.get(), F_DUPFD_CLOEXEC, kLowestKeptFd));
  if (!high) return fail_errno("F_DUPFD_CLOEXEC");
  return high;
}

Result<Fd> open_executable(const std::string& path) {
  Fd file(::open(path.c_str(), O_PATH | O_CLOEXEC));
  if (!file) return fail_errno("opening the role executable " + path);
  struct stat info {};
  if (::fstat(file.get(), &info) != 0) return fail_errno("fstat of " + path);
  if (!S_ISREG(info.st_mode)) return fail(ErrorKind::missing, path + " is not a regular file");
  return move_high(std::move(file));
}

class Stack {
 public:
  Stack() : base_(::mmap(nullptr, kChildStack, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0)) {}
  ~Stack() {
    if (base_ != MAP_FAILED) ::munmap(base_, kChildStack);
  }
  Stack(const Stack&) = delete;
  Stack& operator=(const Stack&) = delete;
  [[nodiscard]] void* base() const { return base_; }
  [[nodiscard]] void* top() const { return base_ == MAP_FAILED ? nullptr : static_cast<char*>(base_) + kChildStack; }

 private:
  void* base_;
};

class ThreadSpawner final : public Spawner {
 public:
  ThreadSpawner(Fd role, Fd static_role, Fd null)
      : role_(std::move(role)), static_role_(std::move(static_role)), null_(std::move(null)), thread_([this] { serve(); }) {}

  ~ThreadSpawner() override {
    {
      const MutexLock lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_all();
    thread_.join();
  }

  Result<Spawned> spawn(const SpawnRequest& request) override {
    Job job{&request, std::nullopt};
    const MutexLock lock(mutex_);
    jobs_.push_back(&job);
    wake_.notify_all();
    while (!job.result) wake_.wait(mutex_);
    return std::move(*job.result);
  }

 private:
  struct Job {
    const SpawnRequest* request;
    std::optional<Result<Spawned>> result;  // written and read under mutex_
  };

  void serve() {
    // The program's signals are for its other threads; a handler must never run in the child, in our memory.
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, nullptr);
    MutexLock lock(mutex_);
    for (;;) {
      while (!stopping_ && jobs_.empty()) {
        if (!networks_.may_make_ahead()) {
          wake_.wait(mutex_);
        } else if (!wake_.wait_until(mutex_, std::chrono::steady_clock::now() + kQuiet) && jobs_.empty() && !stopping_) {
          lock.unlock();
          networks_.make_ahead();
          lock.lock();
        }
      }
      if (jobs_.empty()) return;
      Job* job = jobs_.front();
      jobs_.pop_front();
      lock.unlock();
      Result<Spawned> result = start(*job->request);
      lock.lock();
      job->result.emplace(std::move(result));
      wake_.notify_all();
    }
  }

  Result<Spawned> start(const SpawnRequest& request) {
    IdMaps maps;
    const bool user_namespace = (request.namespaces & CLONE_NEWUSER) != 0;
    if (user_namespace && request.viewer != 0) {
      maps = viewer_maps(request.viewer);
    } else if (user_namespace && request.map_all_ids) {
      if (ids_.uids.empty()) {
        auto ids = own_ids();
        if (!ids) return std::unexpected(ids.error());
        ids_ = std::move(*ids);
      }
      maps = full_maps(ids_);
    } else if (user_namespace) {
      maps = own_maps();
    }
    auto pair = wire::make_socket_pair();
    if (!pair) return std::unexpected(pair.error());
    auto theirs = move_high(std::move(pair->second));
    if (!theirs) return std::unexpected(theirs.error());
    if (stack_.top() == nullptr) return fail(ErrorKind::system, "no memory for a child's stack");
    const int executable = !request.loads_libraries && static_role_ ? static_role_.get() : role_.get();
    ChildStart child{executable, null_.get(), theirs->get(), request.errors_fd >= 0 ? request.errors_fd : null_.get(), request.argument.c_str(), user_namespace, 0, ""};
    int pidfd = -1;
    std::uint64_t namespaces = request.namespaces;
    const bool network_entered =
        (namespaces & CLONE_NEWNET) != 0 && (request.share_network ? networks_.enter_shared() : networks_.enter_next());
    if (network_entered) namespaces &= ~static_cast<std::uint64_t>(CLONE_NEWNET);
    const std::uint64_t flags = kSharedMemory | CLONE_VFORK | CLONE_PIDFD | namespaces;
    const auto pid = static_cast<pid_t>(
        request.control_group >= 0
            ? clone_into(request.control_group, flags, stack_.base(), run_child, &child, &pidfd)
            : ::clone(run_child, stack_.top(), static_cast<int>(flags | SIGCHLD), &child, &pidfd));
    const int clone_error = errno;
    if (network_entered) networks_.leave();
    errno = clone_error;
    if (pid < 0) return fail_errno("clone of a role");
    Spawned out{std::move(pair->first), Fd(pidfd), pid};
    if (child.error != 0) {
      end_child(pidfd);
      return fail(ErrorKind::system, std::string("starting the role executable: ") + child.step + ": " +
                                         errno_text(child.error));
    }
    if (user_namespace) {
      if (auto done = write_maps(pid, maps); !done) {
        end_child(pidfd);
        return std::unexpected(done.error());
      }
    }
    return out;
  }

  // Constant after construction.
  const Fd role_;
  const Fd static_role_;  // or none
  const Fd null_;

  // Of the thread.
  IdRanges ids_;  // once they are needed
  Networks networks_;
  const Stack stack_;  // of a child until its exec, which this thread waits for

  Mutex mutex_;
  Condition wake_;
  std::deque<Job*> jobs_ FRESHET_GUARDED_BY(mutex_);
  bool stopping_ FRESHET_GUARDED_BY(mutex_) = false;

  std::thread thread_;  // last: it uses all of the above
};

}  // namespace

Result<std::unique_ptr<Spawner>> Spawner::create(const std::string& role_executable) {
  auto role = open_executable(role_executable);
  if (!role) return std::unexpected(role.error());
  auto static_role = open_executable(role_executable + "-static");
  Fd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!null) return fail_errno("opening /dev/null");
  auto high_null = move_high(std::move(null));
  if (!high_null) return std::unexpected(high_null.error());
  return std::make_unique<ThreadSpawner>(std::move(*role), static_role ? std::move(*static_role) : Fd(), std::move(*high_null));
}

}  // namespace freshet::sandbox
