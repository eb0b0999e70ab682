#include "runtime/manager/plan_rules.h"

#include <gtest/gtest.h>

#include <ctime>

namespace freshet {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kMinute = 60 * kSecond;

// A moment of this test's local day.
std::int64_t at(int hour, int minute, int second) {
  std::tm broken{};
  broken.tm_year = 126;
  broken.tm_mon = 5;
  broken.tm_mday = 15;
  broken.tm_hour = hour;
  broken.tm_min = minute;
  broken.tm_sec = second;
  broken.tm_isdst = -1;
  return std::mktime(&broken) * kSecond;
}

TEST(EndOfHours, IsTheLastMomentOfTheWindow) {
  EXPECT_EQ(end_of_hours(at(22, 0, 0), {22 * 60, 23 * 60}), at(23, 0, 0));
  EXPECT_EQ(end_of_hours(at(22, 59, 59), {22 * 60, 23 * 60}), at(23, 0, 0));
  EXPECT_EQ(end_of_hours(at(22, 59, 59) + 5, {22 * 60, 23 * 60}), at(23, 0, 0));
  EXPECT_EQ(end_of_hours(at(3, 30, 10), {22 * 60, 6 * 60 + 15}), at(6, 15, 0));
}

TEST(EndOfHours, MayBeOnTheNextDay) {
  EXPECT_EQ(end_of_hours(at(23, 59, 59), {22 * 60, 6 * 60}), at(23, 59, 59) + kSecond + 6 * 60 * kMinute);
  EXPECT_EQ(end_of_hours(at(23, 59, 59), {22 * 60, 24 * 60}), at(23, 59, 59) + kSecond);
}

TEST(EndOfHours, AWholeDayHasNone) { EXPECT_EQ(end_of_hours(at(12, 0, 0), {0, 24 * 60}), 0); }

}  // namespace
}  // namespace freshet
