#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "runtime/manager/plan_model.h"
#include "runtime/store/history.h"

namespace freshet {

// States of a task's row beyond TaskState's names: what it moved is being freed, or is freed. Not restorable.
inline constexpr std::string_view kPurging = "purging";
inline constexpr std::string_view kPurged = "purged";

[[nodiscard]] bool is_restorable(const store::TaskRow& row);
// Its process ended before it had counted what it moved.
[[nodiscard]] bool is_cut_off(const store::TaskRow& row);
[[nodiscard]] bool in_quarantine(const store::TaskRow& row);

std::vector<std::string> paths_of(const std::vector<PlanRoot>& roots);
// Every root of a run's tasks; a task whose record is damaged has none.
std::vector<std::string> paths_of(const store::RunRow& run);

}  // namespace freshet
