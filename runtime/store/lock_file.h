#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/error.h"

namespace freshet::store {

// What a lock file says. Text: the line "freshet-lock 1", one line a root (escape_bytes), the line "end".
inline constexpr std::size_t kMaxLockFileBytes = 1U << 20;

std::string format_lock_file(const std::vector<std::string>& roots);

// Error kind `invalid` for anything format_lock_file could not have made: a foreign, truncated or too long
// text.
Result<std::vector<std::string>> parse_lock_file(std::string_view text);

// True when two real paths are equal or one is above the other.
bool roots_conflict(std::string_view one, std::string_view other);

}  // namespace freshet::store
