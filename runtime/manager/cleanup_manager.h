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

// The one interface through which every cleanup goes. All methods are thread-safe and may be called at any time, by a
// task's own functions too (see TaskContext); a task executes atomically: never twice at once, never half reported. None
// throws. The limits are those of the specification (DESIGN section 6, metrics::kLimits); Freshet's goal is a tenth of
// each, and tests/benchmark/limits.sh prints both beside what this machine needs.
class ICleanupManager {
 public:
  virtual ~ICleanupManager() = default;

  // Names: 1 to 64 of [A-Za-z0-9._-], unique. The task lives as long as the manager. Errors: RegistrationCause: bad or
  // duplicate name, no run function, unknown channel, depends on itself, a plugin task that the configuration does not
  // have. O(log n) of the tasks. Limit 30 ms.
  virtual std::expected<CleanupHandle, RegistrationError> register_cleanup_task(
      const std::string& name, CleanupTask task, const std::optional<std::string>& channel_id = std::nullopt) = 0;

  // One run of the task and all that it depends on, each once, in order: plan and apply. Returns when it is over, as one
  // result for each task. Errors: any class but registration. Linear in the entries below the roots. Limit 2 s for a small
  // task (10,000 entries), then growing with them.
  virtual CleanupResult execute_cleanup(CleanupHandle handle) = 0;

  // Every violation of every boundary that is known without plugin code; nothing of the plugin runs. Errors:
  // SecurityCause: unknown handle, violation, blocked. Linear in roots, excludes and channels; the first question about a
  // plugin reads its file once, in a probe. Limit 20 ms.
  virtual SecurityValidationResult validate_security_boundaries(CleanupHandle handle) = 0;

  // An active proof in a probe of the channel (same code and grant, no plugin), and a look from outside at it and at the
  // channel's live workers and brokers. Errors: IsolationCause: unknown channel, layer missing, probe failed, breach. O(roots
  // + live roles). Limit 15 ms with the start of the probe; the checks alone: below 1.5 ms.
  virtual CleanupIsolationResult verify_cleanup_isolation(const std::string& channel_id) = 0;

  // What the task's last run took and used, and its times beside the limits of the specification; all zero, with its state,
  // for one that never ran. O(log n), below 1 us; takes one short lock and waits for no task. What measuring itself cost is
  // `overhead_ns`: limit 5 ms, goal 0.5 ms a task. Error: ExecutionCause::unknown_handle.
  virtual CleanupMetrics track_cleanup_performance(CleanupHandle handle) = 0;

  // Order, cycle (as a path), missing, disabled and failed dependencies, edges between channels. Errors: DependencyCause.
  // O(tasks + edges) reachable. Limit 10 ms; below 1 ms for 1,000 tasks with 4,000 edges.
  virtual DependencyValidationResult validate_dependencies(CleanupHandle handle) = 0;

  // Looks at the world: every unit planned by the task's last run, or by the run the handle was opened from, at its origin
  // and in its slot. Errors: CompletionCause. Linear in units. Limit 20 ms up to 100 units, then growing with them.
  virtual CompletionStatus verify_cleanup_completion(CleanupHandle handle) = 0;

  // Takes the task's last run back, or that of the handle: dependents first. True only if everything came back; the reason
  // is in history otherwise. Safe twice, beside another run, and after a crash. Linear in what is to come back. Limit 50 ms
  // up to 100 units, then growing with them.
  virtual bool rollback_cleanup(CleanupHandle handle) = 0;

  // All figures since the manager was made, as one consistent snapshot: totals, by channel, by task, histograms. Keys are
  // documented in METRICS.md beside this file. O(tasks), about 1 ms for 1,000; of that it holds a lock that tasks take
  // for some 40 us, so that it stops no work. No errors.
  virtual std::map<std::string, MetricValue> get_cleanup_metrics() = 0;
};

}  // namespace freshet
#pragma GCC visibility pop
