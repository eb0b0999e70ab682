#include <algorithm>
#include <filesystem>
#include <thread>

#include "runtime/base/bytes.h"
#include "runtime/base/log.h"
#include "runtime/manager/calling_tasks.h"
#include "runtime/manager/completion.h"
#include "runtime/manager/plan_files.h"
#include "runtime/manager/pre_state.h"
#include "runtime/manager/result_rows.h"
#include "runtime/manager/root_times.h"
#include "runtime/manager/running.h"
#include "runtime/manager/scheduler.h"
#include "runtime/manager/state_log.h"
#include "runtime/manager/state_machine.h"
#include "runtime/manager/timers.h"
#include "runtime/store/root_locks.h"

namespace freshet {
namespace {

std::vector<std::string> root_paths(const Plan& plan) {
  std::vector<std::string> out;
  for (const TaskPlan& task : plan.tasks)
    if (is_going(task))
      for (const PlanRoot& root : task.roots) out.push_back(root.config.path);
  return out;
}

ExecutionError interrupted(const std::string& name) {
  return {ExecutionCause::interrupted, {ErrorKind::busy, {}, name + ": interrupted before it began", {}}};
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
    if (result.entries_removed > 0 || unlinked)
      result.note += unlinked ? "; what it unlinked cannot be taken back" : "; what it moved stays in the quarantine (on-failure = \"keep\")";
    return;
  }
  const PartTimer timed(task.measured, metrics::Limited::rollback, task.shown.units);
  advance(running, task, result, TaskState::rolling_back);
  static_cast<void>(record(running, task, result));  // it goes back either way
  const RestoreOutcome back = restore_quarantine(core_, quarantine_of(running, task));
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
  advance(running, task, result, after);
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

// Why a task does not begin after all; empty when it does. `result` gets the error where it is not a dependency's.
std::string CleanupManager::reason_to_skip(Running& running, const TaskPlan& task, CleanupResult& result) {
  if (core_.options.stop.stop_requested()) {
    result.error.emplace(interrupted(task.shown.name));
    return "interrupted before it began";
  }
  if (is_hanging(task.shown.name)) {
    result.error.emplace(ExecutionError(ExecutionCause::busy, {ErrorKind::busy, {}, task.shown.name + ": the function of an earlier run has not returned", {}}));
    return "the function of an earlier run has not returned";
  }
  if (const std::string by = running.closed.find(task.shown.channel); !task.native && !by.empty())
    return "its channel was closed after a breach by " + by;
  const MutexLock lock(running.mutex);
  for (const std::string& name : task.requires_) {
    const auto other = running.results.find(name);
    if (other != running.results.end() && is_bad(other->second.state))
      return "it requires " + name + ", which did not succeed: " + other->second.note;
  }
  return {};
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
  {
    const MutexLock lock(running.mutex);
    running.order.push_back(task.shown.name);
  }
  advance(running, task, result, TaskState::executing);
  const bool moves = !task.native && task.permission.quarantine_mode != config::QuarantineMode::none;
  if (moves) note_root_times(core_, task.roots);
  if (const Status kept = record(running, task, result); !kept) {  // nobody could take back what nobody knows of
    result.note = "nothing was done, for it cannot be recorded: " + kept.error().what;
    result.error.emplace(ExecutionError(ExecutionCause::not_recorded, {ErrorKind::system, {}, task.shown.name + ": " + result.note, {}}));
    advance(running, task, result, TaskState::failed);
    return false;
  }
  if (task.native) {
    run_native(running, task, result);
  } else {
    run_in_channel(running, task, result);
  }
  return true;
}

void CleanupManager::run_task(Running& running, TaskPlan& task) {
  CleanupResult result = result_of_plan(running.plan, task);
  bool began = false;
  std::optional<CleanupResult> others;  // the result of another run, which stands for this task's own
  if (is_going(task)) {
    if (std::string why = reason_to_skip(running, task, result); !why.empty()) {
      result.note = std::move(why);
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
  static_cast<void>(record(running, task, result));  // running.history keeps why not
  const bool elsewhere = others || (result.error && result.error->is(ExecutionCause::busy));
  if (!elsewhere) remember(task, result, began);
  const MutexLock lock(running.mutex);
  running.results.insert_or_assign(task.shown.name, others ? std::move(*others) : std::move(result));
}

// What another run is doing with the task right now: its result, or nothing and why not in `result`.
std::optional<CleanupResult> CleanupManager::share_or_refuse(Running& running, const TaskPlan& task, Flight& flight, CleanupResult& result) {
  const auto refuse = [&](ExecutionCause cause, std::string why) {
    result.note = std::move(why);
    result.error.emplace(ExecutionError(cause, {ErrorKind::busy, {}, task.shown.name + ": " + result.note, {}}));
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

RunResult CleanupManager::apply(const PlanId& id, bool wait) {
  RunResult out;
  const auto refuse = [&](Error error) {
    out.error = std::move(error);
    out.state = RunState::failed;
    return out;
  };
  if (!is_entry_name(id.id)) return refuse({ErrorKind::invalid, {}, "no plan has that id", {}});
  Result<Plan> plan = read_plan(core_.plan_dir(id.id));
  if (!plan) return refuse(plan.error());
  out.run_id = plan->id;
  if (!wait)
    for (const TaskPlan& task : plan->tasks)
      if (is_going(task) && executing_.busy(task.shown.name))
        return refuse({ErrorKind::busy, {}, "the task " + task.shown.name + " is running already", {}});
  const std::int64_t asked_ns = core_.clock.monotonic();
  const Result<std::unique_ptr<store::RootLock>> lock = lock_roots(plan->id, root_paths(*plan), wait);
  plan->waited_ns = core_.clock.monotonic() - asked_ns;
  if (!lock) {
    refuse(lock.error());
    if (core_.options.stop.stop_requested()) out.state = RunState::interrupted;
    return out;
  }
  bool own = false;
  {
    const MutexLock guard(mutex_);
    own = own_plans_.erase(plan->id) > 0;
  }
  return carry_out(std::move(*plan), own);
}

Result<std::unique_ptr<store::RootLock>> CleanupManager::lock_roots(const std::string& run_id, const std::vector<std::string>& roots, bool wait) {
  if (roots.empty()) return std::unique_ptr<store::RootLock>();
  return store::RootLock::take(core_.lock_dir(), run_id, roots, wait, core_.options.stop);
}

// From here on history knows of the run; nothing has been touched yet.
Status CleanupManager::begin_run(Running& running) {
  store::RunRow row;
  row.id = running.plan.id;
  row.state = to_string(RunState::executing);
  row.started_ns = core_.clock.now();
  std::vector<store::TransitionRow> transitions;
  for (const TaskPlan& task : running.plan.tasks) {
    row.tasks.push_back(row_of(running.plan.id, task, result_of_plan(running.plan, task)));
    for (const StateChange& change : task.changes)
      transitions.push_back({running.plan.id, task.number, std::string(to_string(change.state)), change.at_ns});
  }
  if (const Status kept = core_.history->begin_run(row, transitions); !kept) return kept;
  running.dir = core_.run_dir(running.plan.id);
  std::error_code moved;
  std::filesystem::rename(core_.plan_dir(running.plan.id), running.dir, moved);
  Status ready = moved ? fail(ErrorKind::system, "moving the plan to " + running.dir + ": " + moved.message()) : Status();
  if (ready) ready = write_whole_file(running.dir + "/plan.json", plan_to_json(running.plan));
  if (ready) return {};
  if (const Status kept = core_.history->set_run_state(running.plan.id, std::string(to_string(RunState::failed)), core_.clock.now(), ready.error().what, store::Sync::now); !kept)
    log_error({running.plan.id, {}, {}}, kept.error().what);
  return ready;
}

// The caller holds the lock of the plan's roots.
RunResult CleanupManager::carry_out(Plan plan, bool own) {
  RunResult out;
  out.run_id = plan.id;
  admit_again(plan, own);
  Running running;
  running.plan = std::move(plan);
  running.callers = calling_tasks();
  running.began_ns = core_.clock.monotonic();
  if (const Status begun = begin_run(running); !begun) {
    out.error = begun.error();
    out.state = RunState::failed;
    return out;
  }

  std::map<std::string, std::size_t> index;
  std::vector<Job> jobs;
  for (TaskPlan& task : running.plan.tasks) {
    Job job;
    for (const auto* list : {&task.after, &task.requires_})
      for (const std::string& name : *list)
        if (const auto at = index.find(name); at != index.end()) job.waits_for.push_back(at->second);
    job.group = task.shown.channel;
    job.run = [this, &running, &task] { run_task(running, task); };
    index.emplace(task.shown.name, jobs.size());
    jobs.push_back(std::move(job));
  }
  run_jobs(jobs, std::max(2U, std::thread::hardware_concurrency()));
  return conclude(running, std::move(out));
}

// Counts the results together, ends the run in the history, and purges earlier runs of its channels.
RunResult CleanupManager::conclude(Running& running, RunResult out) {
  std::set<std::string> channels;
  Status kept;
  {
    const MutexLock lock(running.mutex);
    for (const TaskPlan& task : running.plan.tasks) {
      CleanupResult& result = running.results.at(task.shown.name);
      if (!task.native) channels.insert(task.shown.channel);
      if (!result.shared && !result.already_done) {
        out.entries_removed += result.entries_removed;
        out.bytes_reclaimed_now += result.bytes_reclaimed_now;
        out.bytes_reclaimable_at_purge += result.bytes_reclaimable_at_purge;
      }
      out.tasks.push_back(std::move(result));
    }
    out.order = running.order;
    kept = running.history;
  }
  out.state = run_state_of(out.tasks, core_.options.stop.stop_requested());
  if (kept) kept = core_.history->set_run_state(running.plan.id, std::string(to_string(out.state)), core_.clock.now(), {}, store::Sync::now);
  if (!kept) {
    out.error = kept.error();
    out.error->detail = out.entries_removed == 0 ? "nothing was done"
                                                 : "what was done is complete, but the history does not tell it; `freshet rollback " +
                                                       running.plan.id + "` takes it back";
  }
  figures_.end_run();
  if (!channels.empty() && !core_.options.stop.stop_requested()) {
    PurgeReport purged;
    purge_what_is_over(running.plan.id, &channels, purged);
    out.purged = std::move(purged.runs);
    for (const RunResult::Purged& run : out.purged) out.bytes_reclaimed_now += run.bytes;
  }
  return out;
}

}  // namespace freshet
