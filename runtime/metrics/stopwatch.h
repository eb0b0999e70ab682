#pragma once

#include <cstdint>

namespace freshet::metrics {

// CLOCK_MONOTONIC in ns; only differences mean something. About 25 ns.
std::int64_t monotonic_ns();
// User and system time of the calling thread in ns. About 300 ns: a system call.
std::int64_t thread_cpu_ns();

// Times the phases of something that one thread does, one after the other. Used by that thread alone.
class Stopwatch {
 public:
  // What the clocks cost is added to `cost_ns` at each lap: a start costs the same as a lap.
  explicit Stopwatch(std::int64_t& cost_ns);

  // Adds the wall clock time and the thread's CPU time since the start, or since the last lap.
  void lap(std::int64_t& wall_ns, std::int64_t& cpu_ns);

 private:
  std::int64_t& cost_ns_;
  std::int64_t wall_ns_;
  std::int64_t cpu_ns_;
};

}  // namespace freshet::metrics
