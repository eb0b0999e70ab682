#pragma once

#include <cstdint>
#include <string>

#include "runtime/base/error.h"
#include "runtime/manager/plan_model.h"

namespace freshet {

// What a task's plan comes to once it is whole: folds it, applies the floor keep-newest and the budget (refuse or trim),
// and fills the totals people see. Violations of the budget go into `task.shown.violations` and make it refused:
//   F1101 too many entries   F1102 too many bytes   F1103 too large a share of a root
//   F1104 more than the quarantine may hold         F1105 outside the allowed hours
// `local_minutes`: minutes since local midnight, for the floor `hours`.
Status settle_plan(TaskPlan& task, const std::string& plan_dir, std::uint32_t local_minutes);

// Judges the totals that a settled plan has, counting nothing again.
void judge_plan(TaskPlan& task, std::uint32_t local_minutes);

// Counts a settled plan again and judges it, dropping nothing more: for a plan that may have been changed by others.
Status recount_plan(TaskPlan& task, const std::string& plan_dir, std::uint32_t local_minutes);

}  // namespace freshet
