#pragma once

#include <freshet/plugin.h>
#include <pthread.h>

#include <atomic>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/wire/messages.h"
#include "runtime/worker/event_writer.h"

namespace freshet::worker {

// In a rehearsal: looks over the plugin's shoulder, and notes what it does against the rules of plugin.h and, with `trace`,
// its calls. It changes no answer. Only `on_thread` and `note` may be called by any thread.
class Watch {
 public:
  Watch(EventWriter& events, bool trace) : events_(events), trace_(trace) {}

  // Around a scan or a verify, on its thread.
  void begin();
  void end();

  // A call that belongs to the thread of the scan.
  void on_thread(const char* function) {
    if (::pthread_self() != thread_) note(wire::NoteKind::wrong_thread, function);
  }
  void opened(std::uint32_t root, std::string_view root_path, const freshet_dir* parent, std::string_view name,
              const freshet_dir* opened, freshet_status answer);
  // `entry`: null unless the answer is FRESHET_OK.
  void listed(const freshet_dir* directory, const freshet_entry* entry, freshet_status answer);
  void closes(const freshet_dir* directory);
  void proposed(const freshet_finding& finding, freshet_status answer);
  void refused_finding(const char* why) { note(wire::NoteKind::bad_argument, why); }
  void asked(const char* feature, bool given);
  void used(std::string_view feature, std::string_view call);

 private:
  static constexpr std::uint32_t kMaxNotes = 400;
  struct Directory {
    std::string name;  // of a root its path
    const freshet_dir* parent = nullptr;
    std::uint64_t proposed = 0;
    std::vector<std::string> names;  // by ordinal
    std::set<std::string> finished;  // directories in it that were closed with everything in them proposed
  };

  // Escaped; of a deep one the end only. Made when it is shown: thousands of long ones would be memory of the plugin's.
  [[nodiscard]] std::string path_of(const freshet_dir* directory, std::string_view name) const;
  void note(wire::NoteKind kind, std::string_view text);
  void call(std::string_view text) {
    if (trace_) note(wire::NoteKind::call, text);
  }
  void answered(const char* function, const freshet_dir* directory, std::string_view name, freshet_status answer);

  EventWriter& events_;
  const bool trace_;
  pthread_t thread_{};
  std::atomic<std::uint32_t> notes_{0};  // of this scan, without the calls
  std::map<const freshet_dir*, Directory> open_;
  std::set<std::string> used_;
};

}  // namespace freshet::worker
