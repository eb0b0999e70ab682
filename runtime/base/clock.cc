#include "runtime/base/clock.h"

#include <ctime>

namespace freshet {
namespace {

std::int64_t read_clock(clockid_t id) {
  timespec stamp{};
  ::clock_gettime(id, &stamp);
  return static_cast<std::int64_t>(stamp.tv_sec) * 1'000'000'000 + stamp.tv_nsec;
}

}  // namespace

std::int64_t SystemClock::now() const { return read_clock(CLOCK_REALTIME); }
std::int64_t SystemClock::monotonic() const { return read_clock(CLOCK_MONOTONIC); }

}  // namespace freshet
