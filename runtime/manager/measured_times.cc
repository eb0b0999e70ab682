#include "runtime/manager/measured_times.h"

#include <string>

namespace freshet {

void MeasuredTimes::take(const MeasuredTimes& news) {
  for (std::size_t i = 0; i < times_.size(); ++i)
    if (news.times_[i].ns >= 0) times_[i] = news.times_[i];
}

std::vector<LimitMeasured> MeasuredTimes::list() const {
  std::vector<LimitMeasured> out;
  for (std::size_t i = 0; i < times_.size(); ++i) {
    const Time& time = times_[i];
    if (time.ns < 0) continue;
    const std::int64_t limit = metrics::limit_ns(static_cast<metrics::Limited>(i), time.size);
    out.push_back({std::string(metrics::kLimits[i].name), time.ns, limit, time.ns <= limit});
  }
  return out;
}

}  // namespace freshet
