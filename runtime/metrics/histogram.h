#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace freshet::metrics {

// How values are spread: of times in ns, or of sizes in bytes. Its buckets are fixed and log-spaced, eight to each power
// of two, so that histograms of any two programs can be added. A plain value of 4 KiB, not thread-safe: see Book.
class Histogram {
 public:
  static constexpr std::size_t kBuckets = 496;
  // Values below 8 have a bucket each; of a larger one a percentile is off by at most this share of the true value.
  static constexpr double kRelativeError = 1.0 / 16;

  // The bucket of a value, and the smallest value of a bucket. O(1).
  static constexpr std::size_t bucket_of(std::uint64_t value) {
    if (value < 8) return static_cast<std::size_t>(value);
    const unsigned power = static_cast<unsigned>(std::bit_width(value)) - 1;
    return (power - 2) * 8 + static_cast<std::size_t>((value >> (power - 3)) & 7);
  }
  static constexpr std::uint64_t smallest_of(std::size_t bucket) {
    if (bucket < 8) return bucket;
    return (8 + std::uint64_t{bucket % 8}) << (bucket / 8 - 1);
  }
  // The largest value of a bucket.
  static constexpr std::uint64_t largest_of(std::size_t bucket) {
    return bucket + 1 < kBuckets ? smallest_of(bucket + 1) - 1 : ~std::uint64_t{0};
  }

  void add(std::uint64_t value);
  void add_time(std::int64_t ns) { add(ns > 0 ? static_cast<std::uint64_t>(ns) : 0); }
  void add(const Histogram& other);

  [[nodiscard]] std::uint64_t count() const { return count_; }
  [[nodiscard]] std::uint64_t sum() const { return sum_; }
  [[nodiscard]] std::uint64_t smallest() const { return count_ == 0 ? 0 : smallest_; }  // exact
  [[nodiscard]] std::uint64_t largest() const { return largest_; }                      // exact
  [[nodiscard]] std::uint64_t in_bucket(std::size_t bucket) const { return buckets_[bucket]; }

  // The value that `share` of all values do not exceed (nearest rank): 0.5 the median, 0 the smallest, 1 the largest,
  // both exact. Off by at most kRelativeError. 0 when there is no value. O(kBuckets).
  [[nodiscard]] std::uint64_t percentile(double share) const;

 private:
  std::array<std::uint64_t, kBuckets> buckets_{};
  std::uint64_t count_ = 0;
  std::uint64_t sum_ = 0;
  std::uint64_t smallest_ = ~std::uint64_t{0};
  std::uint64_t largest_ = 0;
};

}  // namespace freshet::metrics
