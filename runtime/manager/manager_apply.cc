#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <thread>

#include "runtime/base/bytes.h"
#include "runtime/base/log.h"
#include "runtime/manager/completion.h"
#include "runtime/manager/manager_impl.h"
#include "runtime/manager/plan_files.h"
#include "runtime/manager/plan_rules.h"
#include "runtime/manager/scheduler.h"
#include "runtime/manager/settle.h"
#include "runtime/manager/state_machine.h"
#include "runtime/store/root_locks.h"

namespace freshet {

// One run while it acts.
struct CleanupManager::Running {
  Plan plan;
  std::string dir;  // of the plan's files
  std::mutex mutex;
  std::map<std::string, CleanupResult> results;     // guarded by mutex
  std::map<std::string, std::string> closed;        // guarded by mutex: channel -> the task that broke out
  std::map<std::uint32_t, TaskState> states;        // guarded by mutex: by task number
  Status history;                                   // guarded by mutex: the first failure to record something
};

namespace {

class NativeContext final : public TaskContext {
 public:
  explicit NativeContext(std::stop_token stop) : stop_(std::move(stop)) {}
  [[nodiscard]] std::stop_token stop() const override { return stop_; }
  void count(std::uint64_t entries, std::uint64_t bytes) override {
    entries_ += entries;
    bytes_ += bytes;
  }
  [[nodiscard]] std::uint64_t entries() const { return entries_; }
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }

 private:
  std::stop_token stop_;
  std::atomic<std::uint64_t> entries_ = 0;
  std::atomic<std::uint64_t> bytes_ = 0;
};

std::string result_to_json(const CleanupResult& result) {
  nlohmann::json counts = nlohmann::json::object();
  for (const auto& [reason, count] : result.refusal_counts) counts[escape_bytes(reason)] = count;
  nlohmann::json refusals = nlohmann::json::array();
  for (const Refusal& refusal : result.refusals) refusals.push_back({escape_bytes(refusal.path), escape_bytes(refusal.reason)});
  return nlohmann::json{{"kept", result.entries_kept},
                        {"changed_by_others", result.changed_by_others},
                        {"end", to_string(result.end)},
                        {"refusal_counts", counts},
                        {"refusals", refusals},
                        {"missing_layers", result.missing_layers}}
      .dump();
}

store::TaskRow row_of(const std::string& run_id, const TaskPlan& task, const CleanupResult& result) {
  store::TaskRow row;
  row.run_id = run_id;
  row.number = task.number;
  row.name = task.shown.name;
  row.channel = task.shown.channel;
  row.plugin = task.shown.plugin;
  row.plugin_sha256 = task.plugin_sha256;
  row.state = to_string(result.state);
  row.note = result.note;
  row.unlink = task.permission.quarantine_mode == config::QuarantineMode::none;
  row.entries_found = result.entries_found;
  row.entries_removed = result.entries_removed;
  row.entries_refused = result.entries_refused;
  row.bytes_now = result.bytes_reclaimed_now;
  row.bytes_at_purge = result.bytes_reclaimable_at_purge;
  row.grant_json = grant_to_json(task);
  row.result_json = result_to_json(result);
  return row;
}

CleanupResult result_of_plan(const Plan& plan, const TaskPlan& task) {
  CleanupResult out;
  out.run_id = plan.id;
  out.task = task.shown.name;
  out.state = task.shown.state;
  out.trusted_in_process = task.native;
  out.entries_found = task.shown.entries;
  for (const auto& [reason, count] : task.shown.kept) out.entries_kept += count;
  out.end = task.shown.end;
  out.note = task.shown.note;
  out.missing_layers = task.shown.missing_layers;
  return out;
}

bool is_bad(TaskState state) {
  return state == TaskState::refused || state == TaskState::skipped || state == TaskState::failed || state == TaskState::rolled_back;
}

RunState run_state_of(const std::vector<CleanupResult>& tasks, bool stopped) {
  bool refused = false;
  bool failed = false;
  bool good = false;
  bool partly = false;
  for (const CleanupResult& task : tasks) {
    refused = refused || task.state == TaskState::refused;
    failed = failed || task.state == TaskState::failed || task.state == TaskState::rolled_back || task.state == TaskState::skipped;
    good = good || task.state == TaskState::committed;
    partly = partly || (task.state == TaskState::committed && task.entries_refused > 0) ||
             (task.state == TaskState::failed && task.entries_removed > 0);
  }
  if (stopped) return RunState::interrupted;
  if (!refused && !failed) return partly ? RunState::partly : RunState::done;
  if (good || partly) return RunState::partly;
  return refused ? RunState::refused : RunState::failed;
}

std::vector<std::string> root_paths(const Plan& plan) {
  std::vector<std::string> out;
  for (const TaskPlan& task : plan.tasks)
    if (is_going(task))
      for (const PlanRoot& root : task.roots) out.push_back(root.config.path);
  return out;
}

}  // namespace

