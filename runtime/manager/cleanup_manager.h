#pragma once

#include <expected>
#include <map>
#include <optional>
#include <string>

#include "runtime/manager/errors.h"
#include "runtime/manager/results.h"
#include "runtime/manager/task.h"

#pragma GCC visibility push(default)
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

  // What the task's last run took and used, and its times beside the limits of the specification (DESIGN section 6); all
  // zero, with its state, for one that never ran. O(log n), below 1 us; takes one short lock and waits for no task. What
  // measuring itself cost is `overhead_ns`: limit 5 ms, goal 0.5 ms a task. Error: `unknown_handle`.
  virtual CleanupMetrics track_cleanup_performance(CleanupHandle handle) = 0;

  // Order, cycle, missing and disabled dependencies. O(tasks + edges) reachable.
  virtual DependencyValidationResult validate_dependencies(CleanupHandle handle) = 0;

  // Looks at the world: every planned unit at its origin and in its slot.
  virtual CompletionStatus verify_cleanup_completion(CleanupHandle handle) = 0;

  // True only if everything came back; the reason is in history otherwise. Safe twice.
  virtual bool rollback_cleanup(CleanupHandle handle) = 0;

  // All figures since the manager was made, as one consistent snapshot: totals, by channel, by task, histograms. Keys are
  // documented in METRICS.md beside this file. O(tasks), about 1 ms for 1,000; of that it holds a lock that tasks take
  // for some 40 us, so that it stops no work. No errors.
  virtual std::map<std::string, MetricValue> get_cleanup_metrics() = 0;
};

}  // namespace freshet
#pragma GCC visibility pop
