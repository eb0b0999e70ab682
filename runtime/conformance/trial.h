#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "runtime/base/error.h"
#include "runtime/channel/plugin_bytes.h"
#include "runtime/channel/role_process.h"
#include "runtime/manager/results.h"
#include "runtime/manifest/settings.h"
#include "runtime/wire/manifest_message.h"

namespace freshet {
struct Core;
}

namespace freshet::conformance {

// A plugin's file as it is tried: its sealed bytes, and what a probe read in them.
struct TriedPlugin {
  channel::PluginBytes bytes;
  wire::Inspected facts;
};

struct TrialRequest {
  std::string kind;
  manifest::TypedSettings settings;
  const std::string* tree = nullptr;  // a recorded tree's text; not owned. Null: `roots`
  std::vector<std::string> roots;     // directories, absolute
  bool read = false;                  // contents are granted; a recorded tree has none, and says UNREADABLE
  bool ipc = false;                   // a few IPC objects, made up, are shown to it
  std::int64_t now_ns = 0;
  bool cancel = false;                // it is asked to end as soon as it begins
  bool verify = false;                // look again afterwards, where it can
  bool trace = false;
  std::function<void(std::string_view)> on_call;  // with `trace`; on the calling thread
  // Not empty: no limit of time, and the scan begins when a debugger is attached, for which this is called (TraceOptions).
  std::function<void(int pid, std::uint64_t address)> on_debug;
};

struct SeenFinding {
  std::string path;
  std::string reason;  // raw bytes
  std::uint8_t type = 0, kind = 0, cost = 0;
  auto operator<=>(const SeenFinding&) const = default;
};

// Its path and reason in one line, escaped.
std::string shown(const SeenFinding& finding);

struct SeenNote {
  wire::NoteKind kind = wire::NoteKind::call;
  std::string text;
};

// What came of one worker. Texts that are not the host's are raw bytes: escape them.
struct TrialResult {
  channel::End end;            // reason none: as asked
  bool loaded = false;
  bool scanned = false;        // its scan returned
  std::int32_t status = 0;     // what it returned
  bool has_verify = false;
  std::uint64_t entries = 0;
  std::uint64_t dropped_lines = 0;
  std::uint64_t findings_count = 0;
  std::vector<SeenFinding> findings;  // the first kMaxFindings
  std::vector<std::string> log;
  std::vector<std::string> back_trace;  // of a crash or a forbidden call: "walk+28 (plugin+0x1fa3)", the innermost first
  std::string errors;                 // what it wrote to its standard error
  std::vector<SeenNote> notes;        // without the calls
  std::vector<std::string> unread;    // "directory /r/closed: Permission denied", escaped; the first
  std::string forged;                 // the first of its messages that its host could not have sent
  std::vector<ResourceCheck> resources;
  std::int64_t cpu_ns = 0;            // from when it was locked on
};

inline constexpr std::size_t kMaxFindings = 20'000;

// Where plugins are tried: each trial in a fresh worker, in the same sandbox as a task's, with no broker and no effect. The
// plugin never runs in this process. Not thread-safe.
class Bench {
 public:
  // `role_executable` as in ManagerOptions. Errors: kind `missing` (no role executable), `system`.
  static Result<std::unique_ptr<Bench>> create(const std::string& role_executable, bool strict);
  ~Bench();
  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;

  // Errors: F2001 to F2020 (kind `invalid`), `missing`, `system`.
  Result<TriedPlugin> read(const std::string& file);
  // Errors are our own only: what the plugin did is in the result.
  Result<TrialResult> run(const TriedPlugin& plugin, const TrialRequest& request, std::stop_token stop);

 private:
  explicit Bench(std::unique_ptr<Core> core);

  const std::unique_ptr<Core> core_;
};

}  // namespace freshet::conformance
