#include "runtime/manager/past_rows.h"

#include <algorithm>

#include "runtime/manager/state_machine.h"

namespace freshet {

bool is_restorable(const store::TaskRow& row) {
  const std::optional<TaskState> state = task_state_named(row.state);
  if (!state) return false;
  switch (*state) {
    case TaskState::executing:
    case TaskState::executed:
    case TaskState::verified:
    case TaskState::committed:
    case TaskState::failed:
    case TaskState::rolling_back: return true;
    default: return false;
  }
}

bool is_cut_off(const store::TaskRow& row) {
  return row.state == to_string(TaskState::executing) || row.state == to_string(TaskState::rolling_back);
}

bool in_quarantine(const store::TaskRow& row) {
  if (row.unlink || row.plugin.empty()) return false;
  return row.state == kPurging || is_cut_off(row) || (is_restorable(row) && row.bytes_at_purge + row.entries_removed > 0);
}

std::vector<std::string> paths_of(const std::vector<PlanRoot>& roots) {
  std::vector<std::string> out;
  for (const PlanRoot& root : roots) out.push_back(root.config.path);
  return out;
}

std::vector<std::string> paths_of(const store::RunRow& run) {
  std::vector<std::string> out;
  for (const store::TaskRow& row : run.tasks)
    if (const Result<std::vector<PlanRoot>> roots = roots_from_grant_json(row.grant_json))
      for (const std::string& path : paths_of(*roots)) out.push_back(path);
  return out;
}

}  // namespace freshet
