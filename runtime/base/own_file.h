#pragma once

#include <string>

#include "runtime/base/error.h"

namespace freshet {

// The file that holds this code: the program, or the library that a program embeds. To find what is installed with it,
// never to execute it. Errors: kind `system` (no /proc), `missing` (the file was replaced since).
Result<std::string> find_own_file();

}  // namespace freshet
