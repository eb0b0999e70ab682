#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "runtime/base/tree_digest.h"
#include "runtime/manager/measured_times.h"
#include "runtime/manager/runs.h"
#include "runtime/policy/permission.h"
#include "runtime/wire/messages.h"

namespace freshet {

// Mtime and atime, nanoseconds since the epoch.
struct DirectoryTimes {
  std::int64_t mtime_ns = 0;
  std::int64_t atime_ns = 0;
  bool operator==(const DirectoryTimes&) const = default;
};

// The directory at the top of a root's mount, where its quarantine area stands.
struct PlanTop {
  std::string path;
  std::uint64_t inode = 0;
  std::int64_t birth_ns = 0;
  bool operator==(const PlanTop&) const = default;
};

// A root as the plan saw it. The file system is named by its f_fsid (statfs(2)), read by the manager.
struct PlanRoot {
  config::RootConfig config;
  std::string area;            // name of the quarantine area
  std::optional<PlanTop> top;  // that it stands in; none: it stands in the root
  std::uint64_t fsid = 0;
  std::uint64_t inode = 0;
  std::int64_t birth_ns = 0;
  bool stable_birth = true;
  // Of the directory that the area stands in, before the first effect of the task.
  std::optional<DirectoryTimes> times_before;
};

// When a task came into a state.
struct StateChange {
  TaskState state = TaskState::registered;
  std::int64_t at_ns = 0;
};

// An object of the host's IPC that is to go, as it was listed.
struct PlannedIpc {
  wire::IpcObject object;
  std::string reason;
};

// One task of a plan: what people see, and what acting needs. Its directories and entries are in files of their own:
// `<plan>/<number>.dirs` and `<plan>/<number>.entries`.
struct TaskPlan {
  PlannedTask shown;
  std::uint32_t number = 0;     // in the order of the run; names files, and the folder in the quarantine
  bool native = false;
  bool guard = false;           // it removes nothing; judged the others of its channel
  bool dependency = false;      // of execute_cleanup: not asked for itself
  std::string plugin_file;
  std::string plugin_sha256;
  std::string kind;
  policy::EffectivePermission permission;
  std::int64_t keep_ns = 0;
  std::uint64_t max_quarantine_bytes = 0;  // 0: no limit
  config::OnFailure on_failure = config::OnFailure::rollback;
  std::vector<std::string> after;
  std::vector<std::string> requires_;
  std::vector<PlanRoot> roots;
  std::vector<PlannedIpc> ipc;
  TreeDigest::Key key{};
  std::vector<std::uint64_t> vetoed;       // ordinals of entries that a guard keeps; not in files, where `dropped` has them
  std::vector<std::uint64_t> dropped;      // ordinals of entries that stay after all (vetoed, trimmed, kept newest)
  std::uint32_t wholes = 0;                // findings that go together, by how many times. Not in files
  std::uint64_t orphans = 0;               // findings of the kind `orphan`. Not in files
  bool saw_everything = true;              // the scan was complete, says the plugin, nothing unreadable, nothing excluded. Not in files
  bool strict = true;
  CleanupMetrics metrics;                  // of the phases so far
  MeasuredTimes measured;                  // likewise; of a plan's file only its dependencies' validation is kept
  std::int64_t acting_since_ns = 0;        // monotonic; later by what it waited for since. Not in files
  std::vector<ResourceCheck> resources;    // of its worker; empty when it never began
  std::vector<StateChange> changes;        // how it came to shown.state, oldest first
};

// Takes the task into a state and notes when. A transition that the state machine does not know is reported as a bug
// and fails the task.
void enter(TaskPlan& task, TaskState state);

struct Plan {
  std::string id;               // the run's id too, once it is applied
  std::int64_t made_ns = 0;
  std::vector<TaskPlan> tasks;  // in order
  std::int64_t resolved_ns = 0;  // what the validation of its dependencies took; like the next not in files
  std::int64_t waited_ns = 0;    // for the lock of its roots
};

// A refused, skipped or failed task has no effect.
inline bool is_going(const TaskPlan& task) {
  switch (task.shown.state) {
    case TaskState::registered:
    case TaskState::validated:
    case TaskState::planned:
    case TaskState::admitted: return true;
    default: return false;
  }
}

// A plugin task with something to do: only then locks are taken and hooks run.
inline bool acts_on_the_world(const TaskPlan& task) { return !task.native && (task.shown.units > 0 || !task.ipc.empty()); }

std::string entries_file(const std::string& plan_dir, std::uint32_t number);
std::string directories_file(const std::string& plan_dir, std::uint32_t number);

// JSON text of all but the entries. Paths are in escape_bytes form: JSON has no bytes.
std::string plan_to_json(const Plan& plan);
// Kind `invalid` for anything plan_to_json could not have written.
Result<Plan> plan_from_json(std::string_view text);

// The effective permission of one task as history keeps it, and back: rollback and purge act under it.
std::string grant_to_json(const TaskPlan& task);
Result<std::vector<PlanRoot>> roots_from_grant_json(std::string_view text);
Result<std::vector<config::LockConfig>> locks_from_grant_json(std::string_view text);

}  // namespace freshet
