#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "runtime/base/error.h"

// Says of a plugin's file, by trying it, what an author has to mend before others may run it.
namespace freshet::conformance {

struct CheckOptions {
  std::string role_executable;                      // as in ManagerOptions
  bool strict = true;
  // What it is made for, where it is no tree of ours: text of a recorded tree, or directories with their contents. Scanned
  // first; a plugin that refuses ours then, and says why in its log, is not wrong. Both empty: ours.
  std::string tree;
  std::vector<std::string> roots;                   // absolute
  std::map<std::string, std::string> settings;      // name to text, of every task kind that has them
  std::string scratch;                              // a directory for temporary trees; empty: $TMPDIR, /tmp
  std::function<void(std::string_view)> on_trial;   // what is tried now, for a progress line
  std::stop_token stop;
};

enum class Outcome : std::uint8_t { passed, failed, skipped };

struct Verdict {
  std::string name;
  Outcome outcome = Outcome::skipped;  // skipped: it could not be tried, for what failed before
  std::string what, why, mend;         // the rule's texts
  std::string where;                   // "task old-files, an empty tree"; of a failed one
  std::string seen;                    // what was seen there; escaped
};

struct CheckReport {
  std::string file;
  std::string id, version;           // empty when the manifest cannot be read
  std::vector<Verdict> verdicts;     // in the order of the rules, each once
  std::uint64_t trials = 0;          // workers that were started
  std::vector<std::string> proposed; // of the recorded tree, "path  reason", escaped; the first 200
  std::uint64_t proposed_count = 0;

  [[nodiscard]] bool passed() const;
};

// Errors: kind `missing` (no such file, no role executable), `invalid` (a setting, or the tree), `system`, `busy` (stopped).
// What is wrong with the plugin is in the report.
Result<CheckReport> check_plugin(const std::string& file, const CheckOptions& options);

}  // namespace freshet::conformance
