#pragma once

#include "runtime/base/error.h"
#include "runtime/manager/core.h"

namespace freshet {

// Looks at the world right before a task's first effect: its roots are reachable and on the file systems of the plan,
// and there is room for what must be written before anything moves (the quarantine's table, the run's outcomes).
// `dir`: where the plan's files are. Error kind `refused`, or `system` where there is no room.
Status check_pre_state(const Core& core, const TaskPlan& task, const std::string& dir);

}  // namespace freshet
