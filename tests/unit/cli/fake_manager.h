#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "runtime/manager/cleanup_manager.h"
#include "runtime/manager/history.h"
#include "runtime/manager/plugin_inspection.h"
#include "runtime/manager/quarantine.h"
#include "runtime/manager/runs.h"

namespace freshet::cli {

// A manager whose answers are scripted and whose calls are written down. No file is touched.
class FakeManager final : public ICleanupManager,
                          public IRuns,
                          public IHistory,
                          public IQuarantine,
                          public IPluginInspection {
 public:
  struct Script {
    std::vector<TaskEntry> tasks;
    PlanSummary plan;
    std::optional<Error> plan_error;
    std::vector<PlannedEntry> entries;
    RunResult result;
    std::vector<RunSummary> past;
    RollbackReport rollback;
    PurgeReport purge;
    std::vector<PluginFacts> plugins;
    std::vector<BlockedPlugin> blocked;
    std::vector<BoundaryViolation> trial;
    std::map<std::uint64_t, SecurityValidationResult> security;  // by task handle
    std::map<std::uint64_t, DependencyValidationResult> dependencies;
    CompletionStatus completion;
    std::vector<std::string> calls;  // what was asked, in order
    std::function<void()> on_apply;
  };
  explicit FakeManager(Script& script) : script_(script) {}

  std::expected<CleanupHandle, RegistrationError> register_cleanup_task(const std::string&, CleanupTask,
                                                                        const std::optional<std::string>&) override {
    return CleanupHandle{};
  }
  CleanupResult execute_cleanup(CleanupHandle) override { return {}; }
  SecurityValidationResult validate_security_boundaries(CleanupHandle handle) override {
    return script_.security[handle.task];
  }
  CleanupIsolationResult verify_cleanup_isolation(const std::string&) override { return {}; }
  CleanupMetrics track_cleanup_performance(CleanupHandle) override { return {}; }
  DependencyValidationResult validate_dependencies(CleanupHandle handle) override {
    return script_.dependencies[handle.task];
  }
  CompletionStatus verify_cleanup_completion(CleanupHandle handle) override {
    script_.calls.push_back("verify " + std::to_string(handle.task));
    return script_.completion;
  }
  bool rollback_cleanup(CleanupHandle) override { return false; }
  std::map<std::string, MetricValue> get_cleanup_metrics() override { return {}; }

  std::vector<TaskEntry> tasks() override { return script_.tasks; }
  std::expected<PlanId, Error> plan(const std::vector<CleanupHandle>& handles) override {
    script_.calls.push_back("plan " + std::to_string(handles.size()));
    if (script_.plan_error) return std::unexpected(*script_.plan_error);
    return PlanId{"p1"};
  }
  std::expected<PlanSummary, Error> summary(const PlanId&) override { return script_.plan; }
  Status entries(const PlanId&, const std::function<bool(const PlannedEntry&)>& each) override {
    for (const PlannedEntry& entry : script_.entries) {
      if (!each(entry)) break;
    }
    return {};
  }
  Status save(const PlanId&, const std::string& file) override {
    script_.calls.push_back("save " + file);
    return {};
  }
  std::expected<PlanId, Error> load(const std::string& file) override {
    script_.calls.push_back("load " + file);
    if (script_.plan_error) return std::unexpected(*script_.plan_error);
    return PlanId{"p2"};
  }
  void discard(const PlanId& plan) override { script_.calls.push_back("discard " + plan.id); }
  RunResult apply(const PlanId& plan, bool wait) override {
    script_.calls.push_back((wait ? "apply, waiting " : "apply ") + plan.id);
    if (script_.on_apply) script_.on_apply();
    return script_.result;
  }
  std::expected<std::vector<CleanupHandle>, Error> open(const std::string&) override {
    std::vector<CleanupHandle> handles(script_.past.empty() ? 0 : script_.past[0].tasks.size());
    for (std::size_t i = 0; i < handles.size(); ++i) handles[i].task = i + 1;
    return handles;
  }
  std::expected<std::string, Error> resolve_run(const std::string& text) override {
    if (text == "unknown") return fail(ErrorKind::missing, "no run is called unknown");
    return text == "latest" ? "r-newest" : text;
  }
  std::expected<std::vector<RunSummary>, Error> history(std::size_t) override { return script_.past; }
  std::expected<RunSummary, Error> find_run(const std::string&) override {
    if (script_.past.empty()) return fail(ErrorKind::missing, "no run");
    return script_.past[0];
  }
  RollbackReport rollback(const std::string& run_id) override {
    script_.calls.push_back("rollback " + run_id);
    return script_.rollback;
  }
  PurgeReport purge(const std::optional<std::string>& run_id) override {
    script_.calls.push_back("purge " + run_id.value_or("expired"));
    return script_.purge;
  }
  std::vector<PluginFacts> plugins() override { return script_.plugins; }
  std::expected<std::vector<BlockedPlugin>, Error> blocked() override { return script_.blocked; }
  std::expected<std::vector<BlockedPlugin>, Error> unblock(const std::string& word) override {
    for (const BlockedPlugin& plugin : script_.blocked)
      if (plugin.sha256 == word) return std::vector{plugin};
    return std::unexpected(Error{ErrorKind::missing, {}, "no blocked plugin has that hash", {}});
  }
  PluginFacts inspect(const std::string& file) override {
    PluginFacts facts = script_.plugins.empty() ? PluginFacts{} : script_.plugins[0];
    facts.file = file;
    return facts;
  }
  std::expected<PluginApproval, Error> compare(const std::string& file) override {
    PluginApproval approval;
    approval.plugin = inspect(file);
    approval.lockfile = "/etc/freshet/freshet.lock";
    approval.approved = !approval.plugin.approval.empty();
    return approval;
  }
  std::expected<std::vector<std::string>, Error> differences(const std::string&, const std::string&) override { return std::vector<std::string>(); }
  Status approve(const std::string& file, const std::string& sha256) override {
    script_.calls.push_back("approve " + file + " " + sha256);
    return {};
  }
  Status revoke(const std::string& id) override {
    script_.calls.push_back("revoke " + id);
    return {};
  }
  std::expected<std::vector<std::string>, Error> approved() override { return std::vector<std::string>(); }
  std::vector<BoundaryViolation> trial() override {
    script_.calls.emplace_back("trial");
    return script_.trial;
  }

 private:
  Script& script_;
};

}  // namespace freshet::cli
