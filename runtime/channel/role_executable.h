#pragma once

#include <string>

#include "runtime/base/error.h"

namespace freshet::channel {

// The role executable: `given` if it is not empty, else ../libexec/freshet/freshet-role beside the running program's
// folder (a build tree and an installed prefix are laid out alike). Error kind `missing`.
Result<std::string> find_role_executable(const std::string& given);

}  // namespace freshet::channel
