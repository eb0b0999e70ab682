#include <algorithm>

#include "runtime/base/log.h"
#include "runtime/base/units.h"
#include "runtime/manager/calling_tasks.h"
#include "runtime/manager/native_runner.h"
#include "runtime/manager/result_rows.h"
#include "runtime/manager/running.h"
#include "runtime/manager/timers.h"

namespace freshet {
namespace {

using Function = std::function<Status(TaskContext&)>;

// Runs one of the task's functions so that a call from it into the manager is known to come from this task.
NativeOutcome call_as(const std::shared_ptr<const Registered>& task, Function NativeTask::* function, std::vector<std::string> callers,
                      std::stop_token stop) {
  callers.push_back(task->name);
  NativeRequest request;
  request.callers = std::move(callers);
  request.threads = task->native()->threads;
  request.deadline_ns = task->task.deadline_ns;
  request.stop = std::move(stop);
  request.owner = task;
  return run_native_function(task->native()->*function, request);
}

void add_figures(CleanupMetrics& metrics, const NativeOutcome& outcome) {
  metrics.start_ns += outcome.overhead_ns - outcome.release_ns;
  metrics.context_switches += outcome.context_switches;
  metrics.read_bytes += outcome.read_bytes;
  metrics.written_bytes += outcome.written_bytes;
  metrics.peak_rss_bytes = std::max(metrics.peak_rss_bytes, outcome.peak_memory_bytes);
  metrics.overhead_ns += outcome.measuring_ns;
  metrics.release_ns = std::max(metrics.release_ns, outcome.release_ns);
}

}  // namespace

std::optional<CleanupResult> CleanupManager::completed_before(const Running& running, const TaskPlan& task) {
  if (!task.native || !task.dependency) return std::nullopt;
  const std::shared_ptr<const TaskMap> all = registered();
  const auto at = all->find(task.shown.name);
  if (at == all->end() || at->second->task.rerun_as_dependency) return std::nullopt;
  const MutexLock lock(mutex_);
  const Record& record = records_.at(task.shown.name);
  if (!record.completed || record.completed->run_id == running.plan.id) return std::nullopt;
  CleanupResult out = *record.completed;
  out.already_done = true;
  return out;
}

void CleanupManager::run_native(Running& running, TaskPlan& task, CleanupResult& result) {
  const std::shared_ptr<const TaskMap> all = registered();
  const std::shared_ptr<const Registered> registered = all->at(task.shown.name);
  const NativeTask& native = *registered->native();
  const std::string& channel = task.shown.channel;
  if (!enter_channel(task)) {
    result.note = "interrupted while it waited for its channel";
    advance(running, task, result, TaskState::failed);
    return;
  }
  bool still_running = false;
  const auto call = [&](Function NativeTask::* function, std::stop_token stop) {
    NativeOutcome outcome = call_as(registered, function, running.callers, std::move(stop));
    add_figures(task.metrics, outcome);
    merge_checks(result.resources, outcome.resources);
    if (outcome.error && outcome.error->cause == ExecutionCause::timed_out) result.end = EndReason::timeout;
    if (outcome.still_running) {
      still_running = true;
      const MutexLock lock(mutex_);
      records_.at(task.shown.name).hanging = outcome.still_running;
      if (!outcome.error)
        outcome.error.emplace(ExecutionCause::timed_out, Error{ErrorKind::peer, {}, "work that it left in its pool has not ended", {}});
    }
    return outcome;
  };
  const NativeOutcome done = call(&NativeTask::run, core_.options.stop);
  task.metrics.remove_ns = done.wall_ns;
  task.metrics.remove_cpu_ns = done.cpu_ns;
  result.entries_found = result.entries_removed = done.entries;
  result.bytes_reclaimed_now = done.bytes;
  std::optional<ExecutionError> wrong = done.error;
  if (!wrong && !channel.empty()) {
    const config::BudgetConfig& budget = core_.config.channels.at(channel).budget;
    if (done.entries > budget.entries || (budget.bytes && done.bytes > *budget.bytes))
      wrong.emplace(ExecutionCause::task_failed,
                    Error{ErrorKind::refused, {}, "it counted " + format_count(done.entries) + " entries and " + format_size(done.bytes) +
                                                      ": more than the budget of its channel " + channel, {}});
  }
  if (!wrong) advance(running, task, result, TaskState::executed);
  if (!wrong && native.verify) {
    const NativeOutcome verified = call(&NativeTask::verify, core_.options.stop);
    task.metrics.verify_ns = verified.wall_ns;
    task.metrics.verify_cpu_ns = verified.cpu_ns;
    wrong = verified.error;
  }
  if (!wrong) {
    advance(running, task, result, TaskState::verified);
    advance(running, task, result, TaskState::committed);
  } else {
    result.note = wrong->what;
    wrong->what = task.shown.name + ": " + wrong->what;
    result.error.emplace(std::move(*wrong));
    advance(running, task, result, TaskState::failed);
    if (still_running) {
      result.note += "; its function still runs, so nothing can be taken back yet";
    } else if (!native.compensate) {
      result.note += "; it has no `compensate`, so what it did stays";
    } else {
      const PartTimer timed(task.measured, metrics::Limited::rollback);
      advance(running, task, result, TaskState::rolling_back);
      static_cast<void>(record(running, task, result));  // it is compensated either way
      const NativeOutcome back = call(&NativeTask::compensate, {});
      task.metrics.cpu_ns += back.cpu_ns;
      advance(running, task, result, !back.error && registered->task.reversible ? TaskState::rolled_back : TaskState::failed);
      result.note += back.error                    ? "; its `compensate` failed too: " + back.error->what
                     : registered->task.reversible ? "; compensated"
                                                   : "; compensated as far as it can be: the task is not reversible";
    }
  }
  leave_channel(task);
}

bool CleanupManager::enter_channel(TaskPlan& task) {
  if (task.shown.channel.empty()) return true;
  const std::int64_t began = core_.clock.monotonic();
  std::int64_t waited_ns = 0;
  const bool entered = turns_.enter(task.shown.channel, core_.options.stop, waited_ns);
  task.measured.set(metrics::Limited::channel_operation, core_.clock.monotonic() - began - waited_ns);
  task.metrics.queue_ns += waited_ns;
  task.acting_since_ns += waited_ns;
  return entered;
}

void CleanupManager::leave_channel(TaskPlan& task) {
  if (task.shown.channel.empty()) return;
  const std::int64_t began = core_.clock.monotonic();
  turns_.leave(task.shown.channel);
  task.measured.set(metrics::Limited::channel_operation,
                    task.measured.ns(metrics::Limited::channel_operation) + core_.clock.monotonic() - began);
}

bool CleanupManager::is_hanging(const std::string& name) {
  const MutexLock lock(mutex_);
  const auto at = records_.find(name);
  return at != records_.end() && at->second.hanging && !at->second.hanging->ended();
}

std::string CleanupManager::why_not_compensated(const store::TaskRow& row) {
  const MutexLock lock(mutex_);
  const auto task = tasks_.find(row.name);
  if (task == tasks_.end() || task->second->native() == nullptr || records_.at(row.name).last_run != row.run_id)
    return "a native task can be taken back only by the program that ran it, and only its last run";
  return task->second->native()->compensate ? "" : "it has no `compensate` and cannot be taken back";
}

std::string CleanupManager::compensate_in_turn(const store::TaskRow& row) {
  while (const std::shared_ptr<Flight> other = executing_.begin(row.name)) {
    if (std::ranges::find(calling_tasks(), row.name) != calling_tasks().end()) return "it asked for its own rollback while it runs";
    if (!other->wait(core_.options.stop)) return "interrupted while the task ran";
  }
  const std::shared_ptr<const TaskMap> all = registered();
  const std::shared_ptr<const Registered> task = all->at(row.name);
  const NativeOutcome back = call_as(task, &NativeTask::compensate, calling_tasks(), {});
  CleanupResult result;
  result.task = row.name;
  result.run_id = row.run_id;
  result.state = !back.error ? TaskState::rolled_back : TaskState::failed;
  {
    const MutexLock lock(mutex_);
    records_.at(row.name).completed.reset();
    if (back.still_running) records_.at(row.name).hanging = back.still_running;
  }
  executing_.end(row.name, result);
  if (back.error) return "its `compensate` failed: " + back.error->what;
  return task->task.reversible ? "" : "it was compensated as far as it can be: the task is not reversible";
}

}  // namespace freshet
