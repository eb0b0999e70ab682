#pragma once

#include <atomic>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "runtime/manager/act_task.h"
#include "runtime/manager/core.h"
#include "runtime/manager/graph.h"
#include "runtime/manager/plugin_catalog.h"
#include "runtime/manager/quarantine_jobs.h"
#include "runtime/manager/registry.h"
#include "runtime/manager/scan_task.h"
#include "runtime/manager/validate.h"

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
  std::expected<CleanupHandle, Error> register_cleanup_task(const std::string& name, CleanupTask task,
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

 private:
  // What is remembered of a task between runs.
  struct Record {
    TaskState state = TaskState::registered;
    std::string last_run;
    std::uint32_t last_number = 0;
    CleanupMetrics metrics;
  };
  // Where a handle leads.
  struct Target {
    std::string name;
    std::string run_id;        // of an opened run, or the task's last one; may be empty
    std::uint32_t number = 0;  // in that run
    bool past = false;         // from `open`: the task may not be registered any more
  };

  Result<Target> find(CleanupHandle handle);
  std::map<std::string, Registered> registered();
  DependencyGraph::Edges written_edges(const CleanupTask& task) const;
  void add_manifest_edges();
  DependencyGraph::Order order_of(const std::vector<std::string>& names);
  DependencyGraph::Edges edges_of(const std::string& name);
  Result<std::vector<Registered>> resolve(const std::vector<CleanupHandle>& handles);
  std::uint32_t channel_index(const std::string& channel) const;
  Result<Plan> read_plan(const std::string& dir) const;

  // manager_plan.cc
  struct Prepared;
  void prepare(Prepared& prepared, Plan& plan, const Registered& task);
  void open_task_roots(Prepared& prepared, TaskPlan& task);
  void scan_all(Plan& plan, std::vector<Prepared>& prepared);
  void settle_all(Plan& plan);

  // manager_apply.cc
  struct Running;
  void admit_again(Plan& plan, bool own);
  void run_task(Running& running, TaskPlan& task);
  void run_native(Running& running, TaskPlan& task, CleanupResult& result);
  void run_in_channel(Running& running, TaskPlan& task, CleanupResult& result);
  void take_back(Running& running, const TaskPlan& task, CleanupResult& result);
  void record(const Running& running, const TaskPlan& task, const CleanupResult& result);
  void note_state(const std::string& name, TaskState state);

  // manager_past.cc
  QuarantineRef reference(const store::TaskRow& row, const std::vector<PlanRoot>& roots) const;
  bool rollback_task(const store::RunRow& run, store::TaskRow row, RollbackReport& report);
  bool rollback_tasks(const std::string& run_id, std::optional<std::uint32_t> only, RollbackReport& report);
  bool purge_run(const store::RunRow& run, const std::string& why, PurgeReport& report);
  void purge_what_is_over(const std::string& except_run, const std::set<std::string>* channels, PurgeReport& report);
  RunSummary summarize(const store::RunRow& run) const;

  Core core_;
  PluginCatalog catalog_;
  policy::HostFacts host_;
  std::uint64_t id_;
  std::set<std::string> disabled_;  // by the configuration; constant
  std::once_flag manifest_edges_added_;

  std::mutex mutex_;
  // Guarded by mutex_:
  std::map<std::string, Registered> tasks_;
  DependencyGraph graph_;                    // of tasks_; with the manifests' edges once they were added
  std::vector<std::string> names_;           // by task id - 1
  std::map<std::string, Record> records_;
  std::vector<store::RunRow> opened_;        // by handle.run - 1
  std::set<std::string> running_;            // names of tasks in a run of this manager
  std::set<std::string> own_plans_;          // ids of plans this manager counted itself and nobody could change since
  std::uint64_t runs_done_ = 0, entries_removed_ = 0, bytes_now_ = 0, bytes_at_purge_ = 0;
};

std::string new_run_id(std::int64_t now_ns);

}  // namespace freshet
