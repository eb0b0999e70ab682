#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "runtime/base/error.h"

namespace freshet {

// Durations: an integer or decimal number and a unit, several may follow one another: "30d", "1h30m", "2.5h", "0s".
// Units: ms, s, m (or min), h, d, w, y (365 d). No bare number: the unit is the point. Result in nanoseconds,
// never negative. Error kind `invalid`, the text names the bad part and gives an example.
Result<std::int64_t> parse_duration(std::string_view text);

// Sizes: an integer or decimal number and a unit: "20GiB", "2.5MB", "512B", "1k". Binary: K[iB], M[iB], G.., T.., P..
// (a lone letter means binary, as in tmpfiles.d and du); KB, MB, .. are decimal. Result in bytes.
Result<std::uint64_t> parse_size(std::string_view text);

// "41 d", "3 h", "25 s": one unit, rounded down. For people.
std::string format_age(std::int64_t nanoseconds);
// "30d", "1h30m": exact to the millisecond; parse_duration gives it back. For configuration and error texts.
std::string format_duration(std::int64_t nanoseconds);
// "1.4 GiB", "512 B": three significant digits. For people.
std::string format_size(std::uint64_t bytes);
// "1,234,567".
std::string format_count(std::uint64_t count);
// "1 entry", "12,345 entries".
std::string counted(std::uint64_t count, std::string_view one, std::string_view many);
// RFC 3339 in UTC, whole seconds: "2026-11-24T20:55:29Z".
std::string format_time(std::int64_t nanoseconds_since_epoch);

}  // namespace freshet
