#include <algorithm>

#include "runtime/base/bytes.h"
#include "runtime/base/log.h"
#include "runtime/base/units.h"
#include "runtime/manager/completion.h"
#include "runtime/manager/manager_impl.h"
#include "runtime/manager/open_roots.h"
#include "runtime/manager/run_states.h"
#include "runtime/manager/state_machine.h"
#include "runtime/store/root_locks.h"

namespace freshet {
namespace {

// States of a task's row beyond TaskState's names: what it moved is being freed, or is freed. Not restorable.
constexpr std::string_view kPurging = "purging";
constexpr std::string_view kPurged = "purged";

bool is_restorable(const store::TaskRow& row) {
  const std::optional<TaskState> state = task_state_named(row.state);
  if (!state) return false;
  switch (*state) {
    case TaskState::executing:
    case TaskState::executed:
    case TaskState::verified:
    case TaskState::committed:
    case TaskState::failed:
    case TaskState::rolling_back: return true;
    default: return false;
  }
}

// Its process ended before it had counted what it moved.
bool is_cut_off(const store::TaskRow& row) {
  return row.state == to_string(TaskState::executing) || row.state == to_string(TaskState::rolling_back);
}

bool in_quarantine(const store::TaskRow& row) {
  if (row.unlink || row.plugin.empty()) return false;
  return row.state == kPurging || is_cut_off(row) || (is_restorable(row) && row.bytes_at_purge + row.entries_removed > 0);
}

std::vector<std::string> paths_of(const std::vector<PlanRoot>& roots) {
  std::vector<std::string> out;
  for (const PlanRoot& root : roots) out.push_back(root.config.path);
  return out;
}

// Every root of a run's tasks; a task whose record is damaged has none.
std::vector<std::string> paths_of(const store::RunRow& run) {
  std::vector<std::string> out;
  for (const store::TaskRow& row : run.tasks)
    if (const Result<std::vector<PlanRoot>> roots = roots_from_grant_json(row.grant_json))
      for (const std::string& path : paths_of(*roots)) out.push_back(path);
  return out;
}

}  // namespace

QuarantineRef CleanupManager::reference(const store::TaskRow& row, const std::vector<PlanRoot>& roots) const {
  const auto channel = core_.config.channels.find(row.channel);
  const config::Isolation isolation = channel == core_.config.channels.end()
                                          ? core_.config.isolation
                                          : channel->second.isolation.value_or(core_.config.isolation);
  return {row.run_id, row.number, row.channel, roots, isolation == config::Isolation::strict, channel_index(row.channel)};
}

std::expected<std::vector<CleanupHandle>, Error> CleanupManager::open(const std::string& run_id) {
  Result<std::optional<store::RunRow>> run = core_.history->find_run(run_id);
  if (!run) return std::unexpected(run.error());
  if (!*run) return fail(ErrorKind::missing, "no run is called " + escape_bytes(run_id), "see `freshet history`");
  std::vector<CleanupHandle> out;
  const std::lock_guard lock(mutex_);
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
    return fail(ErrorKind::missing, "there is no run that could be taken back", "see `freshet history`");
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
  const Result<Target> target = find(handle);
  if (!target) {
    out.error = target.error();
    return out;
  }
  if (target->run_id.empty()) {
    out.error = Error{ErrorKind::missing, {}, "the task " + target->name + " has not run", {}};
    return out;
  }
  const Result<std::optional<store::RunRow>> run = core_.history->find_run(target->run_id);
  if (!run || !*run) {
    out.error = run ? Error{ErrorKind::missing, {}, "the history has no run " + target->run_id, {}} : run.error();
    return out;
  }
  const auto row = std::ranges::find((*run)->tasks, target->number, &store::TaskRow::number);
  if (row == (*run)->tasks.end()) {
    out.error = Error{ErrorKind::missing, {}, "the history has no such task of run " + target->run_id, {}};
    return out;
  }
  if (store::RootLock::held(core_.lock_dir(), target->run_id)) {
    out.error = Error{ErrorKind::busy, {}, "run " + target->run_id + " is still at work", "look again when it has ended"};
    return out;
  }
  if (row->state != to_string(TaskState::committed) && row->state != to_string(TaskState::executing) &&
      row->state != to_string(TaskState::failed)) {
    out.error = Error{ErrorKind::invalid, {}, "the task " + row->name + " of run " + target->run_id + " is " + row->state + ": nothing of it is left to verify", {}};
    return out;
  }
  if (row->plugin.empty() || row->entries_found == 0) {
    out.complete = row->state == to_string(TaskState::committed);
    return out;
  }
  const std::string dir = core_.run_dir(target->run_id);
  const Result<Plan> plan = read_plan(dir);
  if (!plan || target->number >= plan->tasks.size()) {
    out.error = plan ? Error{ErrorKind::invalid, {}, "the run's plan is damaged", {}} : plan.error();
    return out;
  }
  return look_at_completion(plan->tasks[target->number], target->run_id, dir);
}

bool CleanupManager::rollback_task(const store::RunRow& run, store::TaskRow row, RollbackReport& report) {
  if (row.state == to_string(TaskState::rolled_back) || !(is_restorable(row) || row.state == kPurging || row.state == kPurged)) return true;
  const auto stays = [&](std::string reason) {
    report.conflicts.push_back({row.name, std::move(reason)});
    ++report.conflict_count;
    return false;
  };
  if (row.state == kPurging || row.state == kPurged) {
    if (row.entries_removed == 0) return true;
    return stays("what it moved was purged and cannot be taken back");
  }
  if (row.plugin.empty()) {  // a native task
    NativeTask native;
    {
      const std::lock_guard lock(mutex_);
      const auto task = tasks_.find(row.name);
      if (task == tasks_.end() || task->second.native() == nullptr || records_[row.name].last_run != run.id)
        return stays("a native task can be taken back only by the program that ran it");
      native = *task->second.native();
    }
    if (!native.compensate) return stays("it has no `compensate` and cannot be taken back");
    struct Quiet final : TaskContext {
      [[nodiscard]] std::stop_token stop() const override { return {}; }
      void count(std::uint64_t, std::uint64_t) override {}
    } context;
    Status back;
    try {
      back = native.compensate(context);
    } catch (const std::exception& error) {
      back = fail(ErrorKind::peer, std::string("it threw: ") + error.what());
    } catch (...) {
      back = fail(ErrorKind::peer, "it threw");
    }
    if (!back) return stays("its `compensate` failed: " + back.error().what);
  } else if (row.unlink) {
    if (row.entries_removed > 0 || row.state == to_string(TaskState::executing))
      return stays("quarantine mode `none`: what it unlinked cannot be taken back");
  } else {
    const Result<std::vector<PlanRoot>> roots = roots_from_grant_json(row.grant_json);
    if (!roots) return stays(roots.error().what);
    if (row.state == to_string(TaskState::committed) && row.entries_removed == 0) return true;
    row.state = to_string(TaskState::rolling_back);
    if (const Status kept = core_.history->set_task(row); !kept) return stays(kept.error().what);
    const RestoreOutcome back = restore_quarantine(core_, reference(row, *roots));
    report.entries += back.units;
    for (const Refusal& conflict : back.conflicts) report.conflicts.push_back(conflict);
    report.conflict_count += back.conflict_count;
    if (back.error) {
      report.conflicts.push_back({row.name, back.error->what});
      ++report.conflict_count;
    }
    if (!back.complete()) {
      row.state = to_string(TaskState::failed);
      row.note = "rollback: " + std::to_string(back.conflict_count) + " entries could not be put back";
      if (const Status kept = core_.history->set_task(row); !kept) log_error({run.id, row.channel, row.name}, kept.error().what);
      note_state(row.name, TaskState::failed);
      return false;
    }
  }
  row.state = to_string(TaskState::rolled_back);
  row.bytes_at_purge = 0;
  row.note.clear();
  if (const Status kept = core_.history->set_task(row); !kept) return stays(kept.error().what);
  note_state(row.name, TaskState::rolled_back);
  return true;
}

// The roots of a past run, so that no other run, rollback or purge works on it or them meanwhile.
Result<std::unique_ptr<store::RootLock>> CleanupManager::lock_past_run(const store::RunRow& run, bool wait) {
  Result<std::unique_ptr<store::RootLock>> lock =
      store::RootLock::take(core_.lock_dir(), run.id, paths_of(run), wait, core_.options.stop);
  if (!lock && lock.error().kind == ErrorKind::busy)
    return fail(ErrorKind::busy, lock.error().what, "try again when it has ended; see `freshet status`");
  return lock;
}

bool CleanupManager::rollback_tasks(const std::string& run_id, std::optional<std::uint32_t> only, bool wait, RollbackReport& report) {
  Result<std::optional<store::RunRow>> found = core_.history->find_run(run_id);
  if (!found || !*found) {
    report.error = found ? Error{ErrorKind::missing, {}, "no run is called " + escape_bytes(run_id), {}} : found.error();
    return false;
  }
  const Result<std::unique_ptr<store::RootLock>> lock = lock_past_run(**found, wait);
  if (!lock) {
    report.error = lock.error();
    return false;
  }
  found = core_.history->find_run(run_id);  // as it is now that nobody else works on it
  if (!found || !*found) return false;
  const store::RunRow& run = **found;

  // Dependents go first. Tasks stand in order, so backwards is right; of a single task only those that build on it.
  std::set<std::string> wanted;
  const Result<Plan> plan = read_plan(core_.run_dir(run_id));
  for (const store::TaskRow& row : run.tasks) {
    bool take = !only || row.number == *only;
    if (!take && plan && row.number < plan->tasks.size()) {
      const TaskPlan& task = plan->tasks[row.number];
      for (const auto* list : {&task.after, &task.requires_})
        take = take || std::ranges::any_of(*list, [&](const std::string& name) { return wanted.contains(name); });
    }
    if (take) wanted.insert(row.name);
  }
  const auto take_back = [&] {
    bool complete = true;
    for (auto row = run.tasks.rbegin(); row != run.tasks.rend(); ++row)
      if (wanted.contains(row->name)) complete = rollback_task(run, *row, report) && complete;
    return complete;
  };
  // Where nothing can be taken back (unlinked, purged, or back already) the run stays what it is, and is only told of.
  const bool in_vain = std::ranges::none_of(run.tasks, [&](const store::TaskRow& row) {
    return wanted.contains(row.name) && is_restorable(row) && !row.unlink;
  });
  const std::optional<RunState> state = run_state_named(run.state);
  if (in_vain && state && *state != RunState::executing && *state != RunState::rolling_back) return take_back();
  if (const Status kept = core_.history->set_run_state(run_id, std::string(to_string(RunState::rolling_back)), run.ended_ns, {}); !kept) {
    report.error = kept.error();
    return false;
  }
  bool complete = take_back();
  const RunState end = !complete ? RunState::failed : wanted.size() == run.tasks.size() ? RunState::rolled_back : RunState::partly;
  const std::string note = complete ? "" : "rollback incomplete: " + std::to_string(report.conflict_count) + " conflicts";
  if (const Status kept = core_.history->set_run_state(run_id, std::string(to_string(end)), core_.clock.now(), note); !kept) {
    report.error = kept.error();
    complete = false;
  }
  return complete;
}

bool CleanupManager::rollback_cleanup(CleanupHandle handle) {
  const Result<Target> target = find(handle);
  if (!target || target->run_id.empty()) return false;
  RollbackReport report;
  return rollback_tasks(target->run_id, target->number, true, report);
}

RollbackReport CleanupManager::rollback(const std::string& run_id) {
  RollbackReport out;
  out.complete = rollback_tasks(run_id, std::nullopt, false, out) && !out.error;
  return out;
}

// Frees what is in the quarantine of one run, which the caller has locked and read behind the lock. `why` is for the
// report.
bool CleanupManager::purge_run(const store::RunRow& run, const std::string& why, PurgeReport& report) {
  RunResult::Purged purged{run.id, 0, 0, why};
  bool clean = true;
  bool any = false;
  bool reachable = false;
  std::optional<Error> away;
  for (const store::TaskRow& row : run.tasks) {
    if (!in_quarantine(row)) continue;
    any = true;
    const Result<std::vector<PlanRoot>> roots = roots_from_grant_json(row.grant_json);
    if (!roots) {
      report.error = roots.error();
      return false;
    }
    for (const PlanRoot& root : *roots) {
      if (const Result<std::vector<channel::OpenRoot>> open = open_planned_roots({root}); open) {
        reachable = true;
      } else {
        away = open.error();
      }
    }
  }
  // Of a run whose every root is away nothing can be freed now: it stays as restorable as it is.
  if (any && !reachable) {
    report.error = away;
    return false;
  }
  if (any)
    if (const Status kept = core_.history->set_run_state(run.id, std::string(to_string(RunState::purging)), run.ended_ns, run.note); !kept) {
      report.error = kept.error();
      return false;
    }
  for (store::TaskRow row : run.tasks) {
    if (!in_quarantine(row)) continue;
    const Result<std::vector<PlanRoot>> roots = roots_from_grant_json(row.grant_json);
    if (!roots) {
      report.error = roots.error();
      return false;
    }
    row.state = kPurging;  // durable before the first unlink: from here on it cannot be taken back
    if (const Status kept = core_.history->set_task(row); !kept) {
      report.error = kept.error();
      return false;
    }
    const PurgeOutcome outcome = purge_quarantine(core_, reference(row, *roots));
    purged.entries += outcome.entries;
    purged.bytes += outcome.bytes;
    report.left += outcome.left;
    if (outcome.error || outcome.left > 0) {
      clean = false;
      if (outcome.error) report.error = outcome.error;
      row.note = "purge: " + (outcome.error ? outcome.error->what : std::to_string(outcome.left) + " entries could not be unlinked");
    } else {
      row.state = kPurged;
      row.entries_removed = std::max(row.entries_removed, outcome.entries);
      row.bytes_now += outcome.bytes;
      row.bytes_at_purge = 0;
    }
    if (const Status kept = core_.history->set_task(row); !kept) report.error = kept.error();
  }
  if (any && clean)
    if (const Status kept = core_.history->set_run_state(run.id, std::string(to_string(RunState::purged)), run.ended_ns, run.note); !kept)
      report.error = kept.error();
  report.runs.push_back(std::move(purged));
  return clean;
}

// Purges a past run as it is behind its lock; one that somebody is taking back or purging just now stays. A run that
// purges at its end (`by_run`) holds roots itself, so that it takes the past run's name alone.
void CleanupManager::purge_unless_busy(const store::RunRow& run, const std::string& by_run, const std::string& why, PurgeReport& report) {
  const std::vector<std::string> roots = by_run.empty() ? paths_of(run) : std::vector<std::string>();
  const Result<std::unique_ptr<store::RootLock>> lock =
      store::RootLock::take(core_.lock_dir(), run.id, roots, false, core_.options.stop);
  if (!lock) {
    log_info({run.id, {}, {}}, "not purged: " + lock.error().what);
    if (lock.error().kind != ErrorKind::busy) report.error = lock.error();
    return;
  }
  const Result<std::optional<store::RunRow>> now = core_.history->find_run(run.id);
  if (!now) report.error = now.error();
  if (now && *now) purge_run(**now, why, report);
}

// Step 6 of a run: what is over its `keep`, then the oldest until each channel is within its `max`.
void CleanupManager::purge_what_is_over(const std::string& except_run, const std::set<std::string>* channels, PurgeReport& report) {
  const Result<std::vector<store::RunRow>> runs = core_.history->runs_in_quarantine();
  if (!runs) {
    report.error = runs.error();
    return;
  }
  const auto concerns = [&](const store::RunRow& run) {
    return channels == nullptr || std::ranges::any_of(run.tasks, [&](const store::TaskRow& row) { return channels->contains(row.channel); });
  };
  const std::int64_t now = core_.clock.now();
  std::map<std::string, std::uint64_t> held;  // by channel
  std::vector<const store::RunRow*> left;
  for (const store::RunRow& run : *runs) {
    if (!std::ranges::any_of(run.tasks, in_quarantine)) continue;
    const bool alive = store::RootLock::held(core_.lock_dir(), run.id);
    const std::optional<RunState> state = run_state_named(run.state);
    const bool unfinished = !state || *state == RunState::executing || *state == RunState::rolling_back;
    const bool over = std::ranges::all_of(run.tasks, [&](const store::TaskRow& row) { return !in_quarantine(row) || row.keep_until_ns <= now; });
    if (run.id != except_run && concerns(run) && over && !alive && !unfinished) {
      purge_unless_busy(run, except_run, "its keep is over", report);
      continue;
    }
    for (const store::TaskRow& row : run.tasks)
      if (in_quarantine(row)) held[row.channel] += row.bytes_at_purge;
    if (run.id != except_run && concerns(run) && !alive && !unfinished) left.push_back(&run);
  }
  for (const store::RunRow* run : left) {  // oldest first
    std::string why;
    for (const store::TaskRow& row : run->tasks) {
      const auto channel = core_.config.channels.find(row.channel);
      if (channel == core_.config.channels.end() || !channel->second.quarantine.max_bytes || !in_quarantine(row)) continue;
      if (held[row.channel] > *channel->second.quarantine.max_bytes)
        why = "the quarantine of " + row.channel + " is over its max of " + format_size(*channel->second.quarantine.max_bytes);
    }
    if (why.empty()) continue;
    for (const store::TaskRow& row : run->tasks)
      if (in_quarantine(row)) held[row.channel] -= std::min(held[row.channel], row.bytes_at_purge);
    purge_unless_busy(*run, except_run, why, report);
  }
}

PurgeReport CleanupManager::purge(const std::optional<std::string>& run_id) {
  PurgeReport out;
  if (!run_id) {
    purge_what_is_over({}, nullptr, out);
    return out;
  }
  const Result<std::optional<store::RunRow>> run = core_.history->find_run(*run_id);
  if (!run || !*run) {
    out.error = run ? Error{ErrorKind::missing, {}, "no run is called " + escape_bytes(*run_id), {}} : run.error();
    return out;
  }
  const Result<std::unique_ptr<store::RootLock>> lock = lock_past_run(**run, false);
  if (!lock) {
    out.error = lock.error();
    return out;
  }
  const Result<std::optional<store::RunRow>> now = core_.history->find_run(*run_id);
  if (now && *now) purge_run(**now, "asked for", out);
  return out;
}

}  // namespace freshet
