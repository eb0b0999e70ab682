#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "runtime/manager/errors.h"
#include "runtime/manager/task.h"

#pragma GCC visibility push(default)
namespace freshet {

// What the methods of ICleanupManager answer. Times are in nanoseconds, sizes in bytes. `error` is set when the question
// could not be answered, and in CleanupResult also when the task did not succeed.

struct Refusal {
  std::string path;    // shown with escape_bytes
  std::string reason;  // plain words
};

// One of the four checks after a task: "memory reclamation", "thread pool restoration", "channel resources",
// "buffer pool". For a native task on what its context handed out, for a plugin task on its whole worker and broker.
struct ResourceCheck {
  std::string name;
  bool passed = false;
  std::uint64_t before = 0;  // in `unit`
  std::uint64_t after = 0;
  std::string unit;          // "bytes", "threads", "fds", "buffers"; of a native task also "pieces of work", "resources"
  std::string detail;        // what leaked, and where; empty when passed
};

// Something that was done for a task beyond the removal of entries, or was to be: a lock held, a hook run, an IPC object
// removed.
struct ExtraAct {
  std::string permission;  // "lock", "hook", "ipc"
  std::string subject;     // "/var/lib/dpkg/lock (posix)", "before stop-web: /usr/bin/systemctl stop web.service"
  bool done = false;
  std::string outcome;     // "exit code 3", "the lock file .. is held by dpkg (pid 12)", ..
  std::string output;      // of a hook, its own bytes: the first 8 KiB
};

struct BoundaryViolation {
  std::string code;    // "F1001"; `freshet explain` has a page
  std::string what;    // with the offending value
  std::string remedy;
  std::string where;   // "file:line:column", or empty
  std::string excerpt{};  // that line with a caret below it; may be empty
};

struct CleanupResult {
  std::optional<CleanupError> error;
  std::string run_id;
  std::string task;
  TaskState state = TaskState::registered;
  bool trusted_in_process = false;
  bool shared = false;        // the result of a run that another caller had begun
  bool already_done = false;  // a native dependency that completed earlier and was not run again
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
  std::vector<BoundaryViolation> violations;  // all of them, of which `note` has the first
  std::vector<std::string> missing_layers;  // best-effort: what the kernel or the rights did not allow
  std::vector<ResourceCheck> resources;     // empty when it never began
  std::vector<ExtraAct> extra;              // in the order they were done
  std::vector<std::string> order;           // of execute_cleanup: names in the order they ran, this task last
  std::vector<CleanupResult> others;        // of execute_cleanup: the tasks this one depends on, in their order
};

struct SecurityValidationResult {
  std::optional<SecurityError> error;
  bool passed = false;
  bool trusted_in_process = false;
  std::vector<BoundaryViolation> violations;  // all of them
};

struct IsolationCheck {
  std::string name;
  std::string on;        // "probe", "live worker", "live broker"
  std::string expected;
  std::string seen;
  bool passed = false;
};

struct CleanupIsolationResult {
  std::optional<IsolationError> error;
  bool isolated = false;
  std::vector<IsolationCheck> checks;
  std::int64_t start_ns = 0;   // of the probe
  std::int64_t checks_ns = 0;
};

// One limit of the specification, as one run met it.
struct LimitMeasured {
  std::string name;  // "execution", "security validation", ..
  std::int64_t measured_ns = 0;
  std::int64_t limit_ns = 0;
  bool within = true;
};

struct CleanupMetrics {
  std::optional<ExecutionError> error;
  std::string task;
  TaskState state = TaskState::registered;
  std::uint64_t runs = 0;        // in which it began, by this manager
  // Of the last of them. The phases follow one another; between them plans and history are written, so that they add up
  // to less than the whole, which has no waiting in it. Nor has it the first look into the plugins' files, which a
  // manager does once.
  std::int64_t wall_ns = 0;
  std::int64_t validate_ns = 0;  // of boundaries, before the plan and again before acting
  std::int64_t start_ns = 0;     // of worker and broker, until they are locked; of a native task: thread and context
  std::int64_t scan_ns = 0;      // 0 for a native task
  std::int64_t remove_ns = 0;    // of a native task: its run function
  std::int64_t verify_ns = 0;    // of completion; of a native task: its verify function
  std::int64_t queue_ns = 0;     // waiting for dependencies, locks, its channel and a free thread
  std::int64_t release_ns = 0;   // within the above, from the last effect until the broker or the context is gone
  std::int64_t transition_ns = 0;  // the slowest of its states on their way into the history
  // User and system time of all who work at it: worker, broker and the manager's thread; of a native task its thread
  // and those of its pool. The sum of the phases below, and of a native task's compensation where it failed.
  std::int64_t cpu_ns = 0;
  std::int64_t validate_cpu_ns = 0;
  std::int64_t start_cpu_ns = 0;  // of a native task it is in remove_cpu_ns
  std::int64_t scan_cpu_ns = 0;
  std::int64_t remove_cpu_ns = 0;
  std::int64_t verify_cpu_ns = 0;
  std::int64_t rollback_cpu_ns = 0;  // of the brokers that took it back, in the run or later
  // The largest of worker and brokers, as the kernel kept it. Of a native task the most that it had of
  // TaskContext::memory() at once: resident pages are its program's.
  std::uint64_t peak_rss_bytes = 0;
  // Of worker and brokers; of a native task's threads. Likewise the two below.
  std::uint64_t context_switches = 0;
  std::uint64_t read_bytes = 0;     // from storage, getrusage(2) ru_inblock x 512: nothing for what the cache had
  std::uint64_t written_bytes = 0;  // likewise ru_oublock
  // Always empty for now: nothing counts all of a process's calls at a price a run can pay. /proc/PID/io knows reads and
  // writes alone, ptrace stops at each call, and the tracepoint slows every process of the machine while it is on.
  std::optional<std::uint64_t> syscalls;
  std::uint64_t entries = 0;     // removed
  std::uint64_t bytes = 0;       // reclaimed at once or in the quarantine
  // What measuring cost: clocks, usage, looks at worker and broker (which also guard their memory limit), and putting
  // the figures together. Goal: below 0.5 ms.
  std::int64_t overhead_ns = 0;
  std::uint64_t limit_breaches = 0;  // over all runs and calls; each was logged, level info
  // For each limit of the specification that applied to the last run, or to a call for the task since: registration,
  // execution, security and dependency validation, state transition (the longest), tracking overhead; where it has a
  // channel: channel operation (start of worker and broker; of a native task the turn it takes) and isolation check (the
  // channel's latest); where it had something to release, verify or take back: resource release, completion
  // verification, rollback. Limits of execution, completion verification and rollback grow with what there is to do
  // beyond a small task: see metrics::kLimits.
  std::vector<LimitMeasured> limits;
};

struct DependencyValidationResult {
  std::optional<DependencyError> error;
  bool valid = false;
  std::vector<std::string> order;    // this task last
  std::vector<std::string> cycle;    // closed: first == last; empty if there is none
  std::vector<std::string> missing;  // "x (wanted by y)": names nobody registered
  std::vector<std::string> disabled;
  std::vector<std::string> failed;   // dependencies whose last run did not succeed
  std::vector<std::string> crossing; // "x -> y": edges between channels, written by the operator
};

struct CompletionStatus {
  std::optional<CompletionError> error;
  bool complete = false;
  std::uint64_t units_planned = 0;
  std::uint64_t units_checked = 0;
  std::uint64_t units_in_place = 0;     // absent at the origin, present in the slot with the planned identity
  std::uint64_t units_refused = 0;      // with a named reason
  std::uint64_t changed_by_others = 0;
  std::vector<Refusal> wrong;           // the first 100 that are none of these
  std::vector<ResourceCheck> resources; // of the run
};

// Recursive, for get_cleanup_metrics.
struct MetricValue {
  using List = std::vector<MetricValue>;
  using Map = std::map<std::string, MetricValue>;
  std::variant<double, std::string, List, Map> value;
};

}  // namespace freshet
#pragma GCC visibility pop
