#include "runtime/manager/result_sharing.h"

#include "runtime/manager/timers.h"

namespace freshet {

std::optional<CleanupResult> Flight::wait(const std::stop_token& stop) {
  const std::stop_callback wake(stop, [this] {
    const MutexLock lock(mutex_);
    landed_.notify_all();
  });
  const MutexLock lock(mutex_);
  ++waiting_;
  while (!result_ && !stop.stop_requested()) landed_.wait(mutex_);
  --waiting_;
  return result_;
}

std::size_t Flight::waiting() {
  const MutexLock lock(mutex_);
  return waiting_;
}

void Flight::land(const CleanupResult& result) {
  const MutexLock lock(mutex_);
  result_ = result;
  landed_.notify_all();
}

std::shared_ptr<Flight> ResultSharing::begin(const std::string& name) {
  const MutexLock lock(mutex_);
  const auto [at, mine] = flights_.try_emplace(name);
  if (!mine) return at->second;
  at->second = std::make_shared<Flight>();
  return nullptr;
}

void ResultSharing::end(const std::string& name, const CleanupResult& result) {
  std::shared_ptr<Flight> flight;
  {
    const MutexLock lock(mutex_);
    const auto at = flights_.find(name);
    if (at == flights_.end()) return;
    flight = std::move(at->second);
    flights_.erase(at);
  }
  flight->land(result);
}

bool ResultSharing::busy(const std::string& name) {
  const MutexLock lock(mutex_);
  return flights_.contains(name);
}

std::size_t ResultSharing::waiting() {
  const MutexLock lock(mutex_);
  std::size_t out = 0;
  for (const auto& [name, flight] : flights_) out += flight->waiting();
  return out;
}

bool ChannelTurns::enter(const std::string& channel, const std::stop_token& stop, std::int64_t& waited_ns) {
  const std::stop_callback wake(stop, [this] {
    const MutexLock lock(mutex_);
    left_.notify_all();
  });
  const MutexLock lock(mutex_);
  bool& taken = taken_[channel];
  waited_ns = 0;
  if (taken) {
    const Span waiting(waited_ns);
    ++waiting_;
    while (taken && !stop.stop_requested()) left_.wait(mutex_);
    --waiting_;
  }
  if (taken) return false;
  taken = true;
  return true;
}

void ChannelTurns::leave(const std::string& channel) {
  const MutexLock lock(mutex_);
  taken_[channel] = false;
  left_.notify_all();
}

std::size_t ChannelTurns::waiting() {
  const MutexLock lock(mutex_);
  return waiting_;
}

}  // namespace freshet
