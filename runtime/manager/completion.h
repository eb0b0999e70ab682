#pragma once

#include <cstdint>
#include <string>

#include "runtime/manager/plan_model.h"

namespace freshet {

// Looks at the world after a run: every planned unit is absent at its origin (or another inode stands there) and present
// in its slot with the planned identity, or has a named refusal. Reads only; opens no entry. `dir` holds the task's
// files. Error kind `missing` when the run left no record of its outcomes (it was cut off): then a unit may be in
// either place, and `complete` says whether each is in exactly one.
// What of it stands in its place is added to `in_place`, where that is asked for.
struct InPlace {
  std::uint64_t units = 0;
  std::uint64_t entries = 0;
  std::uint64_t bytes = 0;  // on disk; a hard link counts as often as it is there
};
CompletionStatus look_at_completion(const TaskPlan& task, const std::string& run_id, const std::string& dir, InPlace* in_place = nullptr);

}  // namespace freshet
