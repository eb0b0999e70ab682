#include "runtime/wire/packet.h"

#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace freshet::wire {

Result<std::pair<Fd, Fd>> make_socket_pair() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) return fail_errno("socketpair");
  return std::pair<Fd, Fd>{Fd(ends[0]), Fd(ends[1])};
}

Result<Received> receive_packet(int socket, std::span<char> buffer, bool wait) {
  Received out;
  iovec part{buffer.data(), buffer.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * kMaxFdsInPacket)];
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control;
  header.msg_controllen = sizeof control;
  ssize_t got = 0;
  bool reset = false;
  do {
    got = ::recvmsg(socket, &header, MSG_CMSG_CLOEXEC | (wait ? 0 : MSG_DONTWAIT));
    // A peer that ended with packets of ours unread is reported once before what it sent: its last word comes behind.
    if (got < 0 && errno == ECONNRESET && !std::exchange(reset, true)) errno = EINTR;
  } while (got < 0 && errno == EINTR);
  if (got < 0) {
    if (!wait && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      out.again = true;
      return out;
    }
    if (errno == ECONNRESET) {
      out.closed = true;
      return out;
    }
    return fail(ErrorKind::peer, "receiving a packet: " + errno_text(errno));
  }
  for (cmsghdr* part_header = CMSG_FIRSTHDR(&header); part_header != nullptr;
       part_header = CMSG_NXTHDR(&header, part_header)) {
    if (part_header->cmsg_level != SOL_SOCKET || part_header->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (part_header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(part_header) + i * sizeof(int), sizeof fd);
      out.fds.emplace_back(fd);
    }
  }
  if (got == 0) {
    out.closed = true;  // no message of ours is empty
    out.fds.clear();
    return out;
  }
  if (header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) return fail(ErrorKind::peer, "a packet over the cap was received");
  out.bytes = std::string_view(buffer.data(), static_cast<std::size_t>(got));
  return out;
}

Status send_packet(int socket, std::span<const std::uint8_t> bytes, std::span<const int> fds) {
  if (bytes.size() > kMaxPacket || fds.size() > kMaxFdsInPacket)
    return fail(ErrorKind::bug, "a packet of " + std::to_string(bytes.size()) + " bytes is over the cap");
  iovec part{const_cast<std::uint8_t*>(bytes.data()), bytes.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * kMaxFdsInPacket)] = {};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  if (!fds.empty()) {
    header.msg_control = control;
    header.msg_controllen = CMSG_SPACE(sizeof(int) * fds.size());
    cmsghdr* rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof(int) * fds.size());
    std::memcpy(CMSG_DATA(rights), fds.data(), sizeof(int) * fds.size());
  }
  ssize_t sent = 0;
  do {
    sent = ::sendmsg(socket, &header, MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  if (sent < 0) return fail(ErrorKind::peer, "sending a packet: " + errno_text(errno));
  return {};
}

}  // namespace freshet::wire
