#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>

namespace freshet::worker {

// A copy of a struct the plugin wrote: fields beyond its own `size` stay zero. False when it is too small to mean
// anything.
template <class T>
bool take_in(const T* from, std::size_t least, T& to) {
  if (from == nullptr || from->size < least) return false;
  std::memcpy(&to, from, std::min<std::size_t>(from->size, sizeof to));
  return true;
}

}  // namespace freshet::worker
