#pragma once

#include <dirent.h>

#include <memory>

namespace freshet {

struct CloseListing {
  void operator()(DIR* directory) const { ::closedir(directory); }
};
// An open directory for readdir(3); one thread at a time.
using Listing = std::unique_ptr<DIR, CloseListing>;

// Opens `name` in `at` for listing. `flags`: of open(2) beside O_RDONLY, O_DIRECTORY and O_CLOEXEC. Null with errno when
// it cannot be had.
Listing list_directory(int at, const char* name, int flags = 0);

}  // namespace freshet
