#pragma once

#include <string>

#include "runtime/base/error.h"

namespace freshet::channel {

// The role executable: `given` if it is not empty, else the one installed with the library or program that this code is
// in (a build tree and an installed prefix are laid out alike), else where this build was configured to be installed.
// Error kind `missing`, with the places where it was looked for.
Result<std::string> find_role_executable(const std::string& given);

}  // namespace freshet::channel
