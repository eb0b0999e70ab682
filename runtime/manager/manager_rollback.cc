#include <algorithm>

#include "runtime/base/bytes.h"
#include "runtime/base/log.h"
#include "runtime/manager/calling_tasks.h"
#include "runtime/manager/manager_impl.h"
#include "runtime/manager/past_rows.h"
#include "runtime/manager/run_states.h"
#include "runtime/manager/state_log.h"
#include "runtime/manager/state_machine.h"
#include "runtime/manager/timers.h"
#include "runtime/store/root_locks.h"

namespace freshet {

QuarantineRef CleanupManager::reference(const store::TaskRow& row, const std::vector<PlanRoot>& roots) const {
  const auto channel = core_.config.channels.find(row.channel);
  const config::Isolation isolation = channel == core_.config.channels.end()
                                          ? core_.config.isolation
                                          : channel->second.isolation.value_or(core_.config.isolation);
  return {row.run_id, row.number, row.channel, roots, isolation == config::Isolation::strict, channel_index(row.channel)};
}

// One task's way back through the states. What crashed in the middle of its run or of a rollback has failed first.
class CleanupManager::WayBack {
 public:
  WayBack(CleanupManager& manager, store::TaskRow& row) : manager_(manager), row_(row) {}

  void enter(TaskState state) {
    const std::optional<TaskState> from = task_state_named(row_.state);
    if (from && !is_legal_transition(*from, state) && *from != TaskState::failed) add(TaskState::failed);
    add(state);
  }
  Status record() {
    std::vector<store::TransitionRow> news;
    news.swap(news_);
    const TransitionTimer timed(manager_.figures_);
    const bool before_effects = !row_.plugin.empty() && row_.state == to_string(TaskState::rolling_back);
    const Status kept = manager_.core_.history->set_task(row_, news, before_effects ? store::Sync::now : store::Sync::later);
    if (!kept) log_error({row_.run_id, row_.channel, row_.name}, kept.error().what);
    return kept;
  }

 private:
  void add(TaskState state) {
    row_.state = to_string(state);
    news_.push_back({row_.run_id, row_.number, row_.state, manager_.core_.clock.now()});
    log_state(row_, "");
    manager_.note_state(row_.name, state);
  }

