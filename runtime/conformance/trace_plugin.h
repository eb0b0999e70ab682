#pragma once

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
  std::string root;                             // absolute
  std::map<std::string, std::string> settings;  // name to text
  bool trace = false;                           // with the host's functions, a line each
  std::function<void(std::string_view)> on_call;
  std::stop_token stop;
};

struct Traced {
  std::string kind;
  std::string status;                  // "FRESHET_OK"; empty when the scan did not return
  std::uint64_t entries = 0;
  std::uint64_t findings_count = 0;
  std::vector<std::string> findings;   // "path  reason", escaped; the first 200
  std::vector<std::string> log;        // escaped
  std::vector<std::string> broken;     // rules of plugin.h; escaped
  std::vector<std::string> features;   // that it asked for
  std::string ended;                   // why its worker ended; empty: as asked
  std::string remedy;                  // of it: the manifest's line that would ask for what was refused, or that none does
};

// One for each task kind. Errors as of check_plugin, and F2001 to F2020 of the file.
Result<std::vector<Traced>> trace_plugin(const std::string& file, const TraceOptions& options);

// The line of a manifest that asks for what ended a worker: "called socket(2)", "memory limit of 64 MiB".
std::string remedy_of(std::string_view ended);

}  // namespace freshet::conformance
