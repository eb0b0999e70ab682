#pragma once

#include <vector>

#include "runtime/config/config.h"

namespace freshet::config {

// Holds a configuration that a program made in memory to the rules of one that was read: every problem, empty when
// there is none. Fills in the names that channels and tasks have by their keys. What `load` gives passes unchanged.
std::vector<Diagnostic> complete(Config& config);

}  // namespace freshet::config
