#pragma once

#include <string>
#include <vector>

#include "runtime/config/config.h"

namespace freshet::config {

// Every name in `after` and `requires` of an enabled task that no task of the configuration has. Tasks that a host program registers are
// not known here: whoever has such tasks asks the manager instead.
std::vector<Diagnostic> find_unknown_dependencies(const Config& config);

// A circle of tasks as the manager found it (the first name is the last too), with the place of its first edge. An edge
// that a manifest made has the place of its task.
Diagnostic describe_cycle(const Config& config, const std::vector<std::string>& cycle);

}  // namespace freshet::config
