#include "runtime/metrics/limits.h"

#include <gtest/gtest.h>

#include <set>

namespace freshet::metrics {
namespace {

TEST(Limits, TheTableIsThatOfTheSpecification) {
  EXPECT_EQ(limit_ns(Limited::registration, 0), 30'000'000);
  EXPECT_EQ(limit_ns(Limited::execution, 0), 2'000'000'000);
  EXPECT_EQ(limit_ns(Limited::security_validation, 0), 20'000'000);
  EXPECT_EQ(limit_ns(Limited::isolation_check, 0), 15'000'000);
  EXPECT_EQ(limit_ns(Limited::tracking_overhead, 0), 5'000'000);
  EXPECT_EQ(limit_ns(Limited::dependency_validation, 0), 10'000'000);
  EXPECT_EQ(limit_ns(Limited::completion_verification, 0), 20'000'000);
  EXPECT_EQ(limit_ns(Limited::rollback, 0), 50'000'000);
  EXPECT_EQ(limit_ns(Limited::channel_operation, 0), 10'000'000);
  EXPECT_EQ(limit_ns(Limited::resource_release, 0), 100'000'000);
  EXPECT_EQ(limit_ns(Limited::state_transition, 0), 50'000'000);
}

TEST(Limits, EveryNameStandsForOneLimit) {
  std::set<std::string_view> names;
  for (const Limit& limit : kLimits) {
    EXPECT_FALSE(limit.name.empty());
    names.insert(limit.name);
  }
  EXPECT_EQ(names.size(), kLimits.size());
}

TEST(Limits, BeyondASmallTaskTheyGrowInProportion) {
  EXPECT_EQ(limit_ns(Limited::completion_verification, 100), 20'000'000);
  EXPECT_EQ(limit_ns(Limited::completion_verification, 1000), 200'000'000);
  EXPECT_EQ(limit_ns(Limited::execution, 10'000), 2'000'000'000);
  EXPECT_EQ(limit_ns(Limited::execution, 1'000'000), 200'000'000'000);
  EXPECT_EQ(limit_ns(Limited::registration, 1'000'000), 30'000'000) << "this one has no size";
}

}  // namespace
}  // namespace freshet::metrics
