#include "runtime/metrics/stopwatch.h"

#include <ctime>

#include "runtime/base/clock.h"

namespace freshet::metrics {

std::int64_t monotonic_ns() { return SystemClock().monotonic(); }
std::int64_t thread_cpu_ns() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<std::int64_t>(time.tv_sec) * 1'000'000'000 + time.tv_nsec;
}

Stopwatch::Stopwatch(std::int64_t& cost_ns) : cost_ns_(cost_ns), wall_ns_(monotonic_ns()), cpu_ns_(thread_cpu_ns()) {}

void Stopwatch::lap(std::int64_t& wall_ns, std::int64_t& cpu_ns) {
  const std::int64_t wall_now = monotonic_ns();
  const std::int64_t cpu_now = thread_cpu_ns();
  wall_ns += wall_now - wall_ns_;
  cpu_ns += cpu_now - cpu_ns_;
  cpu_ns_ = cpu_now;
  wall_ns_ = monotonic_ns();
  cost_ns_ += 2 * (wall_ns_ - wall_now);
}

}  // namespace freshet::metrics
