#include "runtime/sandbox/spawner.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cerrno>
#include <chrono>
#include <deque>
#include <optional>
#include <thread>

#include "runtime/base/mutex.h"
#include "runtime/sandbox/child.h"
#include "runtime/sandbox/networks.h"
#include "runtime/sandbox/user_map.h"
#include "runtime/wire/packet.h"

namespace freshet::sandbox {
namespace {

constexpr std::chrono::milliseconds kQuiet{10};  // with nothing to start, before something is made ahead
constexpr int kLowestKeptFd = 10;  // so that no descriptor of ours lies where the child's dup2 puts its own

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

Result<Fd> open_executable(const std::string& path) {
  Fd file(::open(path.c_str(), O_PATH | O_CLOEXEC));
  if (!file) return fail_errno("opening the role executable " + path);
  struct stat info {};
  if (::fstat(file.get(), &info) != 0) return fail_errno("fstat of " + path);
  if (!S_ISREG(info.st_mode)) return fail(ErrorKind::missing, path + " is not a regular file");
  return move_high(std::move(file));
}

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
    const int executable = !request.loads_libraries && static_role_ ? static_role_.get() : role_.get();
    if (!child_ || !stack_ || !helper_stack_) return fail(ErrorKind::system, "no memory for a child's stack");
    ChildStart& child = *child_.get();
    child = {.role_fd = executable,
             .null_fd = null_.get(),
             .socket_fd = theirs->get(),
             .errors_fd = request.errors_fd >= 0 ? request.errors_fd : null_.get(),
             .argument = request.argument.c_str(),
             .namespaces = request.namespaces,
             .maps = user_namespace ? &maps : nullptr,
             .control_group = request.control_group};
    const bool own_id_alone = user_namespace && !request.map_all_ids && request.viewer == 0;
    start_in_network(child, request.share_network, own_id_alone);
    Spawned out{std::move(pair->first), Fd(child.pidfd), child.pid};
    if (child.step != nullptr) {
      if (out.pidfd) end_child(out.pidfd.get());
      return fail_errno(std::string("starting the role executable: ") + child.step, child.error);
    }
    return out;
  }

  // In a network that is there already, where one can be had.
  void start_in_network(ChildStart& child, bool share, bool may_be_below) {
    Fd own;
    int network = -1;
    if ((child.namespaces & CLONE_NEWNET) != 0) {
      if (!share) own = networks_.take_next(may_be_below);
      network = share ? networks_.shared(may_be_below) : own.get();
    }
    const bool below = network >= 0 && networks_.owner();
    const bool entered = network >= 0 && !below && networks_.enter(network);
    const ChildStart alone = child;
    if (below || entered) child.namespaces &= ~std::uint64_t{CLONE_NEWNET};
    if (below) {
      child.owner_fd = networks_.owner().get();
      child.network_fd = network;
    }
    start_child(child, stack_, helper_stack_);
    if (entered) networks_.leave();
    if (!below || child.pid >= 0) return;
    child = alone;  // one user namespace within another may be more than are allowed
    start_child(child, stack_, helper_stack_);
  }

  // Constant after construction.
  const Fd role_;
  const Fd static_role_;  // or none
  const Fd null_;

  // Of the thread.
  IdRanges ids_;  // once they are needed
  Networks networks_;
  const SharedPage<ChildStart> child_{ChildStart{}};
  const Stack stack_;  // of a child until its exec, which this thread waits for
  const Stack helper_stack_;

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
