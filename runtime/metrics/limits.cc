#include "runtime/metrics/limits.h"

namespace freshet::metrics {

static_assert(limit_of(Limited::state_transition).name == "state transition");

std::int64_t limit_ns(Limited what, std::uint64_t size) {
  const Limit& limit = limit_of(what);
  if (limit.size == 0 || size <= limit.size) return limit.ns;
  return static_cast<std::int64_t>(static_cast<double>(limit.ns) * (static_cast<double>(size) / static_cast<double>(limit.size)));
}

}  // namespace freshet::metrics
