#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace freshet {

// "3, 4, 7", or the first eight and "..": names of what leaked, for the detail of a ResourceCheck.
inline std::string list_numbers(const std::vector<std::uint64_t>& numbers) {
  constexpr std::size_t kNamed = 8;
  std::string text;
  for (std::size_t i = 0; i < numbers.size() && i < kNamed; ++i)
    text += (i == 0 ? "" : ", ") + std::to_string(numbers[i]);
  return numbers.size() > kNamed ? text + ", .." : text;
}

}  // namespace freshet
