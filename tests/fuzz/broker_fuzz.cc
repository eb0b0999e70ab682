// LINK: freshet_broker
//
// What a manager that was taken over may send to a broker, on a real tree: a script, one byte a step, that mixes true
// requests with bent ones and with bytes of the input. Whatever it is, nothing outside the root changes, nor does what is
// excluded, and all that lies in the root is still there unless unlinking was what the phase is for.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/broker/broker.h"
#include "runtime/wire/packet.h"

namespace {

using namespace freshet;
namespace fs = std::filesystem;

constexpr std::size_t kMaxSteps = 24;

struct Place {
  std::string path = std::string(fs::exists("/dev/shm") ? "/dev/shm" : "/tmp") + "/freshet-broker-fuzz-XXXXXX";

  Place() {
    if (::mkdtemp(path.data()) == nullptr) std::abort();
  }
  ~Place() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
};

const std::string& top() {
  static const Place place;
  return place.path;
}

void write_file(const std::string& path) { std::ofstream(path) << "x"; }

void make_tree() {
  std::error_code ignored;
  fs::remove_all(top() + "/root", ignored);
  fs::remove_all(top() + "/outside", ignored);
  for (const char* one : {"/outside", "/root", "/root/a", "/root/a/b", "/root/live"}) fs::create_directory(top() + one);
  for (const char* one : {"/outside/victim", "/root/one", "/root/a/two", "/root/a/b/three", "/root/live/secret"}) write_file(top() + one);
  fs::create_symlink("../outside", top() + "/root/link");
}

std::set<std::uint64_t> inodes_below(const std::string& path) {
  std::set<std::uint64_t> out;
  for (const auto& entry : fs::recursive_directory_iterator(path)) {
    struct stat info {};
    if (::lstat(entry.path().c_str(), &info) == 0) out.insert(info.st_ino);
  }
  return out;
}

class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size) : rest_(reinterpret_cast<const char*>(data), size) {}
  [[nodiscard]] bool empty() const { return rest_.empty(); }
  std::uint8_t byte() {
    if (rest_.empty()) return 0;
    const auto out = static_cast<std::uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    return out;
  }
  std::string text() {
    const std::string out(rest_.substr(0, byte() % 40));
    rest_.remove_prefix(std::min(rest_.size(), out.size()));
    return out;
  }

 private:
  std::string_view rest_;
};

// One of the places that a script can mean, or what the input says.
std::string place(Input& in, bool parent) {
  static const char* const kParents[] = {"", "a", "a/b", "link", "live", ".freshet", "..", "a/../..", "/"};
  static const char* const kNames[] = {"one", "two", "three", "a", "b", "link", "live", ".freshet", "..", "victim"};
  const std::uint8_t which = in.byte();
  if (parent) return which < std::size(kParents) ? kParents[which] : in.text();
  return which < std::size(kNames) ? kNames[which] : in.text();
}

class Script {
 public:
  Script(int socket, Input& in) : socket_(socket), in_(in) {}

  void play() {
    for (std::size_t i = 0; i < kMaxSteps && !in_.empty(); ++i) step();
  }
  [[nodiscard]] bool unlinks() const { return unlinks_; }

