// Knows that the host behind the SDK is in its own process, and speaks to the manager past it: packets of its own on the
// worker's socket. `how` says what they claim.
#include <fcntl.h>
#include <freshet/plugin.hpp>
#include <sys/socket.h>
#include <sys/stat.h>

#include "runtime/wire/messages.h"
#include "runtime/wire/packet.h"

FRESHET_MANIFEST(R"(
id = "org.freshet.test.forge-wire"
version = "1.0.0"
license = "MIT"
abi = { min = "1.0", below = "2.0" }
permissions = { required = ["remove"] }
[task.forge-wire]
doc = "Hostile, for the tests"
[task.forge-wire.settings]
how = { type = "string", default = "parent-name", values = ["parent-name", "slash-name", "unknown-directory", "far-directory", "device", "foreign-root", "next-root", "ipc-object", "garbage", "empty", "hello", "broker-message", "flood"], doc = "For the test" }
)");

namespace {

namespace wire = freshet::wire;

constexpr int kSocket = 3;  // the one descriptor a worker is started with

void send(const std::vector<std::uint8_t>& bytes) {
  iovec part{const_cast<std::uint8_t*>(bytes.data()), bytes.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  (void)::sendmsg(kSocket, &message, MSG_NOSIGNAL);
}

template <class Event>
void append(std::vector<std::uint8_t>& packet, const Event& event) {
  packet.push_back(static_cast<std::uint8_t>(Event::kEvent));
  wire::Encoder encoder(packet);
  wire::visit(encoder, event);
}

// The manager knows its roots, so this part of the lie is true. A private root has them at /r/N.
wire::DirectoryEvent true_root(const freshet::Host& host) {
  struct statx raw {};
  const std::string path(host.roots().at(0).path);
  if (::statx(AT_FDCWD, "/r/0", 0, freshet::kEntryStatMask, &raw) != 0)
    (void)::statx(AT_FDCWD, path.c_str(), 0, freshet::kEntryStatMask, &raw);
  wire::DirectoryEvent out;
  out.inode = raw.stx_ino;
  out.birth_ns = raw.stx_btime.tv_sec * 1'000'000'000 + raw.stx_btime.tv_nsec;
  out.mtime_ns = raw.stx_mtime.tv_sec * 1'000'000'000 + raw.stx_mtime.tv_nsec;
  return out;
}

// One packet: the root was opened, and an entry of it is proposed.
std::vector<std::uint8_t> finding_packet(const wire::DirectoryEvent& directory, const wire::FindingEvent& finding) {
  std::vector<std::uint8_t> packet{static_cast<std::uint8_t>(wire::MessageType::events)};
  append(packet, directory);
  append(packet, finding);
  return packet;
}

class ForgeWire final : public freshet::Task {
 public:
  explicit ForgeWire(const freshet::Settings& settings) : how_(settings.string("how")) {}

  void scan(freshet::Host& host) override {
    wire::DirectoryEvent directory = true_root(host);
    wire::FindingEvent finding;
    finding.name = "victim";
    finding.identity.inode = 3;
    finding.identity.type = freshet::EntryType::file;
    finding.reason = "forged";
    if (how_ == "parent-name") finding.name = "..";
    if (how_ == "slash-name") finding.name = "../victim";
    if (how_ == "unknown-directory") finding.directory = 77;
    if (how_ == "far-directory") directory.id = 0xFFFFFFF0U;
    if (how_ == "device") finding.identity.type = freshet::EntryType::block_device;
    if (how_ == "foreign-root") directory.root = 47;
    if (how_ == "next-root") directory.root = 1;
    if (how_ == "ipc-object") {
      std::vector<std::uint8_t> packet{static_cast<std::uint8_t>(wire::MessageType::events)};
      append(packet, wire::IpcEvent{0, wire::FindingKind::leftover, "forged"});
      return send(packet);
    }
    if (how_ == "garbage") return send(std::vector<std::uint8_t>(4096, 0xA5));
    if (how_ == "empty") return send({});
    if (how_ == "hello") {
      std::vector<std::uint8_t> packet;
      wire::encode_message(wire::Hello{}, packet);
      return send(packet);
    }
    if (how_ == "broker-message") {
      std::vector<std::uint8_t> packet;
      wire::encode_message(wire::SlotsReady{.count = 1}, packet);
      return send(packet);
    }
    send(finding_packet(directory, finding));
    if (how_ != "flood") return;
    std::vector<std::uint8_t> packet{static_cast<std::uint8_t>(wire::MessageType::events)};
    append(packet, finding);
    for (long i = 0; i < 10'000'000L; ++i) send(packet);
  }

 private:
  std::string how_;
};

}  // namespace

FRESHET_PLUGIN(freshet::kind<ForgeWire>("forge-wire"))
