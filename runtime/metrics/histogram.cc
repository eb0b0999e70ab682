#include "runtime/metrics/histogram.h"

#include <algorithm>
#include <cmath>

namespace freshet::metrics {

static_assert(Histogram::bucket_of(~std::uint64_t{0}) + 1 == Histogram::kBuckets);

void Histogram::add(std::uint64_t value) {
  ++buckets_[bucket_of(value)];
  ++count_;
  sum_ += value;
  smallest_ = std::min(smallest_, value);
  largest_ = std::max(largest_, value);
}

void Histogram::add(const Histogram& other) {
  for (std::size_t i = 0; i < kBuckets; ++i) buckets_[i] += other.buckets_[i];
  count_ += other.count_;
  sum_ += other.sum_;
  smallest_ = std::min(smallest_, other.smallest_);
  largest_ = std::max(largest_, other.largest_);
}

std::uint64_t Histogram::percentile(double share) const {
  if (count_ == 0) return 0;
  const double wanted = std::ceil(std::clamp(share, 0.0, 1.0) * static_cast<double>(count_));
  const std::uint64_t rank = std::clamp<std::uint64_t>(static_cast<std::uint64_t>(wanted), 1, count_);
  if (rank == 1) return smallest_;
  if (rank == count_) return largest_;
  std::uint64_t below = 0;
  std::size_t bucket = 0;
  while (below + buckets_[bucket] < rank) below += buckets_[bucket++];
  const std::uint64_t low = smallest_of(bucket);
  const std::uint64_t middle = low + (largest_of(bucket) - low) / 2;
  return std::clamp(middle, smallest_, largest_);
}

}  // namespace freshet::metrics
