// LINK: freshet_wire
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <vector>

#include "runtime/wire/manifest_message.h"
#include "runtime/wire/packet.h"
#include "runtime/wire/proof_message.h"

namespace {

using namespace freshet;

// What decodes encodes to the very same bytes: a packet has one meaning or none.
template <class M>
void try_message(std::string_view packet) {
  M message;
  if (!wire::decode_message(packet, message)) return;
  std::vector<std::uint8_t> again;
  wire::encode_message(message, again);
  if (again.size() != packet.size() || std::memcmp(again.data(), packet.data(), packet.size()) != 0) std::abort();
}

template <class E>
bool take_event(wire::Decoder& decoder) {
  E event;
  visit(decoder, event);
  return decoder.ok();
}

void try_events(std::string_view packet) {
  wire::Decoder decoder(packet);
  bool good = true;
  while (good && !decoder.empty()) {
    wire::EventType type{};
    decoder.enumeration(type, wire::EventType::note);
    if (!decoder.ok()) return;
    switch (type) {
      case wire::EventType::directory: good = take_event<wire::DirectoryEvent>(decoder); break;
      case wire::EventType::finding: good = take_event<wire::FindingEvent>(decoder); break;
      case wire::EventType::directory_end: good = take_event<wire::DirectoryEndEvent>(decoder); break;
      case wire::EventType::unread: good = take_event<wire::UnreadEvent>(decoder); break;
      case wire::EventType::progress: good = take_event<wire::ProgressEvent>(decoder); break;
      case wire::EventType::ipc: good = take_event<wire::IpcEvent>(decoder); break;
      case wire::EventType::keep: good = take_event<wire::KeepEvent>(decoder); break;
      case wire::EventType::log: good = take_event<wire::LogEvent>(decoder); break;
      case wire::EventType::together: good = take_event<wire::TogetherEvent>(decoder); break;
      case wire::EventType::needed: good = take_event<wire::NeededEvent>(decoder); break;
      case wire::EventType::note: good = take_event<wire::NoteEvent>(decoder); break;
    }
  }
}

template <class... M>
void try_all(std::string_view packet) {
  (try_message<M>(packet), ...);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view packet(reinterpret_cast<const char*>(data), size);
  using namespace freshet::wire;
  try_all<Hello, Setup, Locked, Canary, Failed, Load, Loaded, Scan, ScanEnd, Cancel, Verify, Begin, Slots, SlotsReady,
          Units, Outcomes, Finish, Finished, InUse, Purge, Restore, Restored, Trial, Working, Inspect, Inspected,
          Release, Released, Prove, Proved, Rehearse, TreePart, IpcListing, Planned, IpcRemove, IpcOutcomes>(packet);
  if (!packet.empty() && packet.front() == static_cast<char>(MessageType::events)) try_events(packet.substr(1));
  return 0;
}
