#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "runtime/base/identity.h"

namespace freshet::broker {

// An entry as getdents64 gives it. `name` points into the listing's buffer and is NUL-terminated.
struct ListedEntry {
  std::string_view name;
  std::uint64_t inode = 0;  // of what lies under a mount point, where statx shows what is mounted
  EntryType type = EntryType::unknown;
};

// Reads directories through one buffer. "." and ".." are left out. Not reentrant: the buffer belongs to one directory
// at a time.
class Listing {
 public:
  Listing();

  // Begins with the descriptor's position.
  void start(int dir_fd);
  // False at the end, or with `error` set.
  bool next(ListedEntry& entry, int& error);

 private:
  std::unique_ptr<char[]> buffer_;
  int fd_ = -1;
  std::size_t at_ = 0;
  std::size_t end_ = 0;
};

// Back to the first entry.
void rewind_directory(int dir_fd);

}  // namespace freshet::broker
