#include "runtime/cli/progress_meter.h"

#include <gtest/gtest.h>

namespace freshet::cli {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr report::Style kStyle{.colour = false, .unicode = false, .width = 100};

Progress scanning(const char* task, std::uint64_t scanned, std::uint64_t found) {
  return {.task = task,
          .phase = "scan",
          .scanned = scanned,
          .found = found,
          .done = 0,
          .total = 0,
          .bytes = found};
}

TEST(ProgressMeter, NothingIsShownBeforeTheFirstStep) {
  EXPECT_EQ(ProgressMeter().line(0, kStyle), "");
}

TEST(ProgressMeter, TasksAreSummedAndTheRateIsSinceThePhaseBegan) {
  ProgressMeter meter;
  meter.take(scanning("a", 10, 1), 5 * kSecond);
  EXPECT_EQ(meter.line(5 * kSecond, kStyle), "scanning  10 entries  1 found  1 B  a")
      << "no rate from no time";
  meter.take(scanning("b", 3000, 20), 6 * kSecond);
  meter.take(scanning("a", 1000, 10), 7 * kSecond);
  EXPECT_EQ(meter.line(7 * kSecond, kStyle), "scanning  4,000 entries  30 found  30 B  2,000/s  2 tasks");
}

TEST(ProgressMeter, ANewPhaseBeginsAtNothing) {
  ProgressMeter meter;
  EXPECT_TRUE(meter.take(scanning("a", 10, 1), 0));
  EXPECT_FALSE(meter.take(scanning("b", 10, 1), 0));
  meter.take({.task = "a", .phase = "remove", .scanned = 0, .found = 0, .done = 2, .total = 8, .bytes = 512},
             kSecond);
  EXPECT_EQ(meter.line(kSecond, kStyle), "removing  2 of 8  512 B  a");
  meter.take({.task = "a", .phase = "restore", .scanned = 0, .found = 0, .done = 3, .total = 0, .bytes = 0}, kSecond);
  EXPECT_EQ(meter.line(kSecond, kStyle), "putting back  3  a") << "what is not known is not shown";
}

TEST(ProgressMeter, TheLineFitsTheTerminal) {
  ProgressMeter meter;
  meter.take(scanning("a-task-with-a-rather-long-name", 10, 1), 0);
  EXPECT_EQ(meter.line(0, {.colour = false, .unicode = false, .width = 40}).size(), 39U);
}

}  // namespace
}  // namespace freshet::cli
