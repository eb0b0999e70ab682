#pragma once

#include <freshet/plugin.hpp>
#include <utility>

#include "plugins/parts/descend.h"

namespace parts {

// Goes through all that is below the directory `top` of `parent`, on a small stack: visitor.enter(name) and
// visitor.leave() around each directory in it, visitor.see(directory, entry) for every entry, a directory's after what is in
// it; last see(parent, top). False when something could not be read, is a mount point, or visitor.stop() said so; then the
// end was not reached.
template <class Visitor>
bool walk_tree(const freshet::Host& host, freshet::Directory& parent, const freshet::Entry& top, Visitor& visitor) {
  struct Level {
    freshet::Directory directory;
    freshet::Entry entry{};
  };
  Levels<Level> levels;
  if (top.is_mount_point()) return false;
  levels.push_back({parent.open(top), {}});
  if (!levels.back().directory) return false;
  while (!visitor.stop()) {
    host.stop_if_cancelled();
    Level& level = levels.back();
    if (!level.directory.next(level.entry)) {
      if (!level.directory.complete()) return false;
      levels.pop_back();
      if (levels.empty()) {
        visitor.see(parent, top);
        return !visitor.stop();
      }
      visitor.leave();
      visitor.see(levels.back().directory, std::as_const(levels.back().entry));
    } else if (level.entry.is_mount_point()) {
      return false;
    } else if (level.entry.is_directory()) {
      visitor.enter(level.entry.file_name());
      freshet::Directory inner = level.directory.open(level.entry);
      if (!inner) return false;
      levels.push_back({std::move(inner), {}});
    } else {
      visitor.see(level.directory, std::as_const(level.entry));
    }
  }
  return false;
}

}  // namespace parts
