#pragma once

#include <cstdint>

#include "runtime/broker/session.h"

namespace freshet::broker {

// Says how far a long phase has come, for people who wait at a terminal and for a manager that ends a broker which says
// nothing: by the clock, seldom, so that it costs nothing.
class Teller {
 public:
  explicit Teller(const Session& session) : session_(session) {}

  // One more is done; `bytes` of it came free. An error: the manager is gone.
  Verdict one_done(std::uint64_t bytes = 0);

 private:
  const Session& session_;
  wire::Working so_far_;
  std::int64_t told_ns_ = 0;          // monotonic, as the next
  std::int64_t silent_since_ns_ = 0;  // when it told last, or began
};

}  // namespace freshet::broker
