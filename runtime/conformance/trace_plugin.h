#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/error.h"

// Runs a plugin on a directory in the sandbox, without any effect, for its author to look at.
namespace freshet::conformance {

struct TraceOptions {
  std::string role_executable;                  // as in ManagerOptions
  bool strict = true;
  std::vector<std::string> roots;               // absolute
  std::map<std::string, std::string> settings;  // name to text
  bool trace = false;                           // with the host's functions, a line each
  std::function<void(std::string_view)> on_call;
  // Not empty: a debugger may be attached. The scan begins when one is, and no limit of time holds. Called once it can be,
  // with the worker's pid and the address at which the plugin was loaded. There is no other way to come to this.
  std::function<void(int pid, std::uint64_t address)> on_debug;
  std::stop_token stop;
};

// What the plugin wanted and did not get.
struct Refusal {
  std::string what;    // "socket(2)", "openat(2) to write or create: /etc/passwd", "directory /r/closed: Permission denied"
  std::string remedy;  // the manifest's line that asks for it, or that none does
};

struct Traced {
  std::string kind;
  std::string status;                // "FRESHET_OK"; empty when the scan did not return
  std::uint64_t entries = 0;
  std::uint64_t findings_count = 0;
  std::vector<std::string> findings; // "path  reason", escaped; the first 200
  std::vector<std::string> log;      // escaped
  std::vector<std::string> back_trace; // where it was when it ended; the innermost first
  std::vector<std::string> errors;   // lines that it wrote to its standard error; escaped
  std::vector<std::string> broken;   // rules of plugin.h; escaped
  std::vector<std::string> features; // that it asked for and has
  std::vector<Refusal> refusals;
  std::string ended;                 // why its worker ended; empty: as asked
};

// One for each task kind. Errors as of check_plugin, and F2001 to F2020 of the file.
Result<std::vector<Traced>> trace_plugin(const std::string& file, const TraceOptions& options);

// The line of a manifest that asks for what ended a worker: "called socket(2)", "memory limit of 64 MiB". Empty: it was
// nothing that could be asked for.
std::string remedy_of(std::string_view ended);
// Likewise of a feature that is not there.
std::string remedy_of_feature(std::string_view id);

}  // namespace freshet::conformance
