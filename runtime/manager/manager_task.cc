// One task of a run while it acts: its states, its turn, its effects, and the way back when it fails.
#include <algorithm>

#include "runtime/base/bytes.h"
#include "runtime/base/log.h"
#include "runtime/base/units.h"
#include "runtime/manager/act_ipc.h"
#include "runtime/manager/completion.h"
#include "runtime/manager/pre_state.h"
#include "runtime/manager/result_rows.h"
#include "runtime/manager/role_figures.h"
#include "runtime/manager/root_times.h"
#include "runtime/manager/running.h"
#include "runtime/manager/state_log.h"
#include "runtime/manager/state_machine.h"
#include "runtime/manager/timers.h"

namespace freshet {
namespace {

// Says in the result, and as its error, why the task was kept from its work.
void keep_from_work(CleanupResult& result, ExecutionCause cause, ErrorKind kind, std::string why) {
  result.error.emplace(ExecutionError(cause, {kind, {}, result.task + ": " + why, {}}));
  result.note = std::move(why);
}

}  // namespace

void CleanupManager::advance(Running& running, const TaskPlan& task, CleanupResult& result, TaskState state) {
  if (!is_legal_transition(result.state, state)) {
    result.note = illegal_transition(result.state, state);
    log_error({running.plan.id, task.shown.channel, task.shown.name}, result.note);
    state = TaskState::failed;
  }
  result.state = state;
  log_state(task, result);
  {
    const MutexLock lock(running.mutex);
    running.news[task.number].push_back({running.plan.id, task.number, std::string(to_string(state)), core_.clock.now()});
  }
  // Refused or skipped it may be by this run alone: see run_task.
  if (state != TaskState::refused && state != TaskState::skipped) note_state(task.shown.name, state);
}

Status CleanupManager::record(Running& running, TaskPlan& task, const CleanupResult& result) {
  const TransitionTimer timed(figures_, &task);
  store::TaskRow row = row_of(running.plan.id, task, result);
  if (row.bytes_at_purge > 0 || result.entries_removed > 0) row.keep_until_ns = core_.clock.now() + task.keep_ns;
  std::vector<store::TransitionRow> news;
  {
    const MutexLock lock(running.mutex);
    news.swap(running.news[task.number]);
  }
  // What moves files must be known before it does. All else is made durable by the run's own end.
  const bool before_effects = !task.native && (result.state == TaskState::executing || result.state == TaskState::rolling_back);
  const Status kept = core_.history->set_task(row, news, before_effects ? store::Sync::now : store::Sync::later);
  if (!kept) {
    log_error({running.plan.id, task.shown.channel, task.shown.name}, kept.error().what);
    const MutexLock lock(running.mutex);
    if (running.history) running.history = kept;
  }
  return kept;
}

QuarantineRef CleanupManager::quarantine_of(const Running& running, const TaskPlan& task) const {
  return {running.plan.id, task.number, task.shown.channel, task.roots, task.strict, channel_index(task.shown.channel)};
}

// A task that failed midway goes back as a whole.
void CleanupManager::take_back(Running& running, TaskPlan& task, CleanupResult& result, bool whole) {
  const bool unlinked = task.permission.quarantine_mode == config::QuarantineMode::none;
  if ((task.on_failure == config::OnFailure::keep && !whole) || unlinked) {
    mend_root_times(task.roots);
    if (unlinked) {
      result.note += "; what it unlinked cannot be taken back";
      return;
    }
    InPlace kept;  // a broker that was lost has not told of its last units
    if (look_at_completion(task, running.plan.id, running.dir, &kept).error) return;
    result.entries_removed = kept.entries;
    result.bytes_reclaimable_at_purge = kept.bytes;
    if (kept.units > 0)
      result.note += "; half done: " + counted(kept.units, "unit", "units") + " of " + format_count(task.shown.units) +
                     " stay in the quarantine (on-failure = \"keep\")";
    return;
  }
  const PartTimer timed(task.measured, metrics::Limited::rollback, task.shown.units);
  advance(running, task, result, TaskState::rolling_back);
  static_cast<void>(record(running, task, result));  // it goes back either way
  const Told told = tell_of_restore(task.shown.name);
  told(0, 0);
  const RestoreOutcome back = restore_quarantine(core_, quarantine_of(running, task), told);
  add_rollback_usage(task.metrics, back.brokers);
  if (back.complete()) {
    advance(running, task, result, TaskState::rolled_back);
    result.note += "; everything it moved was put back";
    result.entries_removed = 0;
    result.bytes_reclaimable_at_purge = 0;
    return;
  }
  advance(running, task, result, TaskState::failed);
  if (result.end == EndReason::setup) result.bytes_reclaimable_at_purge = 0;  // it ended before it moved anything
  result.note += "; " + std::to_string(back.conflict_count) + " entries could not be put back" +
                 (back.error ? ": " + back.error->what : std::string());
  for (const Refusal& conflict : back.conflicts) result.refusals.push_back(conflict);
}

void CleanupManager::run_in_channel(Running& running, TaskPlan& task, CleanupResult& result) {
  const ActInputs inputs{running.plan.id, running.dir, channel_index(task.shown.channel)};
  CleanupResult acted = result;
  const Status done = act_task(core_, task, inputs, core_.options.stop, acted);
  const TaskState after = done ? acted.state : TaskState::failed;
  acted.state = result.state;
  result = std::move(acted);
  if (!done) result.note = done.error().what;
  // Last of all: what went before can be taken back.
  const bool went = after != TaskState::executed || task.ipc.empty() || act_ipc(core_, task, running.plan.id, core_.options.stop, result);
  if (!went) result.note += "; IPC objects that went cannot be taken back";
  advance(running, task, result, went ? after : TaskState::failed);
  if (result.state == TaskState::executed) {
    metrics::Stopwatch watch(task.metrics.overhead_ns);
    const CompletionStatus completion = look_at_completion(task, running.plan.id, running.dir);
    watch.lap(task.metrics.verify_ns, task.metrics.verify_cpu_ns);
    if (completion.complete) {
      advance(running, task, result, TaskState::verified);
      advance(running, task, result, TaskState::committed);
    } else {
      result.note = completion.error ? completion.error->what : "the world is not as the broker said: ";
      if (!completion.wrong.empty()) result.note += escape_bytes(completion.wrong.front().path) + " is " + completion.wrong.front().reason;
      result.error = completion.error ? CleanupError(*completion.error)
                                      : CleanupError(CompletionError(CompletionCause::incomplete, {ErrorKind::peer, {}, result.note, {}}));
      advance(running, task, result, TaskState::failed);
    }
  }
  if (result.state == TaskState::failed) take_back(running, task, result, is_breach(result.end));
  if (is_breach(result.end)) close_channel(running, task, result);
  const bool quarantines = task.permission.quarantine_mode == config::QuarantineMode::keep;
  if (result.state == TaskState::committed && quarantines && result.entries_removed == 0 && result.entries_found > 0)
    if (const Status tidied = tidy_quarantine(core_, quarantine_of(running, task)); !tidied)  // others were faster
      log_warn({running.plan.id, task.shown.channel, task.shown.name}, tidied.error().what);
}

// True when a task does not begin after all, with why in `result`; the error too where it is not a dependency's.
bool CleanupManager::is_kept_from_beginning(Running& running, const TaskPlan& task, CleanupResult& result) {
  if (core_.options.stop.stop_requested()) {
    keep_from_work(result, ExecutionCause::interrupted, ErrorKind::busy, "interrupted before it began");
    return true;
  }
  if (is_hanging(task.shown.name)) {
    keep_from_work(result, ExecutionCause::busy, ErrorKind::busy, "the function of an earlier run has not returned");
    return true;
  }
  if (task.native && !task.shown.channel.empty()) {
    const std::shared_ptr<const TaskMap> all = registered();
    for (const std::string& caller : running.callers) {
      const auto holder = all->find(caller);
      if (holder == all->end() || holder->second->channel != task.shown.channel) continue;
      keep_from_work(result, ExecutionCause::busy, ErrorKind::busy, "its channel is held by " + caller + ", which asked for it");
      return true;
    }
  }
  if (const std::string by = running.closed.find(task.shown.channel); !task.native && !by.empty()) {
    result.note = "its channel was closed after a breach by " + by;
    return true;
  }
  const MutexLock lock(running.mutex);
  for (const std::string& name : task.requires_) {
    const auto other = running.results.find(name);
    if (other == running.results.end() || !is_bad(other->second.state)) continue;
    result.note = "it requires " + name + ", which did not succeed: " + other->second.note;
    return true;
  }
  return false;
}

// Carries out one task that has its turn. The caller has claimed its name. False when it did not begin after all, so
// that its last run is still the one before.
bool CleanupManager::run_claimed(Running& running, TaskPlan& task, CleanupResult& result) {
  task.acting_since_ns = core_.clock.monotonic();
  task.metrics.queue_ns += running.plan.waited_ns + task.acting_since_ns - running.began_ns;
  if (const Status ready = task.native ? Status() : check_pre_state(core_, task, running.dir); !ready) {
    const Error& why = ready.error();
    result.note = why.what;
    if (why.kind == ErrorKind::refused) {
      task.shown.violations.push_back({why.code, why.what, why.detail, {}});
      advance(running, task, result, TaskState::refused);
    } else {
      result.error.emplace(ExecutionError(ExecutionCause::setup_failed, why));
      advance(running, task, result, TaskState::failed);
    }
    return false;
  }
  TaskLocks::Hold held;  // until the task has ended, its way back included
  if (acts_on_the_world(task)) {
    Result<TaskLocks::Hold> taken = locks_.take(task.permission.locks, result.extra);
    if (!taken) {
      keep_from_work(result, ExecutionCause::locked_out, taken.error().kind, taken.error().what);
      advance(running, task, result, TaskState::skipped);
      return false;
    }
    held = std::move(*taken);
  }
  {
    const MutexLock lock(running.mutex);
    running.order.push_back(task.shown.name);
  }
  advance(running, task, result, TaskState::executing);
  const bool moves = !task.native && task.permission.quarantine_mode != config::QuarantineMode::none;
  if (moves) note_root_times(core_, task.roots);
  if (const Status kept = record(running, task, result); !kept) {  // nobody could take back what nobody knows of
    keep_from_work(result, ExecutionCause::not_recorded, ErrorKind::system,
                   "nothing was done, for it cannot be recorded: " + kept.error().what);
    advance(running, task, result, TaskState::failed);
    return false;
  }
  if (task.native) {
    run_native(running, task, result);
  } else {
    run_with_hooks(running, task, result);
  }
  return true;
}

void CleanupManager::run_task(Running& running, TaskPlan& task) {
  CleanupResult result = result_of_plan(running.plan, task);
  bool began = false;
  std::optional<CleanupResult> others;  // the result of another run, which stands for this task's own
  if (is_going(task)) {
    if (is_kept_from_beginning(running, task, result)) {
      advance(running, task, result, TaskState::skipped);
    } else if (others = completed_before(running, task); !others) {
      if (const std::shared_ptr<Flight> flight = executing_.begin(task.shown.name)) {
        others = share_or_refuse(running, task, *flight, result);
      } else {
        if (others = completed_before(running, task); !others) {  // while it was not yet this run's
          began = run_claimed(running, task, result);
          if (!result.error) result.error = error_of(result, task.shown.violations);
          if (began) remember_run(running, task, result);
        }
        executing_.end(task.shown.name, others ? *others : result);
      }
    }
  }
  if (others) {
    result.note = (others->already_done ? "already done in run " : "shared the result of run ") + others->run_id;
    advance(running, task, result, TaskState::skipped);
  }
  if (!result.error) result.error = error_of(result, task.shown.violations);
  result.violations = task.shown.violations;
  static_cast<void>(record(running, task, result));  // running.history keeps why not
  const bool elsewhere = others || (result.error && result.error->is(ExecutionCause::busy));
  if (!elsewhere) remember(task, result, began);
  const MutexLock lock(running.mutex);
  running.results.insert_or_assign(task.shown.name, others ? std::move(*others) : std::move(result));
}

// What another run is doing with the task right now: its result, or nothing and why not in `result`.
std::optional<CleanupResult> CleanupManager::share_or_refuse(Running& running, const TaskPlan& task, Flight& flight, CleanupResult& result) {
  const auto refuse = [&](ExecutionCause cause, std::string why) {
    keep_from_work(result, cause, ErrorKind::busy, std::move(why));
    advance(running, task, result, TaskState::skipped);
    return std::nullopt;
  };
  const std::shared_ptr<const TaskMap> all = registered();
  const auto registered = all->find(task.shown.name);
  if (registered != all->end() && registered->second->task.on_busy == OnBusy::refuse) return refuse(ExecutionCause::busy, "it is running already");
  if (std::ranges::find(running.callers, task.shown.name) != running.callers.end())
    return refuse(ExecutionCause::busy, "it asked for itself while it runs");
  std::optional<CleanupResult> out = flight.wait(core_.options.stop);
  if (!out) return refuse(ExecutionCause::interrupted, "interrupted while it waited for the run that was under way");
  out->shared = true;
  return out;
}

}  // namespace freshet
