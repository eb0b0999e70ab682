#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "runtime/manager/task.h"

namespace freshet {

// The state machine of a (task, run): one table. A transition that is not in it is a bug of Freshet, reported as such.
[[nodiscard]] bool is_legal_transition(TaskState from, TaskState to);

// What is said of a transition that is not in the table.
[[nodiscard]] std::string illegal_transition(TaskState from, TaskState to);

// True for states after which nothing more happens by itself.
[[nodiscard]] bool is_final(TaskState state);

[[nodiscard]] std::optional<TaskState> task_state_named(std::string_view name);

}  // namespace freshet
