#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/conformance/trial.h"
#include "runtime/wire/messages.h"

namespace freshet::conformance {

inline constexpr std::size_t kIpcObjects = 6;  // that a trial shows

// Takes a trial's events into its result, and believes none of them. Not thread-safe.
class TrialEvents {
 public:
  // Neither is owned.
  TrialEvents(const TrialRequest& request, TrialResult& out);

  // False when it is no packet of events, or one that its host could not have sent.
  bool take(std::string_view packet);
  // A verify follows: directories are counted anew.
  void again() { directories_.clear(); }

 private:
  struct Directory {
    std::string path;  // of deep ones the end only
    bool closed = false;
  };

  bool forged(std::string what);
  template <class E>
  void take_one(wire::Decoder& in);
  void take_event(const wire::DirectoryEvent& event);
  void take_event(const wire::FindingEvent& event);
  void take_event(const wire::DirectoryEndEvent& event);
  void take_event(const wire::UnreadEvent& event);
  void take_event(const wire::ProgressEvent&) {}
  void take_event(const wire::LogEvent& event);
  void take_event(const wire::IpcEvent& event);
  void take_event(const wire::TogetherEvent& event);
  void take_event(const wire::NeededEvent&) {}
  void take_event(const wire::KeepEvent&) { forged("an entry kept that was not shown"); }
  void take_event(const wire::NoteEvent& event);

  const TrialRequest& request_;
  TrialResult& out_;
  std::vector<std::string> roots_;  // their paths
  std::vector<Directory> directories_;
  std::uint64_t whole_from_ = 0;  // findings before the whole in hand
};

}  // namespace freshet::conformance
