#include "runtime/broker/teller.h"

#include "runtime/base/clock.h"

namespace freshet::broker {
namespace {

constexpr std::uint64_t kEvery = 256;                // entries
constexpr std::int64_t kNotOftener = 100'000'000;    // ns
constexpr std::int64_t kNotSeldomer = 30'000'000'000;  // ns; a disk may take long for one entry

}  // namespace

Verdict Teller::one_done(std::uint64_t bytes) {
  so_far_.bytes += bytes;
  ++so_far_.done;
  const std::int64_t now = SystemClock().monotonic();
  if (silent_since_ns_ == 0) silent_since_ns_ = now;
  if (so_far_.done % kEvery != 0 && now - silent_since_ns_ < kNotSeldomer) return {};
  if (now - told_ns_ < kNotOftener) return {};
  told_ns_ = silent_since_ns_ = now;
  return session_.send(so_far_);
}

}  // namespace freshet::broker
