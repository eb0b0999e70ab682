#include "runtime/channel/role_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <deque>

#include "runtime/base/bytes.h"
#include "runtime/base/clock.h"
#include "runtime/base/units.h"
#include "runtime/channel/child_process.h"
#include "runtime/channel/crash_watch.h"
#include "runtime/channel/end_reason.h"
#include "runtime/channel/error_pipe.h"
#include "runtime/channel/live_roles.h"
#include "runtime/channel/proc_files.h"
#include "runtime/channel/role_setup.h"
#include "runtime/sandbox/filter_table.h"

namespace freshet::channel {
namespace {

constexpr std::int64_t kMillisecond = 1'000'000;
constexpr std::int64_t kWatchEvery = 50 * kMillisecond;
constexpr std::int64_t kSetupDeadline = 30'000 * kMillisecond;
constexpr std::int64_t kHangUpGrace = 500 * kMillisecond;  // between a closed socket and the process's end
constexpr std::size_t kMaxQueued = 64;                     // packets taken in while a send waits: 4 MiB

class StartedRole final : public RoleProcess {
 public:
  // `started`: when its spawn was asked for.
  StartedRole(sandbox::Spawned spawned, sandbox::ControlGroup group, const RoleRequest& request, RoleSetup setup, ErrorPipe errors,
              std::int64_t started)
      : role_(request.role),
        wall_ns_(request.limits.wall_ns),
        memory_bytes_(setup.setup.memory_bytes),
        shown_memory_(request.limits.memory_bytes),
        cpu_seconds_(setup.setup.cpu_seconds),
        self_(setup.setup.own_pid_namespace ? 1 : spawned.pid),
        may_prove_(request.role == wire::Role::worker && request.plugin_memfd < 0),
        most_threads_(counts_threads(setup.setup) ? static_cast<std::uint32_t>(setup.threads) : 0),
        channel_(request.channel),
        live_(request.live),
        watch_crashes_(request.watch_crashes),
        unmapped_(std::move(setup.unmapped)),
        missing_(std::move(setup.missing)),
        group_(std::move(group)),
        socket_(std::move(spawned.socket)),
        error_pipe_(std::move(errors)),
        child_(std::move(spawned.pidfd), spawned.pid),
        stop_event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
        started_(started),
        deadline_(started_ + kSetupDeadline),
        buffer_(wire::kMaxPacket) {}

  ~StartedRole() override { finish(); }  // it is listed no more before its descriptors go

  // Takes the role from its spawn to the proof of its lock.
  Status lock(const wire::Setup& setup, std::span<const int> fds) {
    if (!stop_event_) return fail_errno("eventfd");
    seen_ = std::make_shared<LiveRole>();
    seen_->channel = channel_;
    seen_->pid = child_.pid();
    seen_->lock = role_lock(setup);
    seen_->proc = child_.open_proc();
    // Once it is locked, the kernel shows its namespaces to root alone.
    if (::geteuid() != 0 && seen_->proc) seen_->lock.namespaces = read_namespaces(seen_->proc.get());
    std::vector<std::uint8_t> packet;
    wire::encode_message(setup, packet);
    if (auto sent = wire::send_packet(socket_.get(), packet, fds); !sent && sent.error().kind == ErrorKind::bug)
      return fail(ErrorKind::invalid, "the roots and excludes of one channel are too long for one message",
                  "Split the channel, or exclude a common parent.");
    wire::Hello hello;
    if (!expect(hello)) return setup_error("it did not say Hello");
    if (hello.magic != wire::kMagic || hello.version != wire::kProtocolVersion || hello.role != role_)
      return setup_error("it is of another version than this program: install both together");
    wire::Locked locked;
    if (!expect(locked, !setup.filter.empty())) return setup_error("it did not say Locked");
    missing_.insert(missing_.end(), locked.missing.begin(), locked.missing.end());
    if (setup.filter.empty()) return ready();
    if (auto done = answer_canary(); !done) return done;
    wire::Canary canary;
    if (!expect(canary) || canary.seen != nonce_) return setup_error("its system call filter is not the one it was given");
    return ready();
  }

