#include "runtime/metrics/histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

namespace freshet::metrics {
namespace {

TEST(Histogram, EveryBucketBeginsWhereTheOneBeforeEnds) {
  EXPECT_EQ(Histogram::smallest_of(0), 0U);
  for (std::size_t i = 0; i < Histogram::kBuckets; ++i) {
    EXPECT_EQ(Histogram::bucket_of(Histogram::smallest_of(i)), i);
    EXPECT_EQ(Histogram::bucket_of(Histogram::largest_of(i)), i);
    EXPECT_LE(Histogram::smallest_of(i), Histogram::largest_of(i));
  }
  EXPECT_EQ(Histogram::largest_of(Histogram::kBuckets - 1), ~std::uint64_t{0});
}

TEST(Histogram, APercentileIsOffByNoMoreThanIsSaid) {
  std::mt19937_64 random(7);
  std::lognormal_distribution<double> spread(12, 4);  // ns to minutes
  for (const std::size_t count : {1U, 2U, 3U, 10U, 1000U, 20000U}) {
    Histogram histogram;
    std::vector<std::uint64_t> values;
    for (std::size_t i = 0; i < count; ++i) {
      values.push_back(static_cast<std::uint64_t>(spread(random)));
      histogram.add(values.back());
    }
    std::ranges::sort(values);
    for (const double share : {0.0, 0.01, 0.25, 0.5, 0.9, 0.99, 0.999, 1.0}) {
      const auto rank = static_cast<std::size_t>(std::max(1.0, std::ceil(share * static_cast<double>(count))));
      const auto exact = static_cast<double>(values[rank - 1]);
      EXPECT_LE(std::abs(static_cast<double>(histogram.percentile(share)) - exact), exact * Histogram::kRelativeError + 0.5)
          << share << " of " << count;
    }
    EXPECT_EQ(histogram.percentile(0), values.front());
    EXPECT_EQ(histogram.percentile(1), values.back());
    EXPECT_EQ(histogram.smallest(), values.front());
    EXPECT_EQ(histogram.largest(), values.back());
  }
}

TEST(Histogram, WithoutValuesEverythingIsZero) {
  const Histogram histogram;
  EXPECT_EQ(histogram.count(), 0U);
  EXPECT_EQ(histogram.smallest(), 0U);
  EXPECT_EQ(histogram.largest(), 0U);
  EXPECT_EQ(histogram.percentile(0.5), 0U);
}

TEST(Histogram, ATimeThatRanBackwardsCountsAsNone) {
  Histogram histogram;
  histogram.add_time(-5);
  EXPECT_EQ(histogram.in_bucket(0), 1U);
  EXPECT_EQ(histogram.sum(), 0U);
}

TEST(Histogram, TheExtremesOfTheRangeHaveTheirPlace) {
  Histogram histogram;
  histogram.add(std::uint64_t{0});
  histogram.add(~std::uint64_t{0});
  EXPECT_EQ(histogram.in_bucket(0), 1U);
  EXPECT_EQ(histogram.in_bucket(Histogram::kBuckets - 1), 1U);
  EXPECT_EQ(histogram.percentile(1), ~std::uint64_t{0});
}

TEST(Histogram, TwoAddedAreAsOneOfAllValues) {
  Histogram first;
  Histogram second;
  Histogram all;
  for (std::uint64_t value = 1; value < 2'000'000; value = value * 3 / 2 + 1) {
    (value % 2 == 0 ? first : second).add(value);
    all.add(value);
  }
  first.add(second);
  EXPECT_EQ(first.count(), all.count());
  EXPECT_EQ(first.sum(), all.sum());
  EXPECT_EQ(first.smallest(), all.smallest());
  EXPECT_EQ(first.largest(), all.largest());
  for (std::size_t i = 0; i < Histogram::kBuckets; ++i) EXPECT_EQ(first.in_bucket(i), all.in_bucket(i)) << i;
}

}  // namespace
}  // namespace freshet::metrics
