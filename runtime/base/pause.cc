#include "runtime/base/pause.h"

#include <condition_variable>
#include <mutex>

namespace freshet {

void pause_for(std::chrono::milliseconds time, const std::stop_token& stop) {
  std::mutex mutex;  // guards nothing: a stop_token can only wake a condition
  std::condition_variable_any wake;
  std::unique_lock lock(mutex);
  wake.wait_for(lock, stop, time, [] { return false; });
}

}  // namespace freshet
