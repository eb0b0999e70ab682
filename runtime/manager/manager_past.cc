#include <algorithm>

#include "runtime/base/bytes.h"
#include "runtime/base/log.h"
#include "runtime/manager/completion.h"
#include "runtime/manager/manager_impl.h"
#include "runtime/manager/past_rows.h"
#include "runtime/manager/result_rows.h"
#include "runtime/manager/run_states.h"
#include "runtime/manager/state_machine.h"
#include "runtime/manager/timers.h"
#include "runtime/store/root_locks.h"

namespace freshet {

std::expected<std::vector<CleanupHandle>, Error> CleanupManager::open(const std::string& run_id) {
  Result<std::optional<store::RunRow>> run = core_.history->find_run(run_id);
  if (!run) return std::unexpected(run.error());
  if (!*run) return fail(ErrorKind::missing, "no run is called " + escape_bytes(run_id), "see `freshet history`");
  std::vector<CleanupHandle> out;
  const MutexLock lock(mutex_);
  opened_.push_back(std::move(**run));
  for (std::size_t i = 0; i < opened_.back().tasks.size(); ++i) out.push_back({id_, i + 1, opened_.size()});
  return out;
}

std::expected<std::string, Error> CleanupManager::resolve_run(const std::string& text) {
  if (text == "latest") {
    const Result<std::vector<store::RunRow>> runs = core_.history->list_runs(1000);
    if (!runs) return std::unexpected(runs.error());
    for (const store::RunRow& run : *runs) {
      const std::optional<RunState> state = run_state_named(run.state);
      if (!state || *state == RunState::rolled_back || *state == RunState::purged || *state == RunState::purging) continue;
      const bool removed = std::ranges::any_of(
          run.tasks, [](const store::TaskRow& task) { return task.entries_removed > 0 || in_quarantine(task); });
      if (removed || *state == RunState::executing || *state == RunState::rolling_back) return run.id;
    }
    return fail(ErrorKind::missing, "there is no run that could be taken back or purged", "see `freshet history`");
  }
  const Result<std::optional<store::RunRow>> exact = core_.history->find_run(text);
  if (!exact) return std::unexpected(exact.error());
  if (*exact) return text;
  if (text.size() < 4) return fail(ErrorKind::invalid, "a run is named by its id, the first four or more characters of it, or `latest`");
  const Result<std::vector<std::string>> ids = core_.history->runs_with_prefix(text);
  if (!ids) return std::unexpected(ids.error());
  if (ids->empty()) return fail(ErrorKind::missing, "no run is called " + escape_bytes(text), "see `freshet history`");
  if (ids->size() == 1) return ids->front();
  std::string names;
  for (const std::string& id : *ids) names += (names.empty() ? "" : ", ") + id;
  return fail(ErrorKind::invalid, "several runs begin with " + escape_bytes(text) + ": " + names);
}

RunSummary CleanupManager::summarize(const store::RunRow& run) const {
  RunSummary out;
  out.id = run.id;
  out.state = run_state_named(run.state).value_or(RunState::failed);
  out.started_ns = run.started_ns;
  out.ended_ns = run.ended_ns;
  out.note = run.note;
  out.alive = store::RootLock::held(core_.lock_dir(), run.id);
  for (const store::TaskRow& row : run.tasks) {
    RunSummary::Task task;
    task.name = row.name;
    task.channel = row.channel;
    task.plugin = row.plugin;
    const bool purged = row.state == kPurging || row.state == kPurged;
    task.state = purged ? TaskState::committed : task_state_named(row.state).value_or(TaskState::failed);
    task.entries_found = row.entries_found;
    task.entries_removed = row.entries_removed;
    task.entries_refused = row.entries_refused;
    task.bytes = row.bytes_now + row.bytes_at_purge;
    task.note = row.note;
    if (const Result<std::vector<PlanRoot>> roots = roots_from_grant_json(row.grant_json)) task.roots = paths_of(*roots);
    task.extra = extra_of(row);
    task.missing_layers = missing_layers_of(row);
    out.entries_removed += row.entries_removed;
    out.bytes_reclaimed_now += row.bytes_now;
    out.bytes_reclaimable_at_purge += row.bytes_at_purge;
    if (in_quarantine(row)) out.keep_until_ns = std::max(out.keep_until_ns, row.keep_until_ns);
    out.tasks.push_back(std::move(task));
  }
  return out;
}

std::expected<std::vector<RunSummary>, Error> CleanupManager::history(std::size_t limit) {
  const Result<std::vector<store::RunRow>> runs = core_.history->list_runs(limit);
  if (!runs) return std::unexpected(runs.error());
  std::vector<RunSummary> out;
  for (const store::RunRow& run : *runs) out.push_back(summarize(run));
  return out;
}

std::expected<RunSummary, Error> CleanupManager::find_run(const std::string& run_id) {
  const Result<std::optional<store::RunRow>> run = core_.history->find_run(run_id);
  if (!run) return std::unexpected(run.error());
  if (!*run) return fail(ErrorKind::missing, "no run is called " + escape_bytes(run_id), "see `freshet history`");
  return summarize(**run);
}

CompletionStatus CleanupManager::verify_cleanup_completion(CleanupHandle handle) {
  CompletionStatus out;
  CallTimer timed(figures_, metrics::Limited::completion_verification, {}, &out.units_checked);
  const auto wrong = [&](CompletionCause cause, Error error) {
    out.error.emplace(cause, std::move(error));
    return out;
  };
  const Result<Target> target = find(handle);
  if (!target) {
    return wrong(CompletionCause::unknown_handle, target.error());
  }
  if (target->run_id.empty()) {
    return wrong(CompletionCause::never_ran, {ErrorKind::missing, {}, "the task " + target->name + " has not run", {}});
  }
  const Result<std::optional<store::RunRow>> run = core_.history->find_run(target->run_id);
  if (!run || !*run) {
    return wrong(CompletionCause::record_damaged,
                 run ? Error{ErrorKind::missing, {}, "the history has no run " + target->run_id, {}} : run.error());
  }
  const auto row = std::ranges::find((*run)->tasks, target->number, &store::TaskRow::number);
  if (row == (*run)->tasks.end()) {
    return wrong(CompletionCause::record_damaged, {ErrorKind::missing, {}, "the history has no such task of run " + target->run_id, {}});
  }
  if (store::RootLock::held(core_.lock_dir(), target->run_id))
    return wrong(CompletionCause::still_running, {ErrorKind::busy, {}, "run " + target->run_id + " is still at work", "look again when it has ended"});
  if (row->state != to_string(TaskState::committed) && row->state != to_string(TaskState::executing) &&
      row->state != to_string(TaskState::failed)) {
    return wrong(CompletionCause::nothing_left, {ErrorKind::invalid, {}, "the task " + row->name + " of run " + target->run_id + " is " + row->state +
                                                                             ": nothing of it is left to verify", {}});
  }
  timed.task = row->name;
  const bool plan_needed = !row->plugin.empty() && row->entries_found > 0;
  if (plan_needed) {
    const std::string dir = core_.run_dir(target->run_id);
    const Result<Plan> plan = read_plan(dir);
    if (!plan || target->number >= plan->tasks.size())
      return wrong(CompletionCause::record_damaged, plan ? Error{ErrorKind::invalid, {}, "the run's plan is damaged", {}} : plan.error());
    out = look_at_completion(plan->tasks[target->number], target->run_id, dir);
  } else {
    out.complete = row->state == to_string(TaskState::committed);
  }
  out.resources = resources_of(*row);
  if (const std::optional<CompletionError> leak = leak_of(row->name, out.resources); leak && !out.error) {
    out.error = leak;
    out.complete = false;
  }
  return out;
}

}  // namespace freshet
