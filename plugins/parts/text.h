#pragma once

#include <string_view>

namespace parts {

inline bool ends_with(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

// Takes `end` off, where it is there and something is left.
inline bool take_off(std::string_view& text, std::string_view end) {
  if (text.size() <= end.size() || !ends_with(text, end)) return false;
  text.remove_suffix(end.size());
  return true;
}

}  // namespace parts
