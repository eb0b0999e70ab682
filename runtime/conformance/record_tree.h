#pragma once

#include <cstdint>
#include <stop_token>
#include <string>

#include "runtime/base/error.h"

namespace freshet::conformance {

struct Recorded {
  std::uint64_t entries = 0;     // lines, with the root's
  std::uint64_t unreadable = 0;  // directories that could not be opened or listed
  std::uint64_t bytes = 0;       // of the file
};

// Writes what a plugin would see of `root` into `file`, which must not be there (sdk/TREE.md): with this process's rights,
// following no link, entering no other mount, opening directories only. Errors: kind `invalid` (no directory, over a cap
// of the format; `file` is there), `system`, `busy` (stopped). On an error `file` is removed.
Result<Recorded> record_tree(const std::string& root, const std::string& file, std::stop_token stop);

}  // namespace freshet::conformance
