#pragma once

#include <cstdint>
#include <vector>

#include "runtime/base/mutex.h"
#include "runtime/wire/messages.h"

namespace freshet::worker {

// Collects events of a scan and sends them a packet at a time. Blocks while the manager is slow: that is the only flow
// control there is. Thread-safe. When the manager is gone the process ends.
class EventWriter {
 public:
  explicit EventWriter(int socket);

  // Every string of `event` is within its cap.
  template <class E>
  void add(const E& event) {
    const MutexLock lock(mutex_);
    if (packet_.size() > wire::kMaxPacket - kMaxEvent) send();
    packet_.push_back(static_cast<std::uint8_t>(E::kEvent));
    wire::Encoder encoder(packet_);
    visit(encoder, event);
  }
  void flush();

 private:
  static constexpr std::size_t kMaxEvent = 2048;  // more than the longest: a log line, or a name and a reason

  void send() FRESHET_REQUIRES(mutex_);

  const int socket_;

  Mutex mutex_;
  std::vector<std::uint8_t> packet_ FRESHET_GUARDED_BY(mutex_);
};

}  // namespace freshet::worker
