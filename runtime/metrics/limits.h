#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace freshet::metrics {

// What the specification limits. The order is that of kLimits.
enum class Limited : std::uint8_t {
  registration,
  execution,
  security_validation,
  isolation_check,
  tracking_overhead,
  dependency_validation,
  completion_verification,
  rollback,
  channel_operation,
  resource_release,
  state_transition,
};

struct Limit {
  std::string_view name;
  std::int64_t ns = 0;
  // The size up to which `ns` holds, in entries (execution) or units; beyond it the limit grows in proportion. 0: it
  // holds for every size. The specification speaks of a small task.
  std::uint64_t size = 0;
};

// The one table of limits. Freshet's own goal is a tenth of each.
inline constexpr std::array<Limit, 11> kLimits = {{
    {"registration", 30'000'000},
    {"execution", 2'000'000'000, 10'000},
    {"security validation", 20'000'000},
    {"isolation check", 15'000'000},
    {"tracking overhead", 5'000'000},
    {"dependency validation", 10'000'000},
    {"completion verification", 20'000'000, 100},
    {"rollback", 50'000'000, 100},
    {"channel operation", 10'000'000},  // on top of the same task without a channel
    {"resource release", 100'000'000},
    {"state transition", 50'000'000},
}};

constexpr const Limit& limit_of(Limited what) { return kLimits[static_cast<std::size_t>(what)]; }

// The limit in ns for something of `size`.
std::int64_t limit_ns(Limited what, std::uint64_t size);

}  // namespace freshet::metrics
