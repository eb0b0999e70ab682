#include "runtime/base/clock.h"

namespace freshet {
namespace {

constexpr std::int64_t kPerSecond = 1'000'000'000;

std::int64_t read_clock(clockid_t id) {
  timespec stamp{};
  ::clock_gettime(id, &stamp);
  return static_cast<std::int64_t>(stamp.tv_sec) * kPerSecond + stamp.tv_nsec;
}

}  // namespace

timespec timespec_of(std::int64_t nanoseconds) {
  std::int64_t seconds = nanoseconds / kPerSecond;
  std::int64_t rest = nanoseconds % kPerSecond;
  if (rest < 0) {
    rest += kPerSecond;
    --seconds;
  }
  return timespec{seconds, rest};
}

std::int64_t SystemClock::now() const { return read_clock(CLOCK_REALTIME); }
std::int64_t SystemClock::monotonic() const { return read_clock(CLOCK_MONOTONIC); }

}  // namespace freshet
