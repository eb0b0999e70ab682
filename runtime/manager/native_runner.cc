#include "runtime/manager/native_runner.h"

#include <algorithm>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

#include "runtime/base/mutex.h"
#include "runtime/base/units.h"
#include "runtime/manager/calling_tasks.h"
#include "runtime/manager/native_context.h"
#include "runtime/manager/native_exception.h"

namespace freshet {
namespace {

using NativeFunction = std::function<Status(TaskContext&)>;
using SteadyClock = std::chrono::steady_clock;
using TimePoint = SteadyClock::time_point;

// The stop that was requested before the function had returned.
enum class StopReason : std::uint8_t { none, deadline, manager };

// Ten years: no sum of now and a limit overflows.
constexpr std::int64_t kForeverNs = std::int64_t{10} * 365 * 86'400 * 1'000'000'000;

TimePoint after(TimePoint from, std::int64_t time_ns) {
  return from + std::chrono::nanoseconds(std::clamp<std::int64_t>(time_ns, 0, kForeverNs));
}

std::int64_t between(TimePoint from, TimePoint to) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(to - from).count();
}

Status call(const NativeFunction& function, TaskContext& context) {
  try {
    return function(context);
  } catch (...) {
    return fail(ErrorKind::peer, "the task threw: " + describe_exception());
  }
}

// Shared by the caller, the thread of the call and whoever holds the NativeRun. No lock is held across the function,
// its stop callbacks and the clean-up.
struct Call {
  Call(std::shared_ptr<const NativeFunction> the_function, const NativeRequest& request)
      : deadline_ns(request.deadline_ns), grace_ns(request.grace_ns), callers(request.callers),
        context(request.threads, request.callers),
        function(std::move(the_function)) {}

  // Constant after construction.
  const std::int64_t deadline_ns;
  const std::int64_t grace_ns;
  const TimePoint began = SteadyClock::now();
  const std::vector<std::string> callers;

  NativeContext context;
  // Used by the thread of the call, which drops it; after the context, since it may hold memory of it.
  std::shared_ptr<const NativeFunction> function;

  mutable Mutex mutex;
  mutable Condition changed;
  bool manager_stopped FRESHET_GUARDED_BY(mutex) = false;
  StopReason stopped FRESHET_GUARDED_BY(mutex) = StopReason::none;
  std::optional<TimePoint> give_up FRESHET_GUARDED_BY(mutex);  // set by the stop, and for work left over
  std::optional<Status> returned FRESHET_GUARDED_BY(mutex);
  std::int64_t wall_ns FRESHET_GUARDED_BY(mutex) = 0;          // set with `returned`
  std::int64_t release_ns FRESHET_GUARDED_BY(mutex) = 0;       // set with `ended`
  bool ended FRESHET_GUARDED_BY(mutex) = false;                // with all below
  ThreadUsage usage FRESHET_GUARDED_BY(mutex);
  std::vector<ResourceCheck> resources FRESHET_GUARDED_BY(mutex);

  void run();              // all that its thread does
  void wait_or_give_up();  // all that the caller waits for
  struct Look {
    NativeOutcome outcome;
    bool ended = false;
  };
  [[nodiscard]] Look look() const;

