#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string_view>

#include "runtime/base/bytes.h"
#include "runtime/wire/messages.h"

namespace freshet::worker {

// A copy of a struct the plugin wrote: fields beyond its own `size` stay zero. False when it is too small to mean
// anything.
template <class T>
bool take_in(const T* from, std::size_t least, T& to) {
  if (from == nullptr || from->size < least) return false;
  std::memcpy(&to, from, std::min<std::size_t>(from->size, sizeof to));
  return true;
}

// A reason that a plugin gave; its length is 0 where its pointer is null.
inline bool is_reason(std::string_view text) {
  return (text.data() != nullptr || text.empty()) && text.size() <= wire::kMaxReason && is_utf8(text);
}

}  // namespace freshet::worker
