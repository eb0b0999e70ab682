// A role executable whose broker that removes is a script: it moves nothing, and lies as its file is named after,
// `lies-<how>`. With `silent-restore` and `silent-purge` it is the broker of that phase, and never answers. All else is as in runtime/role/main.cc.
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "test_role.h"

using namespace freshet;
using namespace freshet::testing;

namespace {

std::string how_to_lie() {
  char path[4096];
  const ssize_t length = ::readlink("/proc/self/exe", path, sizeof path);
  const std::string whole(path, length > 0 ? static_cast<std::size_t>(length) : 0);
  const std::size_t at = whole.rfind("/lies-");
  return at == std::string::npos ? std::string() : whole.substr(at + 6);
}

void send(const std::vector<std::uint8_t>& bytes) { (void)::send(kRoleSocket, bytes.data(), bytes.size(), MSG_NOSIGNAL); }

template <class M>
void send_message(const M& message) {
  std::vector<std::uint8_t> bytes;
  wire::encode_message(message, bytes);
  send(bytes);
}

void send_descriptor() {
  std::vector<std::uint8_t> bytes;
  wire::encode_message(wire::SlotsReady{1}, bytes);
  const int fd = kRoleSocket;
  (void)wire::send_packet(kRoleSocket, bytes, {&fd, 1});
}

int say_nothing() {
  std::vector<char> buffer(wire::kMaxPacket);
  for (;;)
    if (const auto packet = wire::receive_packet(kRoleSocket, buffer); !packet || packet->closed) return 0;
}

class Liar {
 public:
  explicit Liar(std::string how) : how_(std::move(how)) {}

  int run() {
    std::vector<char> buffer(wire::kMaxPacket);
    for (;;) {
      const auto packet = wire::receive_packet(kRoleSocket, buffer);
      if (!packet || packet->closed) return 0;
      wire::Slots slots;
      wire::Units units;
      wire::Finish finish;
      if (wire::decode_message(packet->bytes, slots)) answer_slots(slots);
      else if (wire::decode_message(packet->bytes, units)) answer_units(units);
      else if (wire::decode_message(packet->bytes, finish)) {
        send_message(wire::Finished{.units = units_ + (how_ == "counts" ? 1U : 0U), .entries = units_});
        return 0;
      }
    }
  }

 private:
  void answer_slots(const wire::Slots& slots) {
    slots_ += static_cast<std::uint32_t>(slots.slots.size());
    if (!slots.last) return;
    if (how_ == "slots-more") return send_message(wire::SlotsReady{slots_ + 1});
    if (how_ == "slots-answered-by-outcomes") return send_message(wire::Outcomes{});
    if (how_ == "descriptor") return send_descriptor();
    if (how_ == "hello") return send_message(wire::Hello{.role = wire::Role::broker});
    if (how_ == "failed-with-escapes") return send_message(wire::Failed{"F3004", "\x1b[2J\n- an item of its own", 5});
    send_message(wire::SlotsReady{slots_});
  }

  void answer_units(const wire::Units& units) {
    wire::Outcomes answer;
    for (const wire::Unit& unit : units.units)
      answer.outcomes.push_back({.sequence = unit.sequence, .code = wire::OutcomeCode::removed, .error_number = 0, .entries = unit.entries});
    if (how_ == "repeats") answer.outcomes.push_back(answer.outcomes.front());
    if (how_ == "one-more") answer.outcomes.push_back({.sequence = answer.outcomes.back().sequence + 1, .entries = 1});
    if (how_ == "skips") answer.outcomes.front().sequence += 1;
    if (how_ == "backwards") answer.outcomes.front().sequence = ~0ULL;
    if (how_ == "more-entries") answer.outcomes.front().entries = 1'000'000'000;
    units_ += units.units.size();
    std::vector<std::uint8_t> bytes;
    wire::encode_message(answer, bytes);
    if (how_ == "code-beyond") bytes[1 + 4 + 8] = 200;
    if (how_ == "cut") bytes.resize(bytes.size() - 1);
    if (how_ == "bytes-behind") bytes.push_back(0);
    if (how_ == "noise") bytes.assign(4096, 0xA5);
    if (how_ == "empty") bytes.clear();
    if (how_ == "too-large") bytes.resize(wire::kMaxPacket + 1);
    if (how_ == "count-beyond-packet") std::memset(bytes.data() + 1, 0xFF, 4);
    if (how_ == "events") bytes = {static_cast<std::uint8_t>(wire::MessageType::events)};
    if (how_ == "finished-early") return send_message(wire::Finished{.units = units_, .entries = units_});
    if (how_ == "slots-again") return send_message(wire::SlotsReady{slots_});
    if (how_ == "silent") return;
    if (how_ == "flood")
      for (;;) send_message(wire::Outcomes{});
    send(bytes);
  }

  const std::string how_;
  std::uint32_t slots_ = 0;
  std::uint64_t units_ = 0;
};

}  // namespace

int main(int, char** arguments) {
  // Before the lock: /proc can still be read.
  const std::string how = how_to_lie();
  return run_test_role(
      arguments[1], [](const wire::Setup&) {},
      [&](const wire::Setup& setup, std::vector<Fd> roots) {
        const bool purges = setup.area_only, restores = setup.read_area && !purges;
        if ((how == "silent-restore" && restores) || (how == "silent-purge" && purges)) return say_nothing();
        // What puts things back and clears up afterwards is honest.
        return setup.read_area || how.starts_with("silent-") ? broker::run_broker(kRoleSocket, setup, std::move(roots)) : Liar(how).run();
      });
}