// The plan may be old, or have come from a file: the grants of today hold, and the budget is counted again under them.
void CleanupManager::admit_again(Plan& plan, bool own) {
  const std::map<std::string, Registered> all = registered();
  for (TaskPlan& task : plan.tasks) {
    if (!is_going(task)) continue;
    const auto refuse = [&](std::string code, std::string what) {
      task.shown.violations.push_back({std::move(code), std::move(what), "make a new plan", {}});
    };
    const auto at = all.find(task.shown.name);
    if (at == all.end() || (at->second.native() != nullptr) != task.native) {
      refuse("F1093", "the plan's task " + task.shown.name + " is not in the configuration any more");
    } else if (!own && !at->second.enabled) {
      refuse("F1093", "the plan's task " + task.shown.name + " is disabled now");
    } else {
      Validated now = validate_task(core_, catalog_, host_, at->second);
      task.shown.violations = std::move(now.violations);
      if (!task.native) {
        if (now.plugin && now.plugin->sha256 != task.plugin_sha256)
          refuse("F1094", "the plugin of " + task.shown.name + " has changed since the plan was made");
        if (task.shown.channel != at->second.channel) refuse("F1093", task.shown.name + " has another channel now");
        for (const PlanRoot& root : task.roots) {
          const bool granted = std::ranges::any_of(now.permission.roots, [&](const config::RootConfig& today) {
            return today.path == root.config.path && today.exclude == root.config.exclude && today.access.remove;
          });
          if (!granted) refuse("F1093", "the grant for " + root.config.path + " is not what it was when the plan was made");
        }
        if (now.permission.quarantine_mode != task.permission.quarantine_mode)
          refuse("F1093", "the quarantine mode of " + task.shown.name + " has changed since the plan was made");
        task.permission.limits = now.permission.limits;
        task.permission.budget = now.permission.budget;
        task.permission.floors = now.permission.floors;
        task.permission.irreversible_allowed = now.permission.irreversible_allowed;
        task.strict = now.strict;
        task.on_failure = at->second.config->on_failure;
        const config::QuarantineConfig& quarantine = core_.config.channels.at(task.shown.channel).quarantine;
        task.keep_ns = quarantine.keep_ns;
        task.max_quarantine_bytes = quarantine.max_bytes.value_or(0);
      }
    }
    if (task.shown.violations.empty() && !task.native && own) judge_plan(task, local_minutes(core_.clock.now()));
    if (task.shown.violations.empty() && !task.native && !own)
      if (const Status settled = recount_plan(task, core_.plan_dir(plan.id), local_minutes(core_.clock.now())); !settled) {
        task.shown.state = TaskState::failed;
        task.shown.note = settled.error().what;
        continue;
      }
    if (task.shown.violations.empty()) continue;
    task.shown.state = TaskState::refused;
    task.shown.note = task.shown.violations.front().what;
  }
  carry_requirements(plan);
}

// What cannot be recorded is kept in `running.history` too: such a run stays unfinished, so that it can be taken back.
Status CleanupManager::record(Running& running, const TaskPlan& task, const CleanupResult& result) {
  store::TaskRow row = row_of(running.plan.id, task, result);
  if (row.bytes_at_purge > 0 || result.entries_removed > 0) row.keep_until_ns = core_.clock.now() + task.keep_ns;
  const Status kept = core_.history->set_task(row);
  if (!kept) {
    log_error({running.plan.id, task.shown.channel, task.shown.name}, kept.error().what);
    const std::lock_guard lock(running.mutex);
    if (running.history) running.history = kept;
  }
  log_info({running.plan.id, task.shown.channel, task.shown.name},
           std::string(to_string(result.state)) + (result.note.empty() ? "" : ": " + result.note));
  note_state(task.shown.name, result.state);
  return kept;
}

