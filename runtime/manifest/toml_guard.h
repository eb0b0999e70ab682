#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace freshet::manifest {

// A place in TOML text that must not reach toml11. Lines and columns (bytes) count from 1.
struct TomlObjection {
  std::string what;
  std::size_t line = 0;
  std::size_t column = 0;
};

inline constexpr std::size_t kMaxTomlNesting = 32;

// toml11 3.7.1 recurses once for every `[` and `{` of a value and once for every part of a dotted key, and so overflows
// the stack on 32 KB of them. This looks at the text beforehand, without recursion: UTF-8, no control characters but
// tab and newline, brackets and dotted keys at most kMaxTomlNesting deep.
std::optional<TomlObjection> find_toml_objection(std::string_view text);

}  // namespace freshet::manifest
