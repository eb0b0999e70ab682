#include "runtime/broker/teller.h"

#include "runtime/base/clock.h"

namespace freshet::broker {
namespace {

constexpr std::int64_t kNotOftener = 100'000'000;  // ns

}  // namespace

Verdict Teller::one_done(std::uint64_t bytes) {
  so_far_.bytes += bytes;
  ++so_far_.done;
  const std::int64_t now = SystemClock().monotonic();
  if (now - told_ns_ < kNotOftener) return {};
  told_ns_ = now;
  return session_.send(so_far_);
}

}  // namespace freshet::broker
