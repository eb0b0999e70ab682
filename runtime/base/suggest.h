#pragma once

#include <span>
#include <string>
#include <string_view>

namespace freshet {

// The candidate that `word` was probably meant to be, or an empty view. Case, and `_` for `-`, cost nothing;
// otherwise at most a third of the longer word's letters may be wrong. The view is into `candidates`.
std::string_view closest(std::string_view word, std::span<const std::string_view> candidates);

// "did you mean `older-than`?", or empty. With `list_all`, where nothing is close: "possible: `a`, `b`, `c`".
std::string suggest(std::string_view word, std::span<const std::string_view> candidates,
                    bool list_all = false);

}  // namespace freshet
