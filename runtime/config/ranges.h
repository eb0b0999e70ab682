#pragma once

#include <cstdint>

#include "runtime/config/config.h"

namespace freshet::config {

// What numbers of a configuration may be, whether a file or a program gives them.
inline constexpr std::uint64_t kMaxEntries = 1'000'000'000'000;
inline constexpr std::uint64_t kMaxThreads = 4096;
inline constexpr std::uint64_t kMaxFds = 65536;
inline constexpr std::uint32_t kDayMinutes = 24 * 60;
inline constexpr std::uint64_t kLeastUidBase = 65536;                     // below are ordinary users
inline constexpr std::uint64_t kMostUidBase = 0xFFFFFFFFULL - kUidCount;  // the last id means "none"

}  // namespace freshet::config
