#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "runtime/base/fd.h"

namespace freshet::broker {

// The way from the top of a tree down to one directory in it, for walks of any depth with few descriptors: the top and
// the deepest `window` levels are open, the others are opened again when the walk comes back to them, and only as the
// directory they were (by inode).
class DirectoryStack {
 public:
  explicit DirectoryStack(std::size_t window) : window_(window) {}

  void start(Fd top);
  // Closes everything.
  void clear();
  // Opens the directory `name` of the deepest one, for listing. 0 or an errno (EXDEV: another mount, ELOOP: a link).
  int push(const char* name);
  // Leaves the deepest directory; its name goes to `name`.
  void pop(std::string* name = nullptr);
  // Descriptor of the deepest directory, good for calls relative to it; -1 with `error` when it cannot be found again.
  // For listing only directly after start or push.
  int deepest(int& error);

  [[nodiscard]] bool empty() const { return levels_.empty(); }
  [[nodiscard]] std::size_t depth() const { return levels_.size(); }

 private:
  struct Level {
    std::size_t path_end = 0;  // of this level's path in path_
    std::uint64_t inode = 0;
    Fd fd;
  };

  int reopen();
  void close_beyond_window();

  std::size_t window_;
  std::vector<Level> levels_;
  std::string path_;  // from the top to the deepest, "a/b/c"
};

}  // namespace freshet::broker
