#pragma once

#include <string>

#include "runtime/manager/plan_model.h"
#include "runtime/store/history.h"

namespace freshet {

// One line of the log (level `info`) for each state that a (task, run) comes into, with run, channel and task.

// On its way into a plan: what it found, what it may, or why it goes no further.
void log_state(const std::string& run_id, const TaskPlan& task, TaskState state);
// While it acts, with the figures so far.
void log_state(const TaskPlan& task, const CleanupResult& result);
// Afterwards: rolling back, purging and their ends. `what` follows the state's name.
void log_state(const store::TaskRow& row, const std::string& what);

}  // namespace freshet