  CleanupManager& manager_;
  store::TaskRow& row_;
  std::vector<store::TransitionRow> news_;
};

// In units, each of which may be a directory of many entries: how many there are in all nobody knows.
Told CleanupManager::tell_of_restore(const std::string& task) const {
  return [this, task](std::uint64_t units, std::uint64_t) {
    core_.progress({.task = task, .phase = "restore", .scanned = 0, .found = 0, .done = units, .total = 0, .bytes = 0});
  };
}

// What is left of a task that its compensation or the broker has worked on; empty when all came back.
std::string CleanupManager::put_back(const store::TaskRow& row, RollbackReport& report) {
  if (row.plugin.empty()) return compensate_in_turn(row);
  const Result<std::vector<PlanRoot>> roots = roots_from_grant_json(row.grant_json);
  if (!roots) return roots.error().what;
  const Told told = tell_of_restore(row.name);
  told(0, 0);
  const RestoreOutcome back = restore_quarantine(core_, reference(row, *roots), told);
  told(back.units, 0);
  figures_.add_rollback(row.name, back.brokers);
  report.entries += back.units;
  for (const Refusal& conflict : back.conflicts) report.conflicts.push_back(conflict);
  report.conflict_count += back.conflict_count;
  if (back.error) return back.error->what;
  return back.complete() ? "" : std::to_string(back.conflict_count) + " entries could not be put back";
}

bool CleanupManager::rollback_task(store::TaskRow row, RollbackReport& report) {
  const auto stays = [&](std::string reason) {
    report.conflicts.push_back({row.name, reason});
    ++report.conflict_count;
    log_error({row.run_id, row.channel, row.name}, "rollback: " + reason);
    row.note = "rollback: " + std::move(reason);
    if (const Status kept = core_.history->set_task(row, {}, store::Sync::later); !kept) log_error({row.run_id, row.channel, row.name}, kept.error().what);
    return false;
  };
  if (row.state == kPurging || row.state == kPurged) {
    if (row.entries_removed == 0) return true;
    return stays("what it moved was purged and cannot be taken back");
  }
  if (!is_restorable(row)) return true;
  if (row.unlink) {
    if (row.entries_removed == 0 && row.state != to_string(TaskState::executing)) return true;
    return stays("quarantine mode `none`: what it unlinked cannot be taken back");
  }
  if (row.plugin.empty()) {
    if (std::string why = why_not_compensated(row); !why.empty()) return stays(std::move(why));
  } else if (row.state == to_string(TaskState::committed) && row.entries_removed == 0) {
    return true;
  }
  // As when they went: who keeps the lock counts on what lies there.
  TaskLocks::Hold held;
  if (!row.plugin.empty()) {
    const Result<std::vector<config::LockConfig>> locks = locks_from_grant_json(row.grant_json);
    if (!locks) return stays(locks.error().what);
    std::vector<ExtraAct> acts;
    Result<TaskLocks::Hold> taken = locks_.take(*locks, acts);
    if (!taken) return stays(taken.error().what);
    held = std::move(*taken);
  }
  const CallTimer timed(figures_, metrics::Limited::rollback, row.name, &report.entries);
  WayBack way(*this, row);
  way.enter(TaskState::rolling_back);
  if (const Status kept = way.record(); !kept) return stays(kept.error().what);
  const std::size_t conflicts = report.conflicts.size();
  if (std::string left = put_back(row, report); !left.empty()) {
    way.enter(TaskState::failed);
    row.note = "rollback: " + left;
    if (report.conflicts.size() == conflicts) {
      report.conflicts.push_back({row.name, std::move(left)});
      ++report.conflict_count;
    }
    (void)way.record();  // it has logged why; the task is reported as not taken back either way
    return false;
  }
  way.enter(TaskState::rolled_back);
  row.bytes_at_purge = 0;
  row.note.clear();
  if (const Status kept = way.record(); !kept) return stays(kept.error().what);
  return true;
}

// The roots of a past run, so that no other run, rollback or purge works on it or them meanwhile.
Result<std::unique_ptr<store::RootLock>> CleanupManager::lock_past_run(const store::RunRow& run, bool wait) {
  Result<std::unique_ptr<store::RootLock>> lock = take_lock(run.id, paths_of(run), wait);
  if (!lock && lock.error().kind == ErrorKind::busy)
    return fail(ErrorKind::busy, lock.error().what, "try again when it has ended; see `freshet status`");
  return lock;
}

bool CleanupManager::rollback_tasks(const std::string& run_id, std::optional<std::uint32_t> only, bool wait, RollbackReport& report) {
  // Of one run at a time: whoever comes second finds what the first has left.
  while (const std::shared_ptr<Flight> other = rollbacks_.begin(run_id)) {
    if (!calling_tasks().empty()) {  // it may be this one that has led to here
      report.error = Error{ErrorKind::busy, {}, "another rollback of the run is under way", {}};
      return false;
    }
    if (other->wait(core_.options.stop)) continue;
    report.error = Error{ErrorKind::busy, {}, "interrupted while another rollback of the run was under way", {}};
    return false;
  }
  const bool complete = rollback_alone(run_id, only, wait, report);
  rollbacks_.end(run_id, {});
  return complete;
}

bool CleanupManager::rollback_alone(const std::string& run_id, std::optional<std::uint32_t> only, bool wait, RollbackReport& report) {
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
      if (wanted.contains(row->name)) complete = rollback_task(*row, report) && complete;
    return complete;
  };
  // Where nothing can be taken back (unlinked, purged, or back already) the run stays what it is, and is only told of.
  const bool in_vain = std::ranges::none_of(run.tasks, [&](const store::TaskRow& row) {
    return wanted.contains(row.name) && is_restorable(row) && !row.unlink;
  });
  const std::optional<RunState> state = run_state_named(run.state);
  if (in_vain && state && *state != RunState::executing && *state != RunState::rolling_back) return take_back();
  if (const Status kept = core_.history->set_run_state(run_id, std::string(to_string(RunState::rolling_back)), run.ended_ns, {}, store::Sync::later); !kept) {
    report.error = kept.error();
    return false;
  }
  bool complete = take_back();
  const RunState end = !complete ? RunState::failed : wanted.size() == run.tasks.size() ? RunState::rolled_back : RunState::partly;
  const std::string note = complete || report.conflicts.empty()
                               ? ""
                               : "rollback incomplete: " + std::to_string(report.conflict_count) + " conflicts, the first: " +
                                     escape_bytes(report.conflicts.front().path) + ": " + report.conflicts.front().reason;
  if (const Status kept = core_.history->set_run_state(run_id, std::string(to_string(end)), core_.clock.now(), note, store::Sync::now); !kept) {
    report.error = kept.error();
    complete = false;
  }
  return complete;
}

// Native tasks that require `name`, have completed here and were not rolled back, in whatever run: dependents first.
std::vector<std::string> CleanupManager::completed_dependents(const std::string& name) {
  const std::shared_ptr<const TaskMap> all = registered();
  std::set<std::string> wanted = {name};
  std::vector<std::string> everybody;
  for (const auto& [other, task] : *all) everybody.push_back(other);
  const std::vector<std::string> order = order_of(everybody).order;
  std::vector<std::string> out;
  for (const std::string& other : order) {  // dependencies first, so one pass finds all
    const Registered& task = *all->at(other);
    if (wanted.contains(other) || !std::ranges::any_of(task.task.requires_, [&](const std::string& on) { return wanted.contains(on); })) continue;
    wanted.insert(other);
    const MutexLock lock(mutex_);
    if (records_.at(other).completed) out.push_back(other);
  }
  std::ranges::reverse(out);
  return out;
}

bool CleanupManager::rollback_cleanup(CleanupHandle handle) {
  const Result<Target> target = find(handle);
  if (!target || target->run_id.empty()) return false;
  RollbackReport report;
  if (!target->past) {
    for (const std::string& name : completed_dependents(target->name)) {
      Record record;
      {
        const MutexLock lock(mutex_);
        record = records_.at(name);
      }
      if (record.last_run == target->run_id || rollback_tasks(record.last_run, record.last_number, true, report)) continue;
      log_error({target->run_id, {}, target->name}, "rollback: " + name + ", which requires it, cannot be taken back");
      return false;
    }
  }
  return rollback_tasks(target->run_id, target->number, true, report);
}

RollbackReport CleanupManager::rollback(const std::string& run_id) {
  RollbackReport out;
  out.complete = rollback_tasks(run_id, std::nullopt, false, out) && !out.error;
  return out;
}

}  // namespace freshet
