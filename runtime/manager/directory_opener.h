#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>

#include "runtime/base/fd.h"
#include "runtime/base/identity.h"

namespace freshet {

// Opens directories below one root for reading their entries' stats: O_PATH, beneath, no links, no other mount; paths of
// any length. Keeps the last few open. Used by one thread.
class DirectoryOpener {
 public:
  explicit DirectoryOpener(int root) : root_(root) {}

  // -1 when it cannot be reached. The descriptor stays valid until the next call but 31.
  int open(const std::string& relative);

 private:
  static constexpr std::size_t kKept = 32;

  int root_;
  std::unordered_map<std::string, Fd> kept_;
};

// openat2 with O_PATH|O_DIRECTORY and RESOLVE_BENEATH|NO_SYMLINKS|NO_XDEV; paths over PATH_MAX go in steps.
Fd open_below(int root, const std::string& relative);

}  // namespace freshet
