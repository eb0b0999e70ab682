#include "runtime/worker/event_writer.h"

#include <unistd.h>

#include "runtime/wire/packet.h"

namespace freshet::worker {

EventWriter::EventWriter(int socket) : socket_(socket) {
  packet_.reserve(wire::kMaxPacket);
  packet_.push_back(static_cast<std::uint8_t>(wire::MessageType::events));
}

void EventWriter::flush() {
  const MutexLock lock(mutex_);
  send();
}

void EventWriter::send() {
  if (packet_.size() == 1) return;
  if (!wire::send_packet(socket_, packet_)) ::_exit(1);
  packet_.resize(1);
}

}  // namespace freshet::worker