  bool send(std::span<const std::uint8_t> packet) override {
    // The kernel would refuse it at every try. Whoever makes a message keeps it below the cap.
    if (packet.size() > wire::kMaxPacket)
      end_with({EndReason::setup, "a message for it has " + std::to_string(packet.size()) + " bytes, over the cap", {}}, true);
    while (!end_) {
      const Ready ready = wait(nullptr, true, true);
      if (ready == Ready::packet) {
        take_into_queue();
        continue;
      }
      if (ready != Ready::writable) return false;
      iovec part{const_cast<std::uint8_t*>(packet.data()), packet.size()};
      msghdr header{};
      header.msg_iov = &part;
      header.msg_iovlen = 1;
      if (::sendmsg(socket_.get(), &header, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0) {
        if (packet[0] == static_cast<std::uint8_t>(wire::MessageType::load)) loading_ = may_map_ = true;
        return true;
      }
      // EAGAIN: room for some packet is not room for this one. Anything else is for wait() to find out.
      if (errno == EAGAIN) ::poll(nullptr, 0, 1);
    }
    return false;
  }

  std::optional<std::string_view> receive(std::stop_token stop) override { return next(&stop, true); }
  std::optional<std::string_view> try_receive() override { return next(nullptr, false); }
  [[nodiscard]] bool open() const override { return !end_; }

  void restart_deadline() override { deadline_ = clock_.monotonic() + wall_ns_; }

  Result<ProcessLook> look() override {
    ProcessLook out;
    if (!child_.sample(out)) return fail(ErrorKind::peer, "the process has ended");
    out.fds = child_.count_fds();
    return out;
  }

  Result<Inventory> inventory() override {
    if (end_ || !seen_->proc) return fail(ErrorKind::peer, "the process has ended");
    return take_inventory(seen_->proc.get(), child_.pid());
  }

  [[nodiscard]] bool gone() const override {
    return end_ && child_.reaped() && !socket_ && !listener_ && read_proc(seen_->proc.get(), "status").empty();
  }

  Result<Proof> prove() override {
    if (!may_prove_) return fail(ErrorKind::bug, "a process that may load a plugin was asked for a proof");
    if (listener_) sandbox::wake_synchronously(listener_.get());
    Proof proof;
    proving_ = &proof.calls;
    const bool answered = send_message(wire::Prove{}) && expect(proof.said);
    proving_ = nullptr;
    if (!answered) {
      if (!end_) end_with({EndReason::protocol, "its proof does not decode", {}}, true);
      return fail(ErrorKind::peer, "the probe ended: " + end_->what);
    }
    return proof;
  }

  std::vector<CheckedPoint> check() override {
    return end_ || !seen_->proc ? std::vector<CheckedPoint>() : look_from_outside(seen_->proc.get(), seen_->lock);
  }

  void close_for(EndReason reason, std::string what) override { end_with({reason, std::move(what), {}}, true); }

  [[nodiscard]] const std::string& errors() const override { return errors_; }

  End finish() final {
    if (!end_) end_with({}, true);
    return *end_;
  }

  [[nodiscard]] RoleUsage usage() const override {
    RoleUsage out = child_.usage();
    out.start_ns = start_ns_;
    out.start_cpu_ns = start_cpu_ns_;
    out.wall_ns = (ended_ != 0 ? ended_ : clock_.monotonic()) - started_;
    return out;
  }
  [[nodiscard]] const std::vector<std::string>& missing_layers() const override { return missing_; }
  [[nodiscard]] const std::string& unmapped_root() const override { return unmapped_; }
  [[nodiscard]] int pid() const override { return child_.pid(); }

 private:
  enum class Ready { packet, writable, stopped, nothing, ended };

  // ---- waiting ----

  // Watches socket, listener, process, clock and memory together, until one of them has something for the caller.
  Ready wait(const std::stop_token* stop, bool for_write, bool block) {
    while (!end_) {
      const std::int64_t now = clock_.monotonic();
      if (!watch(now)) break;
      pollfd fds[4] = {{socket_.get(), 0, 0}, {listener_.get(), POLLIN, 0}, {child_.pidfd(), POLLIN, 0},
                       {stop != nullptr ? stop_event_.get() : -1, POLLIN, 0}};
      if (!for_write || queue_.size() < kMaxQueued) fds[0].events |= POLLIN;
      if (for_write && hung_up_ == 0) fds[0].events |= POLLOUT;
      if (hung_up_ != 0) fds[0].fd = -1;
      const std::int64_t wake = std::min({deadline_, next_watch_, hung_up_ != 0 ? hung_up_ + kHangUpGrace : deadline_});
      const std::int64_t timeout = block ? std::max<std::int64_t>(wake - now, 0) : 0;
      const timespec limit{timeout / 1'000'000'000, timeout % 1'000'000'000};
      if (::ppoll(fds, std::size(fds), &limit, nullptr) < 0 && errno != EINTR) {
        end_with({EndReason::setup, "poll: " + errno_text(errno), {}}, true);
        break;
      }
      if ((fds[1].revents & POLLIN) && take_notification()) return Ready::nothing;
      if (end_) break;
      if (fds[3].revents & POLLIN) return Ready::stopped;
      if (fds[0].revents & POLLIN) return Ready::packet;
      if (for_write && (fds[0].revents & POLLOUT) && (fds[0].revents & (POLLHUP | POLLERR)) == 0) return Ready::writable;
      if (exiting_ || (fds[2].revents & POLLIN)) {
        end_by_itself();
        break;
      }
      if ((fds[0].revents & (POLLHUP | POLLERR)) && hung_up_ == 0) hung_up_ = now;
      if (!block) return Ready::nothing;
    }
    return Ready::ended;
  }

  // Deadline and memory; false when it ended the role.
  bool watch(std::int64_t now) {
    if (now >= deadline_) {
      end_with({EndReason::timeout,
                locked_ ? "its wall clock limit of " + format_duration(wall_ns_) : std::string("it was not ready in time"),
                {}}, true);
    } else if (hung_up_ != 0 && now >= hung_up_ + kHangUpGrace) {
      // Rude, and of no use to it: no breach.
      end_with({role_ == wire::Role::worker ? EndReason::plugin : EndReason::setup, "it closed its socket", {}}, true);
    } else if (now >= next_watch_) {
      next_watch_ = now + kWatchEvery;
      ProcessLook look;
      const bool seen = child_.sample(look);
      if (memory_bytes_ != 0 && seen && look.rss_bytes > memory_bytes_)
        end_with(over_memory(), true);
      // /proc tells nothing more of a process whose first thread has ended before the others.
      if (!seen && !end_ && is_zombie(read_proc(seen_->proc.get(), "status"))) end_without_main_thread();
    }
    return !end_;
  }

  [[nodiscard]] End over_memory() const { return {EndReason::limit, "its memory limit of " + format_size(shown_memory_), {}}; }

  // True when it was the canary.
  bool take_notification() {
    auto call = sandbox::read_notification(listener_.get());
    if (!call) {
      end_with({EndReason::setup, call.error().what, {}}, true);
      return false;
    }
    if (!*call) return false;
    if (proving_ != nullptr && proving_->size() < wire::kMaxTried) {
      proving_->push_back(**call);
      // Its thread may have died meanwhile; then there is nobody to answer.
      [[maybe_unused]] const Status answered = sandbox::answer_notification(listener_.get(), (*call)->id, EPERM);
      return false;
    }
    if (!locked_ && !canary_ && (*call)->number == sandbox::canary_call()) {
      canary_ = **call;
      return true;
    }
    if (may_map_ && sandbox::maps_plugin((*call)->number, (*call)->arguments) &&
        (*call)->architecture == sandbox::kNativeArchitecture) {
      may_map_ = false;
      if (auto done = sandbox::let_notification_go_on(listener_.get(), (*call)->id); !done)
        end_with({EndReason::setup, done.error().what, {}}, true);
      return false;
    }
    if (most_threads_ != 0 && sandbox::makes_thread((*call)->number, (*call)->arguments) &&
        (*call)->architecture == sandbox::kNativeArchitecture) {
      let_thread_be(**call);
      return false;
    }
    CallVerdict verdict = judge_call(**call, self_);
    if (verdict.end.reason == EndReason::breach) verdict.end.path = named_path(**call);
    if (!verdict.exits && seen_->lock.loads)
      if (const auto place = place_of_thread(seen_->proc.get(), (*call)->thread)) verdict.end.frames = read_back_trace(seen_->proc.get(), *place);
    if (verdict.exits) exiting_ = true;  // its last packets are still to be read
    else end_with(std::move(verdict.end), true);
    return false;
  }

  // As RLIMIT_NPROC would. Each thread can ask for one more at a time, so those who ask at the same moment may come to be
  // twice as many at most.
  void let_thread_be(const sandbox::Notification& call) {
    ProcessLook look;
    const bool fits = child_.sample(look) && look.threads < most_threads_;
    // Its thread may have died meanwhile; then there is nobody to answer.
    [[maybe_unused]] const Status answered = fits ? sandbox::let_notification_go_on(listener_.get(), call.id)
                                                  : sandbox::answer_notification(listener_.get(), call.id, EAGAIN);
  }

  // Its thread waits in the call, so the text stands there still, unless another thread of it writes there.
  std::string named_path(const sandbox::Notification& call) {
    constexpr std::size_t kShown = 256;
    const std::optional<std::size_t> argument = path_argument(call);
    if (!argument || !seen_->proc) return "";
    const Fd memory(::openat(seen_->proc.get(), "mem", O_RDONLY | O_CLOEXEC));
    char text[kShown];
    const ssize_t got = memory ? ::pread(memory.get(), text, sizeof text, static_cast<off_t>(call.arguments[*argument])) : 0;
    return got <= 0 ? "" : escape_bytes(std::string_view(text, ::strnlen(text, static_cast<std::size_t>(got))));
  }

  // ---- packets ----

  std::optional<std::string_view> next(std::stop_token* stop, bool block) {
    if (!queue_.empty()) {
      shown_ = std::move(queue_.front());
      queue_.pop_front();
      return check(std::string_view(shown_.data(), shown_.size()));
    }
    eventfd_t earlier = 0;
    ::eventfd_read(stop_event_.get(), &earlier);  // of a call before, with another token
    std::optional<std::stop_callback<Waker>> waker;
    if (stop != nullptr && stop->stop_possible()) waker.emplace(*stop, Waker{stop_event_.get()});
    for (;;) {
      if (wait(waker ? stop : nullptr, false, block) != Ready::packet) break;
      auto packet = wire::receive_packet(socket_.get(), buffer_, false);
      if (!packet) {
        end_with({EndReason::protocol, packet.error().what, {}}, true);
        break;
      }
      if (packet->again) continue;
      if (packet->closed) {
        hung_up_ = clock_.monotonic();
        continue;
      }
      if (!packet->fds.empty() && locked_) {
        end_with({EndReason::protocol, "it sent a descriptor", {}}, true);
        break;
      }
      if (!packet->fds.empty()) received_fds_ = std::move(packet->fds);
      return check(packet->bytes);
    }
    return std::nullopt;
  }

  // A Failed message is the role's end, whenever it comes.
  std::optional<std::string_view> check(std::string_view packet) {
    const auto type = static_cast<std::uint8_t>(packet[0]);
    if (type == static_cast<std::uint8_t>(wire::MessageType::loaded)) loading_ = false;
    if (type != static_cast<std::uint8_t>(wire::MessageType::failed)) return packet;
    wire::Failed failed;
    if (!wire::decode_message(packet, failed)) {
      end_with({EndReason::protocol, "a Failed message that does not decode", {}}, true);
      return std::nullopt;
    }
    End end = judge_failed(failed, role_);
    if (!locked_) end.reason = EndReason::setup;
    if (end.reason == EndReason::limit) end.what += " of " + format_size(shown_memory_);
    end_with(std::move(end), true);
    return std::nullopt;
  }

  void take_into_queue() {
    auto packet = wire::receive_packet(socket_.get(), buffer_, false);
    if (!packet || !packet->fds.empty())
      return end_with({EndReason::protocol, packet ? "it sent a descriptor" : packet.error().what, {}}, true);
    if (packet->again) return;
    if (packet->closed) hung_up_ = clock_.monotonic();
    else queue_.emplace_back(packet->bytes.begin(), packet->bytes.end());
  }

  // ---- start ----

  template <class M>
  bool expect(M& message, bool with_listener = false) {
    const auto packet = next(nullptr, true);
    if (!packet || !wire::decode_message(*packet, message)) return false;
    if (received_fds_.size() != (with_listener ? 1U : 0U)) return false;
    if (with_listener) listener_ = std::move(received_fds_.front());
    received_fds_.clear();
    return true;
  }

  Status answer_canary() {
    // Within what libc takes for an errno, and above all of the kernel's own.
    std::uint32_t random = 0;
    if (::getrandom(&random, sizeof random, 0) != sizeof random) return fail_errno("getrandom");
    nonce_ = 1000 + random % 3000;
    while (!end_ && !canary_) {
      const Ready ready = wait(nullptr, false, true);
      if (ready == Ready::packet) return setup_error("it spoke before its filter was proved");
    }
    if (!canary_) return setup_error("its system call filter was not proved");
    return sandbox::answer_notification(listener_.get(), canary_->id, static_cast<int>(nonce_));
  }

  Status ready() {
    ProcessLook look;
    child_.sample(look);  // so that even a short life has a peak
    locked_ = true;
    if (live_ != nullptr) ticket_ = live_->add(seen_);
    if (watch_crashes_ && seen_->lock.loads && seen_->proc) crash_watch_.emplace(child_.pid(), seen_->proc.get());
    const std::int64_t now = clock_.monotonic();
    start_ns_ = now - started_;
    start_cpu_ns_ = child_.cpu_ns();
    deadline_ = now + wall_ns_;
    next_watch_ = now + kWatchEvery;
    return {};
  }

  Status setup_error(std::string_view what) {
    if (!end_) end_with({EndReason::setup, std::string(what), {}}, true);
    return fail(end_->code, ErrorKind::peer, "a role could not be started: " + end_->what);
  }

  // ---- end ----

  void end_by_itself() {
    // A call that waits in the filter's notification ends only by a kill.
    const ExitStatus& status = child_.reap(exiting_);
    End end;
    if (exiting_ && role_ == wire::Role::worker) end = {EndReason::plugin, "it ended its own process", {}};
    else if (!exiting_) end = judge_exit(status, role_, child_.usage().cpu_ns, cpu_seconds_);
    if (status.signalled && status.number == SIGKILL && group_.ran_out_of_memory()) end = over_memory();
    if (!locked_) end.reason = EndReason::setup;
    end_with(std::move(end), false);
  }

  // Its first thread is a zombie. Either the others follow now, or it wants to be seen no more.
  void end_without_main_thread() {
    constexpr int kOthersFollow = 200;  // milliseconds
    pollfd whole{child_.pidfd(), POLLIN, 0};
    if (::poll(&whole, 1, kOthersFollow) == 0) end_with({EndReason::plugin, "it ended its main thread", {}}, true);
    else end_by_itself();
  }

  void end_with(End end, bool kill) {
    if (end_) return;
    // Constructors of the plugin run while it is loaded.
    const bool by_itself = end.reason == EndReason::signal || end.reason == EndReason::timeout || end.reason == EndReason::limit;
    if (loading_ && by_itself) end.code = "F2013";
    if (live_ != nullptr) live_->remove(ticket_);
    if (kill) group_.kill();
    child_.reap(kill);
    ended_ = clock_.monotonic();
    end_ = std::move(end);
    errors_ = error_pipe_.take();
    if (crash_watch_)
      if (std::vector<Frame> frames = crash_watch_->finish(); end_->reason == EndReason::signal && end_->frames.empty()) end_->frames = std::move(frames);
    socket_.reset();
    listener_.reset();
    queue_.clear();
  }

  struct Waker {
    int event;
    void operator()() const noexcept { ::eventfd_write(event, 1); }
  };

  // Constant after construction.
  const SystemClock clock_;
  const wire::Role role_;
  const std::int64_t wall_ns_;
  const std::uint64_t memory_bytes_;  // with the images
  const std::uint64_t shown_memory_;  // without
  const std::uint64_t cpu_seconds_;
  const int self_;                    // the role's pid as it sees it
  const bool may_prove_;              // no foreign code can ever run in it
  const std::uint32_t most_threads_;  // 0: the kernel counts them
  const std::string channel_;
  LiveRoles* const live_;
  const bool watch_crashes_;
  const std::string unmapped_;

  std::vector<std::string> missing_;
  sandbox::ControlGroup group_;  // before the child, which is reaped before it ends
  Fd socket_;
  ErrorPipe error_pipe_;
  std::string errors_;
  Fd listener_;
  ChildProcess child_;
  Fd stop_event_;
  const std::int64_t started_;
  std::int64_t deadline_;
  std::int64_t next_watch_ = 0;
  std::int64_t start_ns_ = 0;
  std::int64_t start_cpu_ns_ = 0;
  std::int64_t ended_ = 0;
  std::int64_t hung_up_ = 0;  // when its socket was seen closed
  bool locked_ = false;
  bool exiting_ = false;
  bool loading_ = false;      // between Load and its answer
  bool may_map_ = false;      // between Load and the mapping of the plugin's code, before any of which nothing of it runs
  std::optional<End> end_;
  std::shared_ptr<LiveRole> seen_;    // set by lock(); constant once it is listed
  std::optional<CrashWatch> crash_watch_;
  LiveRoles::Ticket ticket_ = 0;
  std::vector<sandbox::Notification>* proving_ = nullptr;  // during prove(): where its calls are kept

  std::vector<char> buffer_;
  std::vector<char> shown_;                // the queued packet that was handed out last
  std::deque<std::vector<char>> queue_;
  std::vector<Fd> received_fds_;           // during the start only
  std::optional<sandbox::Notification> canary_;
  std::uint32_t nonce_ = 0;
};

}  // namespace

Result<std::unique_ptr<RoleProcess>> RoleProcess::start(sandbox::Spawner& spawner, const sandbox::HostSupport& support,
                                                        const RoleRequest& request) {
  auto setup = make_role_setup(support, request);
  if (!setup) return std::unexpected(setup.error());
  const std::int64_t started = SystemClock().monotonic();
  Result<sandbox::ControlGroup> group;
  if (support.control_groups) group = support.control_groups->make({setup->setup.memory_bytes, setup->threads});
  if (!group) return std::unexpected(group.error());
  setup->spawn.control_group = group->directory();
  ErrorPipe errors;
  Fd errors_for_it;
  if (request.role == wire::Role::worker && request.plugin_memfd >= 0) {
    Result<ErrorPipe> made = ErrorPipe::make(errors_for_it);
    if (!made) return std::unexpected(made.error());
    errors = std::move(*made);
    setup->spawn.errors_fd = errors_for_it.get();
  }
  auto spawned = spawner.spawn(setup->spawn);
  if (!spawned) return std::unexpected(spawned.error());
  wire::Setup message = setup->setup;
  const std::vector<int> fds = setup->fds;
  const pid_t pid = spawned->pid;
  const std::vector<Fd> clones = std::move(setup->clones);
  auto role = std::make_unique<StartedRole>(std::move(*spawned), std::move(*group), request, std::move(*setup), std::move(errors), started);
  if (auto done = add_filter(support, request, pid, message); !done) return std::unexpected(done.error());
  if (auto done = role->lock(message, fds); !done) return std::unexpected(done.error());
  return role;
}

}  // namespace freshet::channel
