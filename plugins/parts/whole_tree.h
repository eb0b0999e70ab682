#pragma once

#include <freshet/plugin.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace parts {

// An entry whose name lives on when its directory's listing goes on.
struct Named {
  explicit Named(const freshet::Entry& listed) : name(listed.file_name()), entry_(listed) {}
  // Valid as long as this object stays where it is.
  [[nodiscard]] const freshet::Entry& entry() {
    entry_.name = freshet::bytes(name);
    return entry_;
  }

  std::string name;

 private:
  freshet::Entry entry_;
};

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
  struct Levels : std::vector<Level> {
    Levels() = default;
    Levels(const Levels&) = delete;
    Levels& operator=(const Levels&) = delete;
    ~Levels() {  // children close before parents, also when an exception passes
      while (!this->empty()) this->pop_back();
    }
  } levels;
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
