#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "runtime/manager/results.h"
#include "runtime/metrics/limits.h"

namespace freshet {

// The times of one task that the specification limits, as far as they were measured. Not thread-safe.
class MeasuredTimes {
 public:
  // `size`: of what was worked on, in entries or units; see metrics::Limit.
  void set(metrics::Limited what, std::int64_t ns, std::uint64_t size = 0) { times_[index(what)] = {ns, size}; }
  void keep_longest(metrics::Limited what, std::int64_t ns, std::uint64_t size = 0) {
    if (ns > times_[index(what)].ns) set(what, ns, size);
  }
  // Takes what `news` has; the rest stays.
  void take(const MeasuredTimes& news);
  // -1: not measured.
  [[nodiscard]] std::int64_t ns(metrics::Limited what) const { return times_[index(what)].ns; }
  // Those that were measured, in the order of the table of limits.
  [[nodiscard]] std::vector<LimitMeasured> list() const;

 private:
  static std::size_t index(metrics::Limited what) { return static_cast<std::size_t>(what); }
  struct Time {
    std::int64_t ns = -1;
    std::uint64_t size = 0;
  };
  std::array<Time, metrics::kLimits.size()> times_;
};

}  // namespace freshet
