#include "runtime/metrics/stopwatch.h"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

namespace freshet::metrics {
namespace {

TEST(Stopwatch, SleepTakesWallClockTimeAndWorkTakesBoth) {
  using namespace std::chrono_literals;
  std::int64_t slept = 0;
  std::int64_t slept_cpu = 0;
  std::int64_t worked = 0;
  std::int64_t worked_cpu = 0;
  std::int64_t cost = 0;
  Stopwatch watch(cost);
  std::this_thread::sleep_for(20ms);
  watch.lap(slept, slept_cpu);
  const std::int64_t until = thread_cpu_ns() + 10'000'000;
  while (thread_cpu_ns() < until) {
  }
  watch.lap(worked, worked_cpu);
  EXPECT_GE(slept, 20'000'000);
  EXPECT_LT(slept_cpu, slept) << "a thread that sleeps uses no CPU";
  EXPECT_GE(worked_cpu, 10'000'000);
  EXPECT_LE(worked_cpu, worked + 1'000'000) << "one thread has one CPU";
  EXPECT_GT(cost, 0);
  EXPECT_LT(cost, slept);
}

TEST(Stopwatch, ALapAddsToWhatIsThere) {
  std::int64_t wall = 1000;
  std::int64_t cpu = 1000;
  std::int64_t cost = 0;
  Stopwatch watch(cost);
  watch.lap(wall, cpu);
  EXPECT_GT(wall, 1000);
  EXPECT_GE(cpu, 1000);
}

}  // namespace
}  // namespace freshet::metrics