 private:
  template <class M>
  void send(const M& message) {
    std::vector<std::uint8_t> bytes;
    wire::encode_message(message, bytes);
    send_bytes(bytes);
  }
  void send_bytes(const std::vector<std::uint8_t>& bytes) const { (void)::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT); }

  void step() {
    switch (in_.byte() % 9) {
      case 0: return begin();
      case 1: return slots();
      case 2: return units();
      case 3: return send(wire::Finish{});
      case 4: return send(wire::Restore{});
      case 5: return send(wire::Purge{(in_.byte() & 1) != 0, {}});
      case 6: return send(wire::Trial{});
      case 7: return send(wire::InUse{in_.byte() == 0 ? 1U : 0U, {1, 2, 3}});
      default: {
        const std::string raw = in_.text();
        return send_bytes({raw.begin(), raw.end()});
      }
    }
  }

  void begin() {
    wire::Begin message;
    message.phase = static_cast<wire::BrokerPhase>(in_.byte() % 4);
    const std::uint8_t how = in_.byte();
    message.channel = (how & 1) != 0 ? in_.text() : "c";
    message.run = (how & 2) != 0 ? in_.text() : "r";
    message.unlink = (how & 4) != 0;
    message.max_entries = (how & 8) != 0 ? in_.byte() : 1000;
    unlinks_ = unlinks_ || message.unlink || message.phase == wire::BrokerPhase::purge;
    send(message);
  }

  void slots() {
    wire::Slots message;
    const std::uint8_t how = in_.byte();
    for (int i = 0; i <= (how & 3); ++i) {
      wire::Slot slot;
      slot.number = (how & 4) != 0 ? in_.byte() : ++slots_;
      slot.root = (how & 8) != 0 ? in_.byte() : 0;
      slot.path = place(in_, true);
      if (const auto stat = look(slot.path); stat && (how & 16) == 0) {
        slot.inode = stat->identity.inode;
        slot.birth_ns = stat->identity.birth_ns;
      }
      paths_.push_back(slot.path);
      message.slots.push_back(slot);
    }
    message.last = (how & 32) == 0;
    send(message);
  }

  void units() {
    wire::Units message;
    const std::uint8_t how = in_.byte();
    for (int i = 0; i <= (how & 3); ++i) {
      wire::Unit unit;
      unit.sequence = (how & 4) != 0 ? in_.byte() : sequence_++;
      unit.slot = in_.byte() % 5;
      unit.name = place(in_, false);
      const std::string parent = unit.slot > 0 && unit.slot <= paths_.size() ? paths_[unit.slot - 1] : "";
      if (const auto stat = look(parent.empty() ? unit.name : parent + "/" + unit.name); stat && (how & 8) == 0) unit.identity = stat->identity;
      unit.whole = (how & 16) != 0;
      unit.entries = (how & 32) != 0 ? in_.byte() : 1;
      message.units.push_back(unit);
    }
    send(message);
  }

  static Result<EntryStat> look(const std::string& relative) {
    const Fd root(::open((top() + "/root").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    return stat_entry(root.get(), relative.c_str());
  }

  const int socket_;
  Input& in_;
  std::uint32_t slots_ = 0;
  std::uint64_t sequence_ = 0;
  std::vector<std::string> paths_;
  bool unlinks_ = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  make_tree();
  const std::set<std::uint64_t> outside = inodes_below(top() + "/outside"), excluded = inodes_below(top() + "/root/live"),
                                all = inodes_below(top() + "/root");
  auto pair = wire::make_socket_pair();
  if (!pair) std::abort();
  Input in(data, size);
  Script script(pair->first.get(), in);
  script.play();
  ::shutdown(pair->first.get(), SHUT_WR);

  wire::Setup setup;
  setup.role = wire::Role::broker;
  setup.fs_uid = ::geteuid();
  setup.open_files = 64;
  std::vector<Fd> roots;
  roots.emplace_back(::open((top() + "/root").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  const auto stat = stat_entry(roots.back().get(), "");
  if (!stat) std::abort();
  wire::RootSpec spec;
  spec.remove = true;
  spec.path = top() + "/root";
  spec.excludes = {"live"};
  spec.dev = stat->dev;
  spec.inode = stat->identity.inode;
  setup.roots.push_back(spec);
  setup.areas.emplace_back(".freshet");
  (void)broker::run_broker(pair->second.get(), setup, std::move(roots));

  if (inodes_below(top() + "/outside") != outside || inodes_below(top() + "/root/live") != excluded) std::abort();
  const std::set<std::uint64_t> now = inodes_below(top() + "/root");
  if (!script.unlinks() && !std::ranges::includes(now, all)) std::abort();
  return 0;
}
