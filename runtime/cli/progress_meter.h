#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "runtime/manager/runs.h"
#include "runtime/report/style.h"

namespace freshet::cli {

// Sums the progress of all tasks into one line: what is done now, how much, how fast. No clock and no stream
// of its own. Not thread-safe.
class ProgressMeter {
 public:
  // `now_ns` is monotonic. True when something new has begun, which people should see at once.
  bool take(const Progress& progress, std::int64_t now_ns);
  // Fits in `style.width` - 1 columns; empty before the first progress.
  [[nodiscard]] std::string line(std::int64_t now_ns, const report::Style& style) const;

 private:
  std::string phase_;
  std::int64_t phase_began_ns_ = 0;
  std::map<std::string, Progress> tasks_;  // of this phase, by name
};

}  // namespace freshet::cli