 private:
  [[nodiscard]] std::optional<ExecutionError> error() const FRESHET_REQUIRES(mutex);
};

void Call::run() {
  const CallingScope scope(callers);
  const TimePoint start = SteadyClock::now();
  Status status = call(*function, context);
  const TimePoint back = SteadyClock::now();
  const std::int64_t took_ns = between(start, back);
  ThreadUsage used = usage_of_this_thread();
  {
    const MutexLock lock(mutex);
    wall_ns = took_ns;
    returned = std::move(status);
  }
  if (context.note_return()) {
    const MutexLock lock(mutex);
    give_up = after(SteadyClock::now(), grace_ns);
    changed.notify_all();
  }
  std::vector<ResourceCheck> checks = context.finish();
  function.reset();
  used += context.pool_usage();
  const MutexLock lock(mutex);
  release_ns = between(back, SteadyClock::now());
  resources = std::move(checks);
  usage = used;
  ended = true;
  changed.notify_all();
}

void Call::wait_or_give_up() {
  const TimePoint deadline = after(began, deadline_ns);
  MutexLock lock(mutex);
  while (!ended) {
    const TimePoint now = SteadyClock::now();
    const bool may_stop = !returned && stopped == StopReason::none;
    const bool has_deadline = may_stop && deadline_ns > 0;
    if (may_stop && (manager_stopped || (has_deadline && now >= deadline))) {
      stopped = manager_stopped ? StopReason::manager : StopReason::deadline;
      give_up = after(now, grace_ns);
      lock.unlock();
      context.request_stop();
      lock.lock();
      continue;
    }
    if (give_up && now >= *give_up) return;
    if (give_up) {
      changed.wait_until(mutex, *give_up);
    } else if (has_deadline) {
      changed.wait_until(mutex, deadline);
    } else {
      changed.wait(mutex);
    }
  }
}

Call::Look Call::look() const {
  const MutexLock lock(mutex);
  NativeOutcome outcome;
  outcome.error = error();
  outcome.began = true;
  outcome.entries = context.entries();
  outcome.bytes = context.bytes();
  outcome.wall_ns = returned ? wall_ns : between(began, SteadyClock::now());
  outcome.cpu_ns = usage.cpu_ns;
  outcome.context_switches = usage.context_switches;
  outcome.read_bytes = usage.read_bytes;
  outcome.written_bytes = usage.written_bytes;
  outcome.measuring_ns = usage.cost_ns;
  outcome.release_ns = release_ns;
  outcome.peak_memory_bytes = context.peak_bytes();
  outcome.resources = ended ? resources : context.unfinished_checks();
  return {std::move(outcome), ended};
}

std::optional<ExecutionError> Call::error() const {
  std::string detail;
  if (returned && !*returned) detail = returned->error().what;
  if (!returned)
    detail = "it had not returned " + format_duration(grace_ns) + " after its stop was requested, and runs on";
  if (stopped == StopReason::deadline) {
    std::string what = "the task ran over its deadline of " + format_duration(deadline_ns);
    return ExecutionError(ExecutionCause::timed_out, {ErrorKind::peer, "", std::move(what), std::move(detail)});
  }
  if (stopped == StopReason::manager)
    return ExecutionError(ExecutionCause::interrupted,
                          {ErrorKind::peer, "", "the task was interrupted", std::move(detail)});
  if (returned && !*returned) return ExecutionError(ExecutionCause::task_failed, returned->error());
  if (const auto failure = context.work_failure())
    return ExecutionError(ExecutionCause::task_failed,
                          {ErrorKind::peer, "", "work in the task's pool threw: " + *failure, ""});
  return std::nullopt;
}

class RunOnItsOwn final : public NativeRun {
 public:
  RunOnItsOwn(std::shared_ptr<const Call> call, std::thread thread)
      : call_(std::move(call)), thread_(std::move(thread)) {}
  ~RunOnItsOwn() override {
    if (ended()) {
      thread_.join();
    } else {
      thread_.detach();  // it holds the call by itself
    }
  }
  RunOnItsOwn(const RunOnItsOwn&) = delete;
  RunOnItsOwn& operator=(const RunOnItsOwn&) = delete;

  [[nodiscard]] bool ended() const override {
    const MutexLock lock(call_->mutex);
    return call_->ended;
  }

  bool wait_for(std::chrono::nanoseconds time) const override {
    const TimePoint until = after(SteadyClock::now(), time.count());
    const MutexLock lock(call_->mutex);
    while (!call_->ended && SteadyClock::now() < until) call_->changed.wait_until(call_->mutex, until);
    return call_->ended;
  }

  [[nodiscard]] NativeOutcome outcome() const override { return call_->look().outcome; }

 private:
  const std::shared_ptr<const Call> call_;
  std::thread thread_;
};

NativeOutcome never_began(ExecutionCause cause, Error error) {
  NativeOutcome outcome;
  outcome.error = ExecutionError(cause, std::move(error));
  return outcome;
}

std::shared_ptr<const NativeFunction> hold(const NativeFunction& function, const NativeRequest& request) {
  if (request.owner) return {request.owner, &function};
  return std::make_shared<const NativeFunction>(function);
}

}  // namespace

NativeOutcome run_native_function(const NativeFunction& function, const NativeRequest& request) {
  if (request.stop.stop_requested())
    return never_began(ExecutionCause::interrupted,
                       {ErrorKind::peer, "", "the task was interrupted before it began", ""});
  const TimePoint asked = SteadyClock::now();
  std::shared_ptr<Call> call;
  std::thread thread;
  try {
    call = std::make_shared<Call>(hold(function, request), request);
    thread = std::thread([call] { call->run(); });
  } catch (const std::system_error& error) {
    return never_began(ExecutionCause::setup_failed,
                       {ErrorKind::system, "", std::string("starting the task's thread: ") + error.what(), ""});
  }
  {
    const std::stop_callback on_stop(request.stop, [&call = *call] {
      const MutexLock lock(call.mutex);
      call.manager_stopped = true;
      call.changed.notify_all();
    });
    call->wait_or_give_up();
  }
  Call::Look look = call->look();
  if (look.ended) {
    thread.join();
  } else {
    look.outcome.still_running = std::make_shared<RunOnItsOwn>(call, std::move(thread));
  }
  look.outcome.overhead_ns = between(asked, SteadyClock::now()) - look.outcome.wall_ns;
  return std::move(look.outcome);
}

}  // namespace freshet