QuarantineRef CleanupManager::quarantine_of(const Running& running, const TaskPlan& task) const {
  return {running.plan.id, task.number, task.shown.channel, task.roots, task.strict, channel_index(task.shown.channel)};
}

// A task that failed midway goes back as a whole.
void CleanupManager::take_back(Running& running, const TaskPlan& task, CleanupResult& result) {
  const bool unlinked = task.permission.quarantine_mode == config::QuarantineMode::none;
  if (task.on_failure == config::OnFailure::keep || unlinked) {
    if (result.entries_removed > 0 || unlinked)
      result.note += unlinked ? "; what it unlinked cannot be taken back" : "; what it moved stays in the quarantine (on-failure = \"keep\")";
    return;
  }
  result.state = TaskState::rolling_back;
  static_cast<void>(record(running, task, result));
  const RestoreOutcome back = restore_quarantine(core_, quarantine_of(running, task));
  if (back.complete()) {
    result.state = TaskState::rolled_back;
    result.note += "; everything it moved was put back";
    result.entries_removed = 0;
    result.bytes_reclaimable_at_purge = 0;
    return;
  }
  result.state = TaskState::failed;
  if (result.end == EndReason::setup) result.bytes_reclaimable_at_purge = 0;  // it ended before it moved anything
  result.note += "; " + std::to_string(back.conflict_count) + " entries could not be put back" +
                 (back.error ? ": " + back.error->what : std::string());
  for (const Refusal& conflict : back.conflicts) result.refusals.push_back(conflict);
}

void CleanupManager::run_native(Running& running, TaskPlan& task, CleanupResult& result) {
  const std::map<std::string, Registered> all = registered();
  const NativeTask native = *all.at(task.shown.name).native();
  NativeContext context(core_.options.stop);
  const auto call = [&](const std::function<Status(TaskContext&)>& function) -> Status {
    try {
      return function(context);
    } catch (const std::exception& error) {
      return fail(ErrorKind::peer, std::string("it threw: ") + error.what());
    } catch (...) {
      return fail(ErrorKind::peer, "it threw something that is no std::exception");
    }
  };
  Status done = call(native.run);
  if (done && native.verify) done = call(native.verify);
  result.entries_found = result.entries_removed = context.entries();
  result.bytes_reclaimed_now = context.bytes();
  if (done) {
    result.state = TaskState::committed;
    return;
  }
  result.state = TaskState::failed;
  result.note = done.error().what;
  if (!native.compensate) {
    result.note += "; it has no `compensate`, so what it did stays";
    return;
  }
  result.state = TaskState::rolling_back;
  static_cast<void>(record(running, task, result));
  const Status back = call(native.compensate);
  result.state = back ? TaskState::rolled_back : TaskState::failed;
  result.note += back ? "; compensated" : "; its `compensate` failed too: " + back.error().what;
}

void CleanupManager::run_in_channel(Running& running, TaskPlan& task, CleanupResult& result) {
  const std::int64_t began = core_.clock.monotonic();
  ActFigures figures;
  const ActInputs inputs{running.plan.id, running.dir, channel_index(task.shown.channel)};
  const Status acted = act_task(core_, task, inputs, core_.options.stop, result, figures);
  if (!acted) {
    result.state = TaskState::failed;
    result.note = acted.error().what;
  }
  const std::int64_t acted_at = core_.clock.monotonic();
  if (result.state == TaskState::executed) {
    const CompletionStatus completion = look_at_completion(task, running.plan.id, running.dir);
    if (completion.complete) {
      result.state = TaskState::committed;
    } else {
      result.state = TaskState::failed;
      result.note = completion.error ? completion.error->what : "the world is not as the broker said: ";
      if (!completion.wrong.empty()) result.note += escape_bytes(completion.wrong.front().path) + " is " + completion.wrong.front().reason;
    }
  }
  if (result.end == EndReason::breach || result.end == EndReason::protocol) {
    log_error({running.plan.id, task.shown.channel, task.shown.name}, result.note);
    const std::lock_guard lock(running.mutex);
    running.closed.emplace(task.shown.channel, task.shown.name);
  }
  if (result.state == TaskState::failed) take_back(running, task, result);
  const bool quarantines = task.permission.quarantine_mode == config::QuarantineMode::keep;
  if (result.state == TaskState::committed && quarantines && result.entries_removed == 0 && result.entries_found > 0)
    if (const Status tidied = tidy_quarantine(core_, quarantine_of(running, task)); !tidied)  // others were faster
      log_warn({running.plan.id, task.shown.channel, task.shown.name}, tidied.error().what);
  const std::lock_guard lock(mutex_);
  CleanupMetrics& metrics = records_[task.shown.name].metrics;
  metrics.remove_ns = acted_at - began;
  metrics.verify_ns = core_.clock.monotonic() - acted_at;
  metrics.start_ns += figures.start_ns;
  metrics.cpu_ns += figures.cpu_ns;
  metrics.peak_rss_bytes = std::max(metrics.peak_rss_bytes, figures.peak_rss_bytes);
}

