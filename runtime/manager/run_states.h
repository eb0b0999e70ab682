#pragma once

#include <optional>
#include <string_view>

#include "runtime/manager/runs.h"

namespace freshet {

[[nodiscard]] std::optional<RunState> run_state_named(std::string_view name);

}  // namespace freshet
