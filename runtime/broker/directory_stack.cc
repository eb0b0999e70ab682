#include "runtime/broker/directory_stack.h"

#include <algorithm>
#include <cerrno>
#include <string_view>

#include "runtime/broker/file_system.h"

namespace freshet::broker {

void DirectoryStack::clear() {
  levels_.clear();
  path_.clear();
}

void DirectoryStack::start(Fd top) {
  clear();
  levels_.push_back({0, 0, std::move(top)});
}

int DirectoryStack::push(const char* name) {
  int error = 0;
  const int parent = deepest(error);
  if (parent < 0) return error;
  Fd fd = open_directory(parent, name, error);
  if (!fd) return error;
  EntryStat seen;  // asked of the descriptor: only then a directory that is opened again is known to be this one
  error = stat_at(fd.get(), "", false, seen);
  if (error != 0) return error;
  if (!path_.empty()) path_ += '/';
  path_ += name;
  levels_.push_back({path_.size(), seen.identity.inode, std::move(fd)});
  close_beyond_window();
  return 0;
}

void DirectoryStack::pop(std::string* name) {
  levels_.pop_back();
  const std::size_t end = levels_.empty() ? 0 : levels_.back().path_end;
  if (name) name->assign(path_, end == 0 ? 0 : end + 1);
  path_.resize(end);
}

int DirectoryStack::deepest(int& error) {
  error = levels_.back().fd ? 0 : reopen();
  return error == 0 ? levels_.back().fd.get() : -1;
}

void DirectoryStack::close_beyond_window() {
  if (levels_.size() > window_ + 1) levels_[levels_.size() - 1 - window_].fd.reset();
}

// Opens a whole window of levels, so that a walk that climbs pays for the long way only once in so many levels.
int DirectoryStack::reopen() {
  const std::size_t last = levels_.size() - 1;
  std::size_t open = last;
  while (!levels_[open].fd) --open;  // the top always is
  std::size_t next = std::max(open + 1, last + 1 > window_ ? last + 1 - window_ : 1);
  for (; next <= last; ++next) {
    const std::size_t from = levels_[open].path_end == 0 ? 0 : levels_[open].path_end + 1;
    const std::string_view way = std::string_view(path_).substr(from, levels_[next].path_end - from);
    int error = 0;
    Fd fd = open_beneath(levels_[open].fd.get(), way, kOpenDirectoryPath, error);
    if (!fd) return error;
    EntryStat seen;
    error = stat_at(fd.get(), "", false, seen);
    if (error != 0) return error;
    if (seen.identity.inode != levels_[next].inode) return ESTALE;
    levels_[next].fd = std::move(fd);
    open = next;
  }
  return 0;
}

}  // namespace freshet::broker
