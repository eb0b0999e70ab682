#pragma once

#include <expected>
#include <map>
#include <optional>
#include <string>

#include "runtime/manager/errors.h"
#include "runtime/manager/results.h"
#include "runtime/manager/task.h"

namespace freshet {

// The one interface through which every cleanup goes. All methods are thread-safe and may be called at any time; a task
// executes atomically: never twice at once, never half reported.
class ICleanupManager {
 public:
  virtual ~ICleanupManager() = default;

  // Names: 1 to 64 of [A-Za-z0-9._-], unique. Errors: kind `invalid` (empty, bad or duplicate name, no run function,
  // depends on itself), `missing` (unknown channel). O(log n).
  virtual std::expected<CleanupHandle, RegistrationError> register_cleanup_task(
      const std::string& name, CleanupTask task, const std::optional<std::string>& channel_id = std::nullopt) = 0;

  // One run of the task and all that it depends on, each once, in order: plan and apply.
  virtual CleanupResult execute_cleanup(CleanupHandle handle) = 0;

  // Every violation of every boundary that is known without plugin code; nothing of the plugin runs.
  virtual SecurityValidationResult validate_security_boundaries(CleanupHandle handle) = 0;

  // An active proof in a probe of the channel (same code and grant, no plugin).
  virtual CleanupIsolationResult verify_cleanup_isolation(const std::string& channel_id) = 0;

  // Figures of the task's last run; zero, with its state, for one that never ran.
  virtual CleanupMetrics track_cleanup_performance(CleanupHandle handle) = 0;

  // Order, cycle, missing and disabled dependencies. O(tasks + edges) reachable.
  virtual DependencyValidationResult validate_dependencies(CleanupHandle handle) = 0;

  // Looks at the world: every planned unit at its origin and in its slot.
  virtual CompletionStatus verify_cleanup_completion(CleanupHandle handle) = 0;

  // True only if everything came back; the reason is in history otherwise. Safe twice.
  virtual bool rollback_cleanup(CleanupHandle handle) = 0;

  // A consistent snapshot; keys are documented in METRICS.md beside this file.
  virtual std::map<std::string, MetricValue> get_cleanup_metrics() = 0;
};

}  // namespace freshet
