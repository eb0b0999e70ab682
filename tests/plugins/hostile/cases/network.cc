// Talking to somebody who is not the manager.
#include <arpa/inet.h>
#include <linux/netlink.h>
#include <linux/vm_sockets.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstddef>
#include <cstring>

#include "tests/plugins/hostile/cases/case.h"

namespace freshet::hostile {
namespace {

sockaddr_in loopback(int port) {
  sockaddr_in out{};
  out.sin_family = AF_INET;
  out.sin_port = htons(static_cast<std::uint16_t>(port));
  out.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return out;
}

template <class A>
const sockaddr* plain(const A& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

struct UnixAddress {
  sockaddr_un raw{};
  socklen_t length = 0;
};

UnixAddress unix_address(const std::string& name, bool abstract = false) {
  UnixAddress out;
  out.raw.sun_family = AF_UNIX;
  const std::size_t at = abstract ? 1 : 0;
  std::memcpy(out.raw.sun_path + at, name.data(), name.size());
  out.length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + at + name.size() + (abstract ? 0 : 1));
  return out;
}

void say_to(int fd, const sockaddr* address, socklen_t length, const std::string& word) {
  if (::connect(fd, address, length) == 0) [[maybe_unused]] const ssize_t sent = ::write(fd, word.data(), word.size());
}

void say_to_unix(int type, const UnixAddress& address, const std::string& word) {
  say_to(::socket(AF_UNIX, type, 0), plain(address.raw), address.length, word);
}

const Case kCases[] = {
    {"tcp", Evidence::heard,
     [](Scene& s) {
       const sockaddr_in to = loopback(s.port);
       say_to(::socket(AF_INET, SOCK_STREAM, 0), plain(to), sizeof to, s.word);
     }},
    {"tcp-without-connect", Evidence::heard,
     [](Scene& s) {
       const sockaddr_in to = loopback(s.port);
       (void)::sendto(::socket(AF_INET, SOCK_STREAM, 0), s.word.data(), s.word.size(), MSG_FASTOPEN, plain(to), sizeof to);
     }},
    {"tcp6", Evidence::heard,
     [](Scene& s) {
       sockaddr_in6 to{};
       to.sin6_family = AF_INET6;
       to.sin6_port = htons(static_cast<std::uint16_t>(s.port6));
       to.sin6_addr = in6addr_loopback;
       say_to(::socket(AF_INET6, SOCK_STREAM, 0), plain(to), sizeof to, s.word);
     }, "", 0, "IPv6 on the loopback"},
    {"udp", Evidence::heard,
     [](Scene& s) {
       const sockaddr_in to = loopback(s.udp);
       (void)::sendto(::socket(AF_INET, SOCK_DGRAM, 0), s.word.data(), s.word.size(), 0, plain(to), sizeof to);
     }},
    {"unix-in-grant", Evidence::heard, [](Scene& s) { say_to_unix(SOCK_STREAM, unix_address(s.in("socket")), s.word); }},
    {"unix-outside", Evidence::heard, [](Scene& s) { say_to_unix(SOCK_STREAM, unix_address(s.out("socket")), s.word); }},
    {"unix-datagram", Evidence::heard, [](Scene& s) { say_to_unix(SOCK_DGRAM, unix_address(s.out("datagrams")), s.word); }},
    {"unix-abstract", Evidence::heard, [](Scene& s) { say_to_unix(SOCK_STREAM, unix_address(s.abstract, true), s.word); }},
    {"unix-abstract-datagram", Evidence::heard,
     [](Scene& s) { say_to_unix(SOCK_DGRAM, unix_address(s.abstract + "-d", true), s.word); }},
    {"own-socket-elsewhere", Evidence::heard,
     [](Scene& s) {
       // A packet with an address, on the socket it was given.
       const UnixAddress to = unix_address(s.abstract + "-d", true);
       (void)::sendto(3, s.word.data(), s.word.size(), 0, plain(to.raw), to.length);
       say_to(3, plain(to.raw), to.length, s.word);
     }, "", 0, "a socket pair that can be connected again"},
    {"listen-tcp", Evidence::holds,
     [](Scene&) {
       const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
       const sockaddr_in any = loopback(0);
       if (::bind(fd, plain(any), sizeof any) != 0 || ::listen(fd, 1) != 0) ::close(fd);
     }, "socket:"},
    {"listen-unix-abstract", Evidence::holds,
     [](Scene& s) {
       const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
       const UnixAddress here = unix_address(s.word, true);
       if (::bind(fd, plain(here.raw), here.length) != 0 || ::listen(fd, 1) != 0) ::close(fd);
     }, "socket:"},
    {"listen-unix-in-grant", Evidence::changed,
     [](Scene& s) {
       const UnixAddress here = unix_address(s.in("new"));
       ::bind(::socket(AF_UNIX, SOCK_STREAM, 0), plain(here.raw), here.length);
     }},
    {"netlink-route", Evidence::holds, [](Scene&) { ::socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE); }, "socket:"},
    {"netlink-diagnosis", Evidence::holds, [](Scene&) { ::socket(AF_NETLINK, SOCK_RAW, NETLINK_SOCK_DIAG); }, "socket:"},
    {"netlink-kernel-events", Evidence::holds, [](Scene&) { ::socket(AF_NETLINK, SOCK_DGRAM, NETLINK_KOBJECT_UEVENT); }, "socket:"},
    {"netlink-audit", Evidence::holds, [](Scene&) { ::socket(AF_NETLINK, SOCK_RAW, NETLINK_AUDIT); }, "socket:", 0, "CONFIG_AUDIT"},
    {"raw-ip", Evidence::holds, [](Scene&) { ::socket(AF_INET, SOCK_RAW, IPPROTO_ICMP); }, "socket:", kRoot},
    {"packet", Evidence::holds, [](Scene&) { ::socket(AF_PACKET, SOCK_RAW, htons(3)); }, "socket:", kRoot},
    {"vsock-to-host", Evidence::holds, [](Scene&) { ::socket(AF_VSOCK, SOCK_STREAM, 0); }, "socket:"},
    {"socketpair", Evidence::holds,
     [](Scene&) {
       int pair[2];
       ::socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
     }, "socket:"},
    {"socket-by-old-entry", Evidence::holds,
     [](Scene&) {
       long result = 359;  // socket(2) of x86
       asm volatile("int $0x80" : "+a"(result) : "b"(1L), "c"(1L), "d"(0L) : "memory");
     }, "socket:"},
};

template <std::size_t N>
struct Names {
  char text[N][16];
};

// Every address family there is.
constexpr int kFamilies = 46;
const Names<kFamilies>& family_names() {
  static const Names<kFamilies> names = [] {
    Names<kFamilies> out{};
    for (int i = 0; i < kFamilies; ++i) {
      char* at = out.text[i];
      std::memcpy(at, "family-", 7);
      at[7] = static_cast<char>('0' + i / 10);
      at[8] = static_cast<char>('0' + i % 10);
    }
    return out;
  }();
  return names;
}

void any_socket(Scene& s) {
  for (const int type : {SOCK_STREAM, SOCK_DGRAM, SOCK_RAW, SOCK_SEQPACKET, SOCK_RDM})
    for (const int protocol : {0, 1, 2, 6})
      if (::socket(static_cast<int>(s.parameter), type, protocol) >= 0) return;
}

}  // namespace

std::span<const Case> network_cases() {
  constexpr std::size_t kFixed = std::size(kCases);
  static Case all[kFixed + kFamilies];
  static const bool filled = [] {
    for (std::size_t i = 0; i < kFixed; ++i) all[i] = kCases[i];
    for (int i = 0; i < kFamilies; ++i)
      all[kFixed + static_cast<std::size_t>(i)] = {family_names().text[i], Evidence::holds, any_socket, "socket:", 0, "this address family", i};
    return true;
  }();
  return filled ? std::span<const Case>(all) : std::span<const Case>();
}

}  // namespace freshet::hostile
