#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/error.h"
#include "runtime/manager/cleanup_manager.h"

#pragma GCC visibility push(default)
namespace freshet {

struct PlanId {
  std::string id;
  bool operator==(const PlanId&) const = default;
};

// One finding of a plan, as people and machines see it. Views live until the callback returns.
struct PlannedEntry {
  std::string_view task;
  std::string_view root;
  std::string_view path;    // absolute, bytes
  std::string_view type;    // "file", "directory", ..
  std::uint64_t size = 0;   // apparent bytes
  std::uint64_t allocated = 0;
  std::int64_t mtime_ns = 0;
  std::string_view reason;
  std::string_view kind;    // "aged", ..
  std::string_view cost;    // "unique", ..
};

struct PlannedDirectory {
  std::string path;
  std::uint64_t entries = 0;
  std::uint64_t bytes = 0;
};

struct PlannedRoot {
  std::string path;
  std::uint64_t scanned = 0;  // entries listed
  std::uint64_t entries = 0;  // planned
  std::uint64_t bytes = 0;    // on disk; a hard link counts once, and only when all its links go
  std::int64_t oldest_mtime_ns = 0;  // 0: none
  std::vector<PlannedDirectory> largest;  // directories directly below the root, at most 8, largest first
};

// What is planned of one cost class.
struct PlannedCost {
  std::uint64_t entries = 0;
  std::uint64_t bytes = 0;        // on disk
  std::uint64_t fetch_bytes = 0;  // to download to have it back
};

struct PlannedTask {
  std::string name;
  std::string channel;
  std::string plugin;       // "id version", empty for a native task
  TaskState state = TaskState::planned;  // planned, admitted, refused, skipped or failed
  EndReason end = EndReason::none;
  std::string note;
  std::vector<BoundaryViolation> violations;
  std::vector<std::string> missing_layers;
  std::vector<std::string> permissions;  // effective, in words: "remove below /x"
  std::vector<std::string> not_granted;  // permissions that the plugin would like and does without
  std::string quarantine;                // "keep 7d" or "none (cannot be taken back)"
  std::uint64_t entries = 0;
  std::uint64_t units = 0;
  std::uint64_t bytes = 0;
  std::map<std::string, PlannedCost> costs;  // by cost class, as in PlannedEntry
  std::vector<PlannedRoot> roots;
  std::vector<Refusal> ipc;              // objects that go for good, in words, and why
  std::map<std::string, std::uint64_t> kept;    // reason -> entries that were proposed and stay
  std::vector<Refusal> kept_examples;           // the first 20
  std::vector<Refusal> unread;                  // what could not be read, the first 20
  std::uint64_t unread_count = 0;
  std::uint64_t repeated = 0;                   // findings that the plugin repeated: its error
};

struct PlanSummary {
  std::string id;
  std::int64_t made_ns = 0;
  std::vector<PlannedTask> tasks;  // in the order they would run
  std::uint64_t entries = 0;       // IPC objects too
  std::uint64_t bytes = 0;
  bool admitted = true;            // false: at least one task was refused, skipped or failed
};

enum class RunState : std::uint8_t { planning = 0, executing, done, partly, failed, refused, interrupted, rolling_back, rolled_back, purging, purged };
std::string_view to_string(RunState state);

struct RunResult {
  std::optional<Error> error;
  std::string run_id;
  RunState state = RunState::done;
  std::vector<CleanupResult> tasks;
  std::vector<std::string> order;  // names, as they began
  std::uint64_t entries_removed = 0;
  std::uint64_t bytes_reclaimed_now = 0;
  std::uint64_t bytes_reclaimable_at_purge = 0;
  struct Purged {
    std::string run_id;
    std::uint64_t entries = 0;
    std::uint64_t bytes = 0;
    std::string why;  // "kept for 7d", "over max 10GiB"
  };
  std::vector<Purged> purged;  // earlier runs
};

// Progress of a plan or a run, from any thread of the manager; must return quickly.
struct Progress {
  std::string task;
  std::string phase;  // "scan", "remove", "restore", "purge"
  std::uint64_t scanned = 0;
  std::uint64_t found = 0;
  std::uint64_t done = 0;
  std::uint64_t total = 0;  // 0: unknown
  std::uint64_t bytes = 0;
};

// Beside ICleanupManager: what works on several tasks at once. Thread-safe like it.
class IRuns {
 public:
  virtual ~IRuns() = default;

  struct TaskEntry {
    std::string name;
    CleanupHandle handle;
    bool enabled = true;
    bool native = false;
  };
  virtual std::vector<TaskEntry> tasks() = 0;

  // Resolve, validate, plan, admit. Empty `handles`: every enabled task. The plan is kept in the state directory.
  virtual std::expected<PlanId, Error> plan(const std::vector<CleanupHandle>& handles) = 0;
  virtual std::expected<PlanSummary, Error> summary(const PlanId& plan) = 0;
  // Calls `each` for every entry of the plan, task by task. Returns early when `each` returns false.
  virtual Status entries(const PlanId& plan, const std::function<bool(const PlannedEntry&)>& each) = 0;
  // Writes the plan to one file, or takes one in again (identities and file systems are checked at apply).
  virtual Status save(const PlanId& plan, const std::string& file) = 0;
  virtual std::expected<PlanId, Error> load(const std::string& file) = 0;
  // Forgets a plan that will not be applied.
  virtual void discard(const PlanId& plan) = 0;

  // Validate and admit again, then act and purge what is over. `wait`: wait for a run that holds the same roots,
  // else error kind `busy` naming it.
  virtual RunResult apply(const PlanId& plan, bool wait = false) = 0;

  // Handles of the tasks of a past run, in the order they ran; from history, without the configuration.
  virtual std::expected<std::vector<CleanupHandle>, Error> open(const std::string& run_id) = 0;
};

}  // namespace freshet
#pragma GCC visibility pop