void CleanupManager::run_task(Running& running, TaskPlan& task) {
  CleanupResult result = result_of_plan(running.plan, task);
  if (is_going(task)) {
    const std::lock_guard lock(running.mutex);
    for (const std::string& name : task.requires_) {
      const auto other = running.results.find(name);
      if (other == running.results.end() || !is_bad(other->second.state)) continue;
      result.state = TaskState::skipped;
      result.note = "it requires " + name + ", which did not succeed: " + other->second.note;
    }
    if (const auto by = running.closed.find(task.shown.channel); !task.native && by != running.closed.end()) {
      result.state = TaskState::skipped;
      result.note = "its channel was closed after a breach by " + by->second;
    }
  }
  if (is_going(task) && result.state != TaskState::skipped && core_.options.stop.stop_requested()) {
    result.state = TaskState::skipped;
    result.note = "interrupted before it began";
  }
  if (is_going(task) && result.state != TaskState::skipped) {
    result.state = TaskState::executing;
    if (const Status kept = record(running, task, result); !kept) {  // nobody could take back what nobody knows of
      result.state = TaskState::failed;
      result.note = "nothing was done: " + kept.error().what;
    } else if (task.native) {
      run_native(running, task, result);
    } else {
      run_in_channel(running, task, result);
    }
  }
  static_cast<void>(record(running, task, result));
  {
    const std::lock_guard lock(mutex_);
    Record& own = records_[task.shown.name];
    own.last_run = running.plan.id;
    own.last_number = task.number;
    ++own.metrics.runs;
    own.metrics.entries = result.entries_removed;
    own.metrics.bytes = result.bytes_reclaimed_now + result.bytes_reclaimable_at_purge;
  }
  const std::lock_guard lock(running.mutex);
  running.results.insert_or_assign(task.shown.name, std::move(result));
}

