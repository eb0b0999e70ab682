#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace freshet::config {

// Brackets inside one another, and names in one dotted key.
inline constexpr std::size_t kMaxTomlNesting = 32;
// toml11's time grows with the square of a line's length: 1 MiB in one line of small values takes minutes.
inline constexpr std::size_t kMaxTomlLine = 16 * 1024;

struct TomlGuardFinding {
  std::size_t offset = 0;  // byte
  std::string what;        // one line
};

// Looks at foreign bytes before toml11 does, which recurses once a bracket and once a dot and overflows the
// stack on 32 KB of '['. Refuses NUL, text that is not UTF-8, strings that do not end, lines longer than
// kMaxTomlLine and nesting deeper than kMaxTomlNesting; a text that passes may still be wrong TOML. Linear,
// without recursion. The caller has capped the size.
std::optional<TomlGuardFinding> guard_toml(std::string_view text);

}  // namespace freshet::config
