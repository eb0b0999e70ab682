#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "runtime/base/error.h"

#pragma GCC visibility push(default)
namespace freshet {

// A plain value that names a registered task (or, from IRuns::open, a task of a past run). Cheap to copy; dropping
// every copy unregisters nothing. A handle of another manager, or a made-up one, is an error, never a crash.
struct CleanupHandle {
  std::uint64_t manager = 0;
  std::uint64_t task = 0;
  std::uint64_t run = 0;  // 0: the task's last run

  bool operator==(const CleanupHandle&) const = default;
};

// States of a (task, run).
enum class TaskState : std::uint8_t {
  registered = 0,
  validated,
  planned,
  admitted,
  executing,
  executed,
  verified,
  committed,
  refused,
  skipped,
  failed,
  rolling_back,
  rolled_back,
};
std::string_view to_string(TaskState state);

// How a worker or broker ended, when it was not as asked.
enum class EndReason : std::uint8_t { none = 0, setup, breach, signal, timeout, limit, protocol, plugin };
std::string_view to_string(EndReason reason);

// ---- tasks ----

// What a native task's functions get. Valid during the call.
class TaskContext {
 public:
  virtual ~TaskContext() = default;
  [[nodiscard]] virtual std::stop_token stop() const = 0;
  // Adds to what the result reports.
  virtual void count(std::uint64_t entries, std::uint64_t bytes) = 0;
};

// A task that runs in this process: trusted host code. Results say `trusted in process`, never `isolated`.
struct NativeTask {
  std::function<Status(TaskContext&)> run;         // required
  std::function<Status(TaskContext&)> verify;      // optional: looks again
  std::function<Status(TaskContext&)> compensate;  // optional: takes it back; without it the task is irreversible
};

// A task that a plugin of the configuration carries out in its channel. Only the configuration makes these.
struct PluginTask {
  std::string plugin_id;
  std::string kind;  // empty: the plugin's only kind
};

struct CleanupTask {
  std::variant<NativeTask, PluginTask> body;
  std::vector<std::string> after;      // by name; a failed one lets this run; may be registered later
  std::vector<std::string> requires_;  // by name; a failed one does not
};

// ---- results; each carries an error only when the question itself could not be answered ----

struct Refusal {
  std::string path;    // shown with escape_bytes
  std::string reason;  // plain words
};

struct CleanupResult {
  std::optional<Error> error;
  std::string run_id;
  std::string task;
  TaskState state = TaskState::registered;
  bool trusted_in_process = false;
  std::uint64_t entries_found = 0;     // accepted findings
  std::uint64_t entries_removed = 0;   // moved or unlinked
  std::uint64_t entries_refused = 0;   // planned, not removed
  std::uint64_t entries_kept = 0;      // proposed, but in use, locked, below a floor, taken by another task, ..
  std::uint64_t changed_by_others = 0; // planned, but gone or changed: no failure
  std::uint64_t bytes_reclaimed_now = 0;        // bytes on disk
  std::uint64_t bytes_reclaimable_at_purge = 0; // bytes on disk, waiting in the quarantine
  std::map<std::string, std::uint64_t> refusal_counts;  // reason -> entries
  std::vector<Refusal> refusals;       // the first 100
  EndReason end = EndReason::none;
  std::string note;                    // why it was skipped, refused or failed
  std::vector<std::string> missing_layers;  // best-effort: what the kernel or the rights did not allow
  std::vector<CleanupResult> others;   // of execute_cleanup: the tasks this one depends on, in their order
};

struct BoundaryViolation {
  std::string code;    // "F1001"; `freshet explain` has a page
  std::string what;
  std::string remedy;
  std::string where;   // "file:line:column", or empty
};

struct SecurityValidationResult {
  std::optional<Error> error;
  bool passed = false;
  bool trusted_in_process = false;
  std::vector<BoundaryViolation> violations;
};

struct IsolationCheck {
  std::string name;
  std::string expected;
  std::string seen;
  bool passed = false;
};

struct CleanupIsolationResult {
  std::optional<Error> error;
  bool isolated = false;
  std::vector<IsolationCheck> checks;
  std::int64_t start_ns = 0;   // of the probe
  std::int64_t checks_ns = 0;
};

struct CleanupMetrics {
  std::optional<Error> error;
  std::string task;
  TaskState state = TaskState::registered;
  std::uint64_t runs = 0;
  std::int64_t wall_ns = 0;      // the last run, by phase below
  std::int64_t validate_ns = 0;
  std::int64_t start_ns = 0;
  std::int64_t scan_ns = 0;
  std::int64_t remove_ns = 0;
  std::int64_t verify_ns = 0;
  std::int64_t cpu_ns = 0;       // worker and broker
  std::uint64_t peak_rss_bytes = 0;
  std::uint64_t entries = 0;
  std::uint64_t bytes = 0;
};

struct DependencyValidationResult {
  std::optional<Error> error;
  bool valid = false;
  std::vector<std::string> order;    // this task last
  std::vector<std::string> cycle;    // closed: first == last; empty if there is none
  std::vector<std::string> missing;  // names nobody registered
  std::vector<std::string> disabled;
};

struct CompletionStatus {
  std::optional<Error> error;
  bool complete = false;
  std::uint64_t units_checked = 0;
  std::uint64_t units_in_place = 0;     // absent at the origin, present in the slot with the planned identity
  std::uint64_t units_refused = 0;      // with a named reason
  std::uint64_t changed_by_others = 0;
  std::vector<Refusal> wrong;           // the first 100 that are none of these
};

// Recursive, for get_cleanup_metrics.
struct MetricValue {
  using List = std::vector<MetricValue>;
  using Map = std::map<std::string, MetricValue>;
  std::variant<double, std::string, List, Map> value;
};

// The one interface through which every cleanup goes. All methods are thread-safe and may be called at any time; a task
// executes atomically: never twice at once, never half reported.
class ICleanupManager {
 public:
  virtual ~ICleanupManager() = default;

  // Names: 1 to 64 of [A-Za-z0-9._-], unique. Errors: kind `invalid` (empty, bad or duplicate name, no run function,
  // depends on itself), `missing` (unknown channel). O(log n).
  virtual std::expected<CleanupHandle, Error> register_cleanup_task(
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
#pragma GCC visibility pop
