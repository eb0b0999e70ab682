#pragma once

#include <atomic>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "runtime/base/mutex.h"
#include "runtime/manager/act_task.h"
#include "runtime/manager/core.h"
#include "runtime/manager/figures.h"
#include "runtime/manager/graph.h"
#include "runtime/manager/native_runner.h"
#include "runtime/manager/plugin_catalog.h"
#include "runtime/manager/plugin_lock.h"
#include "runtime/manager/quarantine_jobs.h"
#include "runtime/manager/registry.h"
#include "runtime/manager/result_sharing.h"
#include "runtime/manager/scan_task.h"
#include "runtime/manager/task_locks.h"
#include "runtime/manager/validate.h"
#include "runtime/store/root_locks.h"

namespace freshet {

// All interfaces over one state. No lock is held across a call into a task, a role or the disk: `mutex_` guards the
// small tables named below, and each method copies what it needs out of them.
class CleanupManager final : public ICleanupManager,
                             public IRuns,
                             public IHistory,
                             public IQuarantine,
                             public IPluginInspection {
 public:
  CleanupManager(Core core, policy::HostFacts host);
  Status register_configuration();

  // ICleanupManager
  std::expected<CleanupHandle, RegistrationError> register_cleanup_task(const std::string& name, CleanupTask task,
                                                                        const std::optional<std::string>& channel_id) override;
  CleanupResult execute_cleanup(CleanupHandle handle) override;
  SecurityValidationResult validate_security_boundaries(CleanupHandle handle) override;
  CleanupIsolationResult verify_cleanup_isolation(const std::string& channel_id) override;
  CleanupMetrics track_cleanup_performance(CleanupHandle handle) override;
  DependencyValidationResult validate_dependencies(CleanupHandle handle) override;
  CompletionStatus verify_cleanup_completion(CleanupHandle handle) override;
  bool rollback_cleanup(CleanupHandle handle) override;
  std::map<std::string, MetricValue> get_cleanup_metrics() override;

  // IRuns
  std::vector<TaskEntry> tasks() override;
  std::expected<PlanId, Error> plan(const std::vector<CleanupHandle>& handles) override;
  std::expected<PlanSummary, Error> summary(const PlanId& plan) override;
  Status entries(const PlanId& plan, const std::function<bool(const PlannedEntry&)>& each) override;
  Status save(const PlanId& plan, const std::string& file) override;
  std::expected<PlanId, Error> load(const std::string& file) override;
  void discard(const PlanId& plan) override;
  RunResult apply(const PlanId& plan, bool wait) override;
  std::expected<std::vector<CleanupHandle>, Error> open(const std::string& run_id) override;

  // IHistory
  std::expected<std::string, Error> resolve_run(const std::string& text) override;
  std::expected<std::vector<RunSummary>, Error> history(std::size_t limit) override;
  std::expected<RunSummary, Error> find_run(const std::string& run_id) override;

  // IQuarantine
  RollbackReport rollback(const std::string& run_id) override;
  PurgeReport purge(const std::optional<std::string>& run_id) override;
  std::vector<BoundaryViolation> trial() override;

  // IPluginInspection
  std::vector<PluginFacts> plugins() override;
  PluginFacts inspect(const std::string& file) override;
  std::expected<std::vector<BlockedPlugin>, Error> blocked() override;
  std::expected<std::vector<BlockedPlugin>, Error> unblock(const std::string& word) override;
  std::expected<PluginApproval, Error> compare(const std::string& file) override;
  std::expected<std::vector<std::string>, Error> differences(const std::string& before, const std::string& now) override;
  Status approve(const std::string& file, const std::string& sha256) override;
  Status revoke(const std::string& id) override;
  std::expected<std::vector<std::string>, Error> approved() override;

 private:
  // What is remembered of a task between runs.
  struct Record {
    std::string last_run;
    std::uint32_t last_number = 0;
    std::shared_ptr<NativeRun> hanging;      // a function that did not return by its deadline
    std::optional<CleanupResult> completed;  // of a native task: its last success, until it is rolled back
  };
  // Where a handle leads.
  struct Target {
    std::string name;
    std::string run_id;        // of an opened run, or the task's last one; may be empty
    std::uint32_t number = 0;  // in that run
    bool past = false;         // from `open`: the task may not be registered any more
  };

  // manager_register.cc
  [[nodiscard]] std::optional<RegistrationError> registration_problem(const std::string& name, const CleanupTask& task,
                                                                      const std::optional<std::string>& channel_id) const;
  Result<Target> find(CleanupHandle handle);
  // Kind `missing` too where the handle of a past run names a task that is not registered here.
  Result<std::shared_ptr<const Registered>> find_registered(CleanupHandle handle);
  std::shared_ptr<const TaskMap> registered();
  [[nodiscard]] DependencyGraph::Edges written_edges(const CleanupTask& task, const config::TaskConfig* config) const;
  void add_manifest_edges();
  DependencyGraph::Order order_of(const std::vector<std::string>& names, DependencyGraph::Tell tell = DependencyGraph::Tell::order);
  DependencyGraph::Edges edges_of(const std::string& name);
  std::expected<std::vector<std::shared_ptr<const Registered>>, DependencyError> resolve(const std::vector<CleanupHandle>& handles,
                                                                                           std::int64_t& took_ns);
  // Once a manager, so that no task's times have a part of it.
  void read_plugins();
  std::uint32_t channel_index(const std::string& channel) const;
  Result<Plan> read_plan(const std::string& dir) const;

  // manager_plan.cc
  struct Prepared;
  void prepare(Prepared& prepared, Plan& plan, const Registered& task);
  void open_task_roots(Prepared& prepared, TaskPlan& task);
  void scan_all(Plan& plan, std::vector<Prepared>& prepared);
  void settle_all(Plan& plan);
  // Makes the plan's directory, which reserves its id.
  Result<std::string> reserve_run_id();
  // `asked`: names of tasks that are not there as dependencies; none: all of them.
  void make_plan(Plan& plan, const std::vector<std::shared_ptr<const Registered>>& selected, const std::set<std::string>& asked);

  // manager_admit.cc
  void admit_again(Plan& plan, bool own);

  // manager_apply.cc
  struct Running;
  Result<std::unique_ptr<store::RootLock>> take_lock(const std::string& run_id, const std::vector<std::string>& roots, bool wait);
  Result<std::unique_ptr<store::RootLock>> lock_roots(const std::string& run_id, const std::vector<std::string>& roots, bool wait);
  RunResult carry_out(Plan plan, bool own);
  Status begin_run(Running& running);
  RunResult conclude(Running& running, RunResult out);

  // manager_task.cc
  void run_task(Running& running, TaskPlan& task);
  bool is_kept_from_beginning(Running& running, const TaskPlan& task, CleanupResult& result);
  std::optional<CleanupResult> share_or_refuse(Running& running, const TaskPlan& task, Flight& flight, CleanupResult& result);
  bool run_claimed(Running& running, TaskPlan& task, CleanupResult& result);
  void run_in_channel(Running& running, TaskPlan& task, CleanupResult& result);
  // manager_hooks.cc
  // One after another until one fails; false then, with the reason as the result's error.
  bool run_hooks(const TaskPlan& task, std::string_view moment, const std::vector<config::HookConfig>& hooks, bool until_stop,
                 CleanupResult& result);
  // Its effects between its hooks.
  void run_with_hooks(Running& running, TaskPlan& task, CleanupResult& result);
  // `whole`: after a breach, whatever `on-failure` says.
  void take_back(Running& running, TaskPlan& task, CleanupResult& result, bool whole);
  // Takes the task into a state and remembers the transition; `record` writes both into the history.
  void advance(Running& running, const TaskPlan& task, CleanupResult& result, TaskState state);
  // False when the history could not take it: such a run stays unfinished there, so that it can be taken back.
  Status record(Running& running, TaskPlan& task, const CleanupResult& result);
  [[nodiscard]] QuarantineRef quarantine_of(const Running& running, const TaskPlan& task) const;
  void note_state(const std::string& name, TaskState state);

  // manager_native.cc
  void run_native(Running& running, TaskPlan& task, CleanupResult& result);
  // The task's turn in its channel, if it has one. False when it was interrupted before it came.
  bool enter_channel(TaskPlan& task);
  void leave_channel(TaskPlan& task);
  bool is_hanging(const std::string& name);
  // Why a native task cannot be taken back at all; empty when its `compensate` can try.
  std::string why_not_compensated(const store::TaskRow& row);
  // Runs `compensate` when nobody runs the task. What is left; empty when all came back.
  std::string compensate_in_turn(const store::TaskRow& row);
  // Of a native dependency that has completed here, was not rolled back and need not run again: that result.
  std::optional<CleanupResult> completed_before(const Running& running, const TaskPlan& task);

  // manager_breach.cc
  void block_plugin(const std::string& run_id, const TaskPlan& task, const std::string& what);
  void close_channel(Running& running, const TaskPlan& task, const CleanupResult& result);

  // manager_approval.cc
  void add_approval(PluginFacts& facts, const Plugin& plugin);

  // manager_execute.cc
  CleanupResult execute_alone(const Registered& task, CleanupHandle handle);

  // manager_metrics.cc
  // Of a task that never ran: how far its last plan brought it.
  void remember_plan(const TaskPlan& task);
  // What is kept of a task that acted, before anybody else may have its turn.
  void remember_run(const Running& running, const TaskPlan& task, const CleanupResult& result);
  // Its figures and its state. `began`: it acted in this run, else it was refused or skipped.
  void remember(const TaskPlan& task, const CleanupResult& result, bool began);

  // manager_rollback.cc
  class WayBack;
  QuarantineRef reference(const store::TaskRow& row, const std::vector<PlanRoot>& roots) const;
  [[nodiscard]] Told tell_of_restore(const std::string& task) const;
  std::string put_back(const store::TaskRow& row, RollbackReport& report);
  bool rollback_task(store::TaskRow row, RollbackReport& report);
  Result<std::unique_ptr<store::RootLock>> lock_past_run(const store::RunRow& run, bool wait);
  bool rollback_tasks(const std::string& run_id, std::optional<std::uint32_t> only, bool wait, RollbackReport& report);
  bool rollback_alone(const std::string& run_id, std::optional<std::uint32_t> only, bool wait, RollbackReport& report);
  std::vector<std::string> completed_dependents(const std::string& name);

  // manager_purge.cc
  bool purge_run(const store::RunRow& run, const std::string& why, PurgeReport& report);
  void purge_unless_busy(const store::RunRow& run, const std::string& by_run, const std::string& why, PurgeReport& report);
  void purge_what_is_over(const std::string& except_run, const std::set<std::string>* channels, PurgeReport& report);

  // manager_past.cc
  RunSummary summarize(const store::RunRow& run) const;

  Core core_;
  PluginCatalog catalog_;
  PluginLock lock_;
  policy::HostFacts host_;
  std::uint64_t id_;
  std::set<std::string> disabled_;  // by the configuration; constant
  std::map<std::string, std::vector<std::string>> guards_;  // enabled ones, by channel; constant
  std::once_flag manifest_edges_added_;

  ResultSharing callers_;    // execute_cleanup, by task
  ResultSharing executing_;  // tasks while they act, by name
  ResultSharing rollbacks_;  // by run
  ChannelTurns turns_;       // native tasks of a channel
  TaskLocks locks_;          // of other programs
  Figures figures_;

  Mutex mutex_;
  TaskMap tasks_ FRESHET_GUARDED_BY(mutex_);
  std::shared_ptr<const TaskMap> snapshot_ FRESHET_GUARDED_BY(mutex_);  // of tasks_, made when asked for
  DependencyGraph graph_ FRESHET_GUARDED_BY(mutex_);                    // of tasks_; with the manifests' edges once they were added
  std::vector<std::string> names_ FRESHET_GUARDED_BY(mutex_);           // by task id - 1
  std::map<std::string, Record> records_ FRESHET_GUARDED_BY(mutex_);
  std::vector<store::RunRow> opened_ FRESHET_GUARDED_BY(mutex_);        // by handle.run - 1
  // Ids of plans that this manager counted itself and nobody could change since.
  std::set<std::string> own_plans_ FRESHET_GUARDED_BY(mutex_);
};

// Ends that close a channel and block its plugin.
bool is_breach(EndReason end);

std::string new_run_id(std::int64_t now_ns);

}  // namespace freshet
