#pragma once

#include <algorithm>
#include <string_view>

namespace freshet {

// Calls each(line) without the line's end.
template <class F>
void for_each_line(std::string_view text, F&& each) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    each(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

// Takes the next word, between blanks or tabs, off the line; empty at its end.
inline std::string_view next_word(std::string_view& line) {
  const std::size_t from = std::min(line.find_first_not_of(" \t"), line.size());
  const std::size_t to = std::min(line.find_first_of(" \t", from), line.size());
  const std::string_view word = line.substr(from, to - from);
  line.remove_prefix(to);
  return word;
}

}  // namespace freshet
