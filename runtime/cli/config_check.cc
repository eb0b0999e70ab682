#include "runtime/cli/config_check.h"

#include <algorithm>
#include <set>
#include <utility>

#include "runtime/config/dependencies.h"
#include "runtime/policy/codes.h"

namespace freshet::cli {

void check_tasks(report::CheckReport& report, Manager& manager, const config::Config& config) {
  for (config::Diagnostic& unknown : config::find_unknown_dependencies(config))
    report.diagnostics.push_back(std::move(unknown));
  std::set<std::set<std::string>> circles;  // each task of a circle finds it again
  for (const IRuns::TaskEntry& task : manager.runs->tasks()) {
    report::CheckedTask checked;
    checked.name = task.name;
    checked.enabled = task.enabled;
    if (task.enabled) {
      checked.dependencies = manager.cleanup->validate_dependencies(task.handle);
      checked.security = manager.cleanup->validate_security_boundaries(task.handle);
      const std::vector<std::string>& cycle = checked.dependencies.cycle;
      if (!cycle.empty() && circles.emplace(cycle.begin(), cycle.end()).second)
        report.diagnostics.push_back(config::describe_cycle(config, cycle));
    }
    report.tasks.push_back(std::move(checked));
  }
}

report::CheckReport explain_failure(Session& session, config::LoadFailure failure) {
  report::CheckReport report;
  report.diagnostics = std::move(failure.diagnostics);
  if (failure.rest.tasks.empty()) return report;
  auto manager = session.open_manager_with(failure.rest);
  if (!manager) return report;
  check_tasks(report, **manager, failure.rest);
  // Of grants nothing was read, so nothing can be said of boundaries.
  for (report::CheckedTask& task : report.tasks) {
    std::erase_if(task.security.violations, [](const BoundaryViolation& violation) {
      return !policy::is_configuration_fault(violation.code);
    });
  }
  std::erase_if(report.tasks, [&failure](const report::CheckedTask& task) {
    return task.security.violations.empty() || failure.doubtful.contains(task.name);
  });
  return report;
}

}  // namespace freshet::cli
