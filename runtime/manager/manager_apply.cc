#include <algorithm>
#include <filesystem>
#include <thread>

#include "runtime/base/bytes.h"
#include "runtime/base/log.h"
#include "runtime/manager/calling_tasks.h"
#include "runtime/manager/plan_files.h"
#include "runtime/manager/result_rows.h"
#include "runtime/manager/running.h"
#include "runtime/manager/scheduler.h"
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

}  // namespace

RunResult CleanupManager::apply(const PlanId& id, bool wait) {
  RunResult out;
  const auto refuse = [&](Error error) {
    out.error = std::move(error);
    out.state = RunState::failed;
    return out;
  };
  if (!core_.options.trial_plugin.empty())
    return refuse({ErrorKind::refused, {}, "a manager that tries " + escape_bytes(core_.options.trial_plugin) + " carries out nothing", {}});
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

// Inside a task nobody is waited for: it may be this very run that holds the roots.
Result<std::unique_ptr<store::RootLock>> CleanupManager::take_lock(const std::string& run_id, const std::vector<std::string>& roots, bool wait) {
  return store::RootLock::take(core_.lock_dir(), run_id, roots, wait && calling_tasks().empty(), core_.options.stop);
}

Result<std::unique_ptr<store::RootLock>> CleanupManager::lock_roots(const std::string& run_id, const std::vector<std::string>& roots, bool wait) {
  if (roots.empty()) return std::unique_ptr<store::RootLock>();
  return take_lock(run_id, roots, wait);
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
