// Packets past the host, on the socket of the worker. Each begins with truths (the root is opened), so that only the lie
// is left to be found.
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cstring>
#include <limits>
#include <vector>

#include "runtime/wire/messages.h"
#include "runtime/wire/packet.h"
#include "tests/plugins/hostile/cases/case.h"

namespace freshet::hostile {
namespace {

using Bytes = std::vector<std::uint8_t>;

void send(const Bytes& bytes) { [[maybe_unused]] const ssize_t sent = ::send(3, bytes.data(), bytes.size(), MSG_NOSIGNAL); }

class Packet {
 public:
  template <class Event>
  Packet& say(const Event& event) {
    bytes_.push_back(static_cast<std::uint8_t>(Event::kEvent));
    wire::Encoder encoder(bytes_);
    wire::visit(encoder, event);
    return *this;
  }
  void send() const { hostile::send(bytes_); }
  Bytes& bytes() { return bytes_; }

 private:
  Bytes bytes_{static_cast<std::uint8_t>(wire::MessageType::events)};
};

struct stat look(const std::string& path) {
  struct stat info {};
  ::stat(path.c_str(), &info);
  return info;
}

wire::DirectoryEvent root_event(const Scene& s) {
  wire::DirectoryEvent out;
  out.inode = look(s.grant).st_ino;
  return out;
}

wire::DirectoryEvent below(std::uint32_t id, std::uint32_t parent, std::string_view name, std::uint64_t inode) {
  wire::DirectoryEvent out;
  out.id = id;
  out.parent = parent;
  out.name = name;
  out.inode = inode;
  return out;
}

// True but for what the caller changes.
wire::FindingEvent finding(const Scene& s) {
  wire::FindingEvent out;
  const struct stat info = look(s.in("file"));
  out.name = "file";
  out.identity.inode = info.st_ino;
  out.identity.type = EntryType::file;
  out.identity.size = static_cast<std::uint64_t>(info.st_size);
  out.identity.mtime_ns = info.st_mtim.tv_sec * 1'000'000'000 + info.st_mtim.tv_nsec;
  out.mtime_ns = out.identity.mtime_ns;
  out.reason = "forged";
  return out;
}

void forge_name(Scene& s, std::string_view name) {
  wire::FindingEvent forged = finding(s);
  forged.name = name;
  Packet().say(root_event(s)).say(forged).send();
}

template <class M>
void send_message(const M& message) {
  Bytes bytes;
  wire::encode_message(message, bytes);
  send(bytes);
}

// A message of another direction, role or moment: its type alone, and nothing behind it.
void send_type(Scene& s) {
  Bytes bytes(1, static_cast<std::uint8_t>(s.parameter));
  bytes.resize(9);
  send(bytes);
}

// `fd` so many times with one packet of so many bytes.
void send_descriptors(std::size_t count, int fd, std::size_t bytes = 1) {
  char byte = static_cast<char>(wire::MessageType::events);
  iovec part{&byte, bytes};
  std::vector<char> control(CMSG_SPACE(sizeof(int) * count));
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control.data();
  header.msg_controllen = control.size();
  cmsghdr* rights = CMSG_FIRSTHDR(&header);
  rights->cmsg_level = SOL_SOCKET;
  rights->cmsg_type = SCM_RIGHTS;
  rights->cmsg_len = CMSG_LEN(sizeof(int) * count);
  for (std::size_t i = 0; i < count; ++i) std::memcpy(CMSG_DATA(rights) + i * sizeof fd, &fd, sizeof fd);
  ::sendmsg(3, &header, 0);
}

const Case kCases[] = {
    {"name-dotdot", Evidence::accepted, [](Scene& s) { forge_name(s, ".."); }},
    {"name-dot", Evidence::accepted, [](Scene& s) { forge_name(s, "."); }},
    {"name-empty", Evidence::accepted, [](Scene& s) { forge_name(s, ""); }},
    {"name-with-slash", Evidence::accepted, [](Scene& s) { forge_name(s, "../outside/secret"); }},
    {"name-absolute", Evidence::accepted, [](Scene& s) { forge_name(s, "/etc/passwd"); }},
    {"name-with-nul", Evidence::accepted, [](Scene& s) { forge_name(s, std::string_view("file\0/..", 8)); }},
    {"name-too-long", Evidence::accepted, [](Scene& s) { forge_name(s, std::string(256, 'x')); }},
    {"name-of-area", Evidence::accepted, [](Scene& s) { forge_name(s, ".freshet"); }},
    {"name-excluded", Evidence::accepted, [](Scene& s) { forge_name(s, "excluded"); }},
    {"reason-not-utf8", Evidence::accepted,
     [](Scene& s) {
       wire::FindingEvent forged = finding(s);
       forged.reason = "\xff\x1b[2J";
       Packet().say(root_event(s)).say(forged).send();
     }},
    {"reason-too-long", Evidence::accepted,
     [](Scene& s) {
       wire::FindingEvent forged = finding(s);
       const std::string reason(wire::kMaxReason + 1, 'x');
       forged.reason = reason;
       Packet().say(root_event(s)).say(forged).send();
     }},
    {"directory-never-opened", Evidence::accepted,
     [](Scene& s) {
       wire::FindingEvent forged = finding(s);
       forged.directory = 77;
       Packet().say(root_event(s)).say(forged).send();
     }},
    {"directory-without-root", Evidence::accepted, [](Scene& s) { Packet().say(finding(s)).send(); }},
    {"type-unknown", Evidence::accepted,
     [](Scene& s) {
       wire::FindingEvent forged = finding(s);
       forged.identity.type = EntryType::unknown;
       Packet().say(root_event(s)).say(forged).send();
     }},
    {"type-beyond", Evidence::accepted,
     [](Scene& s) {
       wire::FindingEvent forged = finding(s);
       forged.identity.type = static_cast<EntryType>(200);
       Packet().say(root_event(s)).say(forged).send();
     }},
    {"type-device", Evidence::accepted,
     [](Scene& s) {
       wire::FindingEvent forged = finding(s);
       forged.identity.type = EntryType::block_device;
       Packet().say(root_event(s)).say(forged).send();
     }},
    {"kind-beyond", Evidence::accepted,
     [](Scene& s) {
       wire::FindingEvent forged = finding(s);
       forged.kind = static_cast<wire::FindingKind>(99);
       Packet().say(root_event(s)).say(forged).send();
     }},
    {"root-of-another-channel", Evidence::accepted,
     [](Scene& s) {
       wire::DirectoryEvent foreign = root_event(s);
       foreign.root = 1;
       Packet().say(foreign).say(finding(s)).send();
     }},
    {"root-with-another-inode", Evidence::accepted,
     [](Scene& s) {
       wire::DirectoryEvent other = root_event(s);
       other.inode = 2;
       Packet().say(other).say(finding(s)).send();
     }},
    {"root-with-a-name", Evidence::accepted,
     [](Scene& s) {
       wire::DirectoryEvent named = root_event(s);
       named.name = "etc";
       Packet().say(named).say(finding(s)).send();
     }},
    {"directory-out-of-order", Evidence::accepted,
     [](Scene& s) {
       wire::FindingEvent forged = finding(s);
       forged.directory = 5;
       Packet().say(root_event(s)).say(below(5, 0, "dir", 9)).say(forged).send();
     }},
    {"directory-is-its-own-parent", Evidence::accepted,
     [](Scene& s) {
       wire::FindingEvent forged = finding(s);
       forged.directory = 1;
       Packet().say(root_event(s)).say(below(1, 1, "dir", 9)).say(forged).send();
     }},
    {"directory-named-dotdot", Evidence::accepted,
     [](Scene& s) {
       wire::FindingEvent forged = finding(s);
       forged.directory = 1;
       Packet().say(root_event(s)).say(below(1, 0, "..", 9)).say(forged).send();
     }},
    {"directory-excluded", Evidence::accepted,
     [](Scene& s) {
       wire::FindingEvent forged = finding(s);
       forged.directory = 1;
       Packet().say(root_event(s)).say(below(1, 0, "excluded", 9)).say(forged).send();
     }},
    {"directory-is-the-area", Evidence::accepted,
     [](Scene& s) {
       wire::FindingEvent forged = finding(s);
       forged.directory = 1;
       Packet().say(root_event(s)).say(below(1, 0, ".freshet", 9)).say(forged).send();
     }},
    {"end-of-directory-never-opened", Evidence::accepted,
     [](Scene& s) { Packet().say(root_event(s)).say(wire::DirectoryEndEvent{9, 1, true}).say(finding(s)).send(); }},
    {"unread-of-root-not-granted", Evidence::accepted,
     [](Scene& s) {
       wire::UnreadEvent unread;
       unread.root = 4'000'000'000U;
       Packet().say(root_event(s)).say(unread).say(finding(s)).send();
     }},
    {"unread-below-directory-never-opened", Evidence::accepted,
     [](Scene& s) {
       wire::UnreadEvent unread;
       unread.directory = 12345;
       Packet().say(root_event(s)).say(unread).say(finding(s)).send();
     }},
    {"event-beyond", Evidence::accepted,
     [](Scene& s) {
       Packet packet;
       packet.say(root_event(s));
       packet.bytes().push_back(200);
       packet.say(finding(s)).send();
     }},
    {"cut-in-the-middle", Evidence::accepted,
     [](Scene& s) {
       Packet packet;
       packet.say(root_event(s)).say(finding(s));
       packet.bytes().resize(packet.bytes().size() - 3);
       packet.send();
     }},
    {"bytes-behind-the-end", Evidence::accepted,
     [](Scene& s) {
       Packet packet;
       packet.say(root_event(s)).say(finding(s));
       packet.bytes().push_back(0);
       packet.send();
     }},
    {"count-beyond-the-packet", Evidence::accepted,
     [](Scene& s) {
       Packet packet;
       packet.say(root_event(s));
       packet.bytes().push_back(static_cast<std::uint8_t>(wire::EventType::log));
       for (const int byte : {3, 255, 255, 255, 255}) packet.bytes().push_back(static_cast<std::uint8_t>(byte));
       packet.send();
     }},
    {"packet-empty", Evidence::accepted, [](Scene&) { send({}); }},
    {"packet-of-noise", Evidence::accepted, [](Scene&) { send(Bytes(4096, 0xA5)); }},
    {"packet-of-zeros", Evidence::accepted, [](Scene&) { send(Bytes(4096, 0)); }},
    {"packet-too-large", Evidence::accepted,
     [](Scene& s) {
       Packet packet;
       packet.say(root_event(s)).say(finding(s));
       wire::LogEvent line;
       const std::string text(1000, 'x');
       line.text = text;
       while (packet.bytes().size() < wire::kMaxPacket + 10) packet.say(line);
       packet.send();
     }},
    {"descriptor", Evidence::accepted, [](Scene&) { send_descriptors(1, 3); }},
    {"loaded-again", Evidence::accepted, [](Scene&) { send_message(wire::Loaded{}); }},
    {"repeated-finding", Evidence::accepted,
     [](Scene& s) {
       Packet packet;
       packet.say(root_event(s));
       for (int i = 0; i < 100; ++i) packet.say(finding(s));
       packet.send();
     }, "repeated"},
    {"two-times-for-one-entry", Evidence::accepted,
     [](Scene& s) {
       wire::FindingEvent forged = finding(s);
       forged.mtime_ns -= 1'000'000'000;
       Packet().say(root_event(s)).say(forged).send();
     }},
    {"directory-is-anothers-area", Evidence::accepted,
     [](Scene& s) {
       wire::FindingEvent forged = finding(s);
       forged.directory = 1;
       Packet().say(root_event(s)).say(below(1, 0, ".freshet-1000-2", 9)).say(forged).send();
     }},
    {"path-without-end", Evidence::accepted,
     [](Scene& s) {
       const std::string name(255, 'd');
       std::uint32_t id = 0;
       Packet().say(root_event(s)).send();
       for (int packets = 0; packets < 4; ++packets) {
         Packet packet;
         for (int i = 0; i < 100; ++i, ++id) packet.say(below(id + 1, id, name, id + 1000));
         packet.send();
       }
     }},
    {"whole-ended-and-never-begun", Evidence::accepted,
     [](Scene& s) { Packet().say(root_event(s)).say(wire::TogetherEvent{wire::TogetherStep::commit}).say(finding(s)).send(); }},
    {"whole-begun-twice", Evidence::accepted,
     [](Scene& s) {
       const wire::TogetherEvent begin{wire::TogetherStep::begin};
       Packet().say(root_event(s)).say(begin).say(finding(s)).say(begin).send();
     }},
    {"need-outside-of-a-whole", Evidence::accepted,
     [](Scene& s) { Packet().say(root_event(s)).say(wire::NeededEvent{0, "file", 1}).say(finding(s)).send(); }},
    {"need-named-dotdot", Evidence::accepted,
     [](Scene& s) {
       Packet().say(root_event(s)).say(wire::TogetherEvent{wire::TogetherStep::begin}).say(wire::NeededEvent{0, "..", 1}).send();
     }},
    {"veto-without-being-asked", Evidence::accepted,
     [](Scene& s) { Packet().say(root_event(s)).say(finding(s)).say(wire::KeepEvent{0, "mine"}).send(); }},
    {"ipc-object-never-shown", Evidence::accepted,
     [](Scene& s) { Packet().say(root_event(s)).say(wire::IpcEvent{0, wire::FindingKind::leftover, "forged"}).send(); }},
    {"note-of-a-rehearsal", Evidence::accepted,
     [](Scene& s) {
       Packet packet;
       packet.say(root_event(s));
       packet.bytes().push_back(static_cast<std::uint8_t>(wire::EventType::note));
       for (int i = 0; i < 64; ++i) packet.bytes().push_back(0);
       packet.send();
     }},
    {"many-descriptors", Evidence::accepted, [](Scene&) { send_descriptors(200, 3); }},
    {"descriptors-in-an-empty-packet", Evidence::accepted, [](Scene&) { send_descriptors(1, 3, 0); }},
    {"descriptor-of-the-grant", Evidence::accepted,
     [](Scene& s) { send_descriptors(1, ::open(s.grant.c_str(), O_RDONLY | O_DIRECTORY)); }},
    {"flood-of-directories", Evidence::accepted,
     [](Scene& s) {
       std::uint32_t id = 0;
       Packet first;
       first.say(root_event(s)).send();
       for (int packets = 0; packets < 200; ++packets) {
         Packet packet;
         for (int i = 0; i < 600; ++i) {
           packet.say(below(id + 1, id, "d", id + 1000));
           ++id;
         }
         packet.send();
       }
     }, "depth"},
};

constexpr int kTypes = 64;

}  // namespace

std::span<const Case> wire_cases() {
  constexpr std::size_t kFixed = std::size(kCases);
  static char names[kTypes][16];
  static Case all[kFixed + kTypes];
  static const std::size_t count = [] {
    for (std::size_t i = 0; i < kFixed; ++i) all[i] = kCases[i];
    std::size_t at = kFixed;
    for (int type = 0; type < kTypes; ++type) {
      // A run of events is what a scan may send; an end of it ends it; Failed is an end, whenever it comes.
      if (type == static_cast<int>(wire::MessageType::events)) continue;
      std::memcpy(names[type], "message-", 8);
      names[type][8] = static_cast<char>('0' + type / 10);
      names[type][9] = static_cast<char>('0' + type % 10);
      all[at++] = {names[type], Evidence::accepted, send_type, "", 0, nullptr, type};
    }
    return at;
  }();
  return {all, count};
}

}  // namespace freshet::hostile
