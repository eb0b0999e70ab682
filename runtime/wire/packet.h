#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "runtime/base/error.h"
#include "runtime/base/fd.h"
#include "runtime/wire/codec.h"
#include "runtime/wire/messages.h"

namespace freshet::wire {

// A pair of connected SOCK_SEQPACKET sockets, both close-on-exec.
Result<std::pair<Fd, Fd>> make_socket_pair();

inline constexpr std::size_t kMaxFdsInPacket = 128;

struct Received {
  std::string_view bytes;  // into the buffer given; the first byte is the MessageType
  std::vector<Fd> fds;
  bool closed = false;     // the peer is gone; bytes is empty
  bool again = false;      // nothing there (only with wait = false)
};

// One packet. Truncated packets, unexpected descriptors beyond the cap and EMSGSIZE are errors of kind `peer`; every
// descriptor that came with a refused packet is closed. EINTR is retried. `buffer` must hold kMaxPacket bytes.
Result<Received> receive_packet(int socket, std::span<char> buffer, bool wait = true);

// Sends one packet (never SIGPIPE). Error kind `peer` when the other end is gone.
Status send_packet(int socket, std::span<const std::uint8_t> bytes, std::span<const int> fds = {});

// Encodes `message` behind its type byte and sends it.
template <class M>
Status send_message(int socket, const M& message, std::span<const int> fds = {}) {
  std::vector<std::uint8_t> bytes;
  encode_message(message, bytes);
  return send_packet(socket, bytes, fds);
}

// Decodes a whole packet as M: wrong type byte, short, long or over a cap is false.
template <class M>
[[nodiscard]] bool decode_message(std::string_view packet, M& out) {
  if (packet.empty() || static_cast<std::uint8_t>(packet[0]) != static_cast<std::uint8_t>(M::kType)) return false;
  Decoder decoder(packet.substr(1));
  visit(decoder, out);
  return decoder.done();
}

template <class M>
void encode_message(const M& message, std::vector<std::uint8_t>& out) {
  out.clear();
  out.push_back(static_cast<std::uint8_t>(M::kType));
  Encoder encoder(out);
  visit(encoder, message);
}

}  // namespace freshet::wire
