#pragma once

#include <cstdint>
#include <ctime>

namespace freshet {

// Time behind one narrow interface, so that tests tick by hand. Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  // CLOCK_REALTIME, nanoseconds since the epoch.
  [[nodiscard]] virtual std::int64_t now() const = 0;
  // CLOCK_MONOTONIC, nanoseconds; only differences mean something.
  [[nodiscard]] virtual std::int64_t monotonic() const = 0;
};

class SystemClock final : public Clock {
 public:
  [[nodiscard]] std::int64_t now() const override;
  [[nodiscard]] std::int64_t monotonic() const override;
};

// For utimensat(2) and the like; before the epoch too.
timespec timespec_of(std::int64_t nanoseconds);

}  // namespace freshet