RunResult CleanupManager::apply(const PlanId& id, bool wait) {
  RunResult out;
  const auto refuse = [&](Error error, RunState state) {
    out.error = std::move(error);
    out.state = state;
    return out;
  };
  if (!is_entry_name(id.id)) return refuse({ErrorKind::invalid, {}, "no plan has that id", {}}, RunState::failed);
  Result<Plan> plan = read_plan(core_.plan_dir(id.id));
  if (!plan) return refuse(plan.error(), RunState::failed);
  out.run_id = plan->id;
  const std::int64_t began = core_.clock.now();

  // One task never runs twice at once, in this manager or, by its roots, in another process.
  struct Busy {
    CleanupManager& manager;
    std::vector<std::string> names;
    ~Busy() {
      const std::lock_guard lock(manager.mutex_);
      for (const std::string& name : names) manager.running_.erase(name);
    }
  } busy{*this, {}};
  {
    const std::lock_guard lock(mutex_);
    for (const TaskPlan& task : plan->tasks) {
      if (!is_going(task)) continue;
      if (running_.contains(task.shown.name))
        return refuse({ErrorKind::busy, {}, "the task " + task.shown.name + " is running already", {}}, RunState::failed);
    }
    for (const TaskPlan& task : plan->tasks) {
      if (!is_going(task)) continue;
      running_.insert(task.shown.name);
      busy.names.push_back(task.shown.name);
    }
  }
  Result<std::unique_ptr<store::RootLock>> lock = store::RootLock::take(core_.lock_dir(), plan->id, root_paths(*plan), wait, core_.options.stop);
  if (!lock) return refuse(lock.error(), core_.options.stop.stop_requested() ? RunState::interrupted : RunState::failed);

  bool own = false;
  {
    const std::lock_guard guard(mutex_);
    own = own_plans_.erase(plan->id) > 0;
  }
  admit_again(*plan, own);

  // From here on history knows of the run; nothing has been touched yet.
  Running running;
  running.plan = std::move(*plan);
  store::RunRow row;
  row.id = running.plan.id;
  row.state = to_string(RunState::executing);
  row.started_ns = began;
  for (const TaskPlan& task : running.plan.tasks)
    row.tasks.push_back(row_of(running.plan.id, task, result_of_plan(running.plan, task)));
  if (const Status kept = core_.history->begin_run(row); !kept) return refuse(kept.error(), RunState::failed);
  running.dir = core_.run_dir(running.plan.id);
  std::error_code moved;
  std::filesystem::rename(core_.plan_dir(running.plan.id), running.dir, moved);
  Status ready = moved ? fail(ErrorKind::system, "moving the plan to " + running.dir + ": " + moved.message()) : Status();
  if (ready) ready = write_whole_file(running.dir + "/plan.json", plan_to_json(running.plan));
  if (!ready) {
    if (const Status kept = core_.history->set_run_state(running.plan.id, std::string(to_string(RunState::failed)), core_.clock.now(), ready.error().what); !kept)
      log_error({running.plan.id, {}, {}}, kept.error().what);
    return refuse(ready.error(), RunState::failed);
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

  std::set<std::string> channels;
  for (const TaskPlan& task : running.plan.tasks) {
    channels.insert(task.shown.channel);
    CleanupResult& result = running.results.at(task.shown.name);
    out.entries_removed += result.entries_removed;
    out.bytes_reclaimed_now += result.bytes_reclaimed_now;
    out.bytes_reclaimable_at_purge += result.bytes_reclaimable_at_purge;
    out.tasks.push_back(std::move(result));
  }
  out.state = run_state_of(out.tasks, core_.options.stop.stop_requested());
  Status kept = running.history;
  if (kept) kept = core_.history->set_run_state(running.plan.id, std::string(to_string(out.state)), core_.clock.now(), {});
  if (!kept) {
    out.error = kept.error();
    out.error->detail = "what was done is complete, but the history does not tell it; `freshet rollback " + running.plan.id +
                        "` takes it back";
  }
  {
    const std::lock_guard guard(mutex_);
    ++runs_done_;
    entries_removed_ += out.entries_removed;
    bytes_now_ += out.bytes_reclaimed_now;
    bytes_at_purge_ += out.bytes_reclaimable_at_purge;
  }
  if (!core_.options.stop.stop_requested()) {
    PurgeReport purged;
    purge_what_is_over(running.plan.id, &channels, purged);
    out.purged = std::move(purged.runs);
    for (const RunResult::Purged& run : out.purged) out.bytes_reclaimed_now += run.bytes;
  }
  return out;
}

CleanupResult CleanupManager::execute_cleanup(CleanupHandle handle) {
  CleanupResult out;
  const Result<Target> target = find(handle);
  if (!target) {
    out.error = target.error();
    return out;
  }
  out.task = target->name;
  if (target->past) {
    out.error = Error{ErrorKind::invalid, {}, "a task of a past run cannot be executed: use its registered handle", {}};
    return out;
  }
  const std::expected<PlanId, Error> planned = plan({handle});
  if (!planned) {
    out.error = planned.error();
    return out;
  }
  RunResult run = apply(*planned, false);
  if (run.error && run.tasks.empty()) {
    discard(*planned);
    out.error = run.error;
    out.state = run.state == RunState::refused ? TaskState::refused : TaskState::failed;
    return out;
  }
  std::vector<CleanupResult> others;
  for (CleanupResult& task : run.tasks) {
    if (task.task == target->name) {
      out = std::move(task);
    } else {
      others.push_back(std::move(task));
    }
  }
  out.others = std::move(others);
  if (run.error) out.error = run.error;
  return out;
}

}  // namespace freshet
