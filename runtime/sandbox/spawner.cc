#include "runtime/sandbox/spawner.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cerrno>
#include <deque>
#include <optional>
#include <thread>

#include "runtime/base/mutex.h"
#include "runtime/sandbox/kernel.h"
#include "runtime/sandbox/user_map.h"
#include "runtime/wire/packet.h"

namespace freshet::sandbox {
namespace {

constexpr std::size_t kChildStack = 64 * 1024;
constexpr int kLowestKeptFd = 10;  // so that no descriptor of ours lies where the child's dup2 puts its own

// Shared with the child, which runs in our memory until its exec while this thread waits.
struct ChildStart {
  int role_fd = -1;
  int null_fd = -1;
  int socket_fd = -1;
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
  if (::dup2(start.null_fd, 0) < 0 || ::dup2(start.null_fd, 1) < 0 || ::dup2(start.null_fd, 2) < 0 ||
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

Result<Fd> move_high(Fd fd) {
  Fd high(::fcntl(fd.get(), F_DUPFD_CLOEXEC, kLowestKeptFd));
  if (!high) return fail_errno("F_DUPFD_CLOEXEC");
  return high;
}

// One memory mapping, a child's stack until it has exec'd.
class Stack {
 public:
  Stack() : base_(::mmap(nullptr, kChildStack, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0)) {}
  ~Stack() {
    if (base_ != MAP_FAILED) ::munmap(base_, kChildStack);
  }
  Stack(const Stack&) = delete;
  Stack& operator=(const Stack&) = delete;
  [[nodiscard]] void* top() const { return base_ == MAP_FAILED ? nullptr : static_cast<char*>(base_) + kChildStack; }

 private:
  void* base_;
};

class ThreadSpawner final : public Spawner {
 public:
  ThreadSpawner(Fd role, Fd null) : role_(std::move(role)), null_(std::move(null)), thread_([this] { serve(); }) {}

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
      while (!stopping_ && jobs_.empty()) wake_.wait(mutex_);
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
    if (user_namespace && request.map_all_ids) {
      auto full = full_maps();
      if (!full) return std::unexpected(full.error());
      maps = std::move(*full);
    } else if (user_namespace) {
      maps = own_maps();
    }
    auto pair = wire::make_socket_pair();
    if (!pair) return std::unexpected(pair.error());
    auto theirs = move_high(std::move(pair->second));
    if (!theirs) return std::unexpected(theirs.error());
    const Stack stack;
    if (stack.top() == nullptr) return fail_errno("mmap of a child's stack");
    ChildStart child{role_.get(), null_.get(), theirs->get(), request.argument.c_str(), user_namespace, 0, ""};
    int pidfd = -1;
    const int flags = static_cast<int>(CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD | request.namespaces);
    const pid_t pid = ::clone(run_child, stack.top(), flags, &child, &pidfd);
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
  const Fd null_;

  Mutex mutex_;
  Condition wake_;
  std::deque<Job*> jobs_ FRESHET_GUARDED_BY(mutex_);
  bool stopping_ FRESHET_GUARDED_BY(mutex_) = false;

  std::thread thread_;  // last: it uses all of the above
};

}  // namespace

Result<std::unique_ptr<Spawner>> Spawner::create(const std::string& role_executable) {
  Fd role(::open(role_executable.c_str(), O_PATH | O_CLOEXEC));
  if (!role) return fail_errno("opening the role executable " + role_executable);
  struct stat info {};
  if (::fstat(role.get(), &info) != 0) return fail_errno("fstat of " + role_executable);
  if (!S_ISREG(info.st_mode)) return fail(ErrorKind::missing, role_executable + " is not a regular file");
  Fd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!null) return fail_errno("opening /dev/null");
  auto high_role = move_high(std::move(role));
  if (!high_role) return std::unexpected(high_role.error());
  auto high_null = move_high(std::move(null));
  if (!high_null) return std::unexpected(high_null.error());
  return std::make_unique<ThreadSpawner>(std::move(*high_role), std::move(*high_null));
}

}  // namespace freshet::sandbox
