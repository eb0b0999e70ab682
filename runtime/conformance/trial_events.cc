#include "runtime/conformance/trial_events.h"

#include "runtime/base/bytes.h"
#include "runtime/base/lines.h"

namespace freshet::conformance {
namespace {

constexpr std::size_t kMaxPath = 1024;
constexpr std::size_t kMaxDirectories = 4'000'000;
constexpr std::size_t kMaxNotes = 1'000;
constexpr std::size_t kMaxLogLines = 400;
constexpr std::size_t kMaxUnread = 100;

}  // namespace

// Of a recorded tree the lines of depth 0, whose last word is the path.
TrialEvents::TrialEvents(const TrialRequest& request, TrialResult& out) : request_(request), out_(out) {
  if (request.tree == nullptr) roots_ = request.roots;
  else for_each_line(*request.tree, [&](std::string_view line) {
    if (line.starts_with("0 ")) unescape_bytes(line.substr(line.rfind(' ') + 1), roots_.emplace_back());
  });
}

template <class E>
void TrialEvents::take_one(wire::Decoder& in) {
  E event;
  visit(in, event);
  if (in.ok()) take_event(event);
}

bool TrialEvents::take(std::string_view packet) {
  if (packet.empty() || static_cast<wire::MessageType>(packet[0]) != wire::MessageType::events) return forged("a message out of order");
  wire::Decoder in(packet.substr(1));
  while (in.ok() && !in.empty()) {
    wire::EventType type{};
    in.enumeration(type, wire::EventType::note);
    if (!in.ok()) break;
    switch (type) {
      case wire::EventType::directory: take_one<wire::DirectoryEvent>(in); break;
      case wire::EventType::finding: take_one<wire::FindingEvent>(in); break;
      case wire::EventType::directory_end: take_one<wire::DirectoryEndEvent>(in); break;
      case wire::EventType::unread: take_one<wire::UnreadEvent>(in); break;
      case wire::EventType::progress: take_one<wire::ProgressEvent>(in); break;
      case wire::EventType::log: take_one<wire::LogEvent>(in); break;
      case wire::EventType::ipc: take_one<wire::IpcEvent>(in); break;
      case wire::EventType::together: take_one<wire::TogetherEvent>(in); break;
      case wire::EventType::needed: take_one<wire::NeededEvent>(in); break;
      case wire::EventType::keep: take_one<wire::KeepEvent>(in); break;
      case wire::EventType::note: take_one<wire::NoteEvent>(in); break;
    }
    if (!out_.forged.empty()) return false;
  }
  return in.done() || forged("events that do not decode");
}

bool TrialEvents::forged(std::string what) {
  if (out_.forged.empty()) out_.forged = std::move(what);
  return false;
}

void TrialEvents::take_event(const wire::DirectoryEvent& event) {
  if (event.id != directories_.size() || event.id >= kMaxDirectories) return void(forged("directories out of order"));
  if (event.parent == wire::kNoDirectory) {
    directories_.push_back({event.root < roots_.size() ? roots_[event.root] : "root " + std::to_string(event.root)});
  } else if (event.parent >= directories_.size() || !is_entry_name(event.name)) {
    forged("a directory that has no place");
  } else {
    std::string path = directories_[event.parent].path + "/" + std::string(event.name);
    if (path.size() > kMaxPath) path.erase(0, path.size() - kMaxPath);
    directories_.push_back({std::move(path)});
  }
}

void TrialEvents::take_event(const wire::FindingEvent& event) {
  if (event.directory >= directories_.size() || directories_[event.directory].closed) return void(forged("a finding in a directory that is not open"));
  if (!is_entry_name(event.name)) return void(forged("a finding whose name is none: " + escape_bytes(event.name)));
  ++out_.findings_count;
  if (out_.findings.size() >= kMaxFindings) return;
  out_.findings.push_back({directories_[event.directory].path + "/" + std::string(event.name), std::string(event.reason),
                           static_cast<std::uint8_t>(event.identity.type), static_cast<std::uint8_t>(event.kind), static_cast<std::uint8_t>(event.cost)});
}

void TrialEvents::take_event(const wire::DirectoryEndEvent& event) {
  if (event.id >= directories_.size() || directories_[event.id].closed) return void(forged("a directory that ends twice"));
  directories_[event.id] = {"", true};
}

void TrialEvents::take_event(const wire::UnreadEvent& event) {
  if (out_.unread.size() >= kMaxUnread) return;
  std::string path = event.directory < directories_.size() ? directories_[event.directory].path : "root " + std::to_string(event.root);
  if (!event.name.empty()) path += "/" + std::string(event.name);
  out_.unread.push_back("directory " + escape_bytes(path) + ": " + errno_text(event.error_number));
}

void TrialEvents::take_event(const wire::LogEvent& event) {
  if (out_.log.size() < kMaxLogLines) out_.log.emplace_back(event.text);
}

// What is abandoned was not proposed.
void TrialEvents::take_event(const wire::TogetherEvent& event) {
  if (event.step == wire::TogetherStep::begin) whole_from_ = out_.findings_count;
  if (event.step != wire::TogetherStep::abandon) return;
  out_.findings_count = whole_from_;
  if (out_.findings.size() > whole_from_) out_.findings.resize(whole_from_);
}

void TrialEvents::take_event(const wire::IpcEvent& event) {
  if (event.index >= kIpcObjects) return void(forged("an IPC object that was not shown"));
  ++out_.findings_count;
  if (out_.findings.size() < kMaxFindings)
    out_.findings.push_back({"IPC object " + std::to_string(event.index), std::string(event.reason), 0, static_cast<std::uint8_t>(event.kind), 0});
}

void TrialEvents::take_event(const wire::NoteEvent& event) {
  if (event.kind == wire::NoteKind::call) {
    if (request_.on_call) request_.on_call(event.text);
  } else if (out_.notes.size() < kMaxNotes) {
    out_.notes.push_back({event.kind, std::string(event.text)});
  }
}

}  // namespace freshet::conformance
