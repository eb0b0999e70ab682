#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <vector>

#include "runtime/base/error.h"
#include "runtime/manager/cleanup_manager.h"
#include "runtime/manager/runs.h"

#pragma GCC visibility push(default)
namespace freshet {

// One row of the history.
struct RunSummary {
  std::string id;
  RunState state = RunState::done;
  std::int64_t started_ns = 0;
  std::int64_t ended_ns = 0;  // 0: did not end (crash, or still running)
  bool alive = false;         // a process holds it now
  std::uint64_t entries_removed = 0;
  std::uint64_t bytes_reclaimed_now = 0;
  std::uint64_t bytes_reclaimable_at_purge = 0;
  std::int64_t keep_until_ns = 0;  // the latest of its tasks; 0: nothing waits in the quarantine
  struct Task {
    std::string name;
    std::string channel;
    std::string plugin;
    TaskState state = TaskState::registered;
    std::uint64_t entries_found = 0;
    std::uint64_t entries_removed = 0;
    std::uint64_t entries_refused = 0;
    std::uint64_t bytes = 0;
    std::string note;
    std::vector<std::string> roots;
    std::vector<ExtraAct> extra;
    std::vector<std::string> missing_layers{};  // as in CleanupResult
  };
  std::vector<Task> tasks;
  std::string note;
};

// Past runs, of any process. Thread-safe.
class IHistory {
 public:
  virtual ~IHistory() = default;

  // "latest" (the last run that removed something), a full id or a unique prefix of at least 4.
  virtual std::expected<std::string, Error> resolve_run(const std::string& text) = 0;
  virtual std::expected<std::vector<RunSummary>, Error> history(std::size_t limit) = 0;
  virtual std::expected<RunSummary, Error> find_run(const std::string& run_id) = 0;
};

}  // namespace freshet
#pragma GCC visibility pop
