#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runtime/base/error.h"

namespace freshet::store {

// Rows of the history. States are kept as their names, so that a database stays readable by people and by
// later versions.
struct TaskRow {
  std::string run_id;
  std::uint32_t number = 0;  // order in the run; names the folder in the quarantine
  std::string name;
  std::string channel;
  std::string plugin;  // "id version"
  std::string plugin_sha256;
  std::string state;
  std::string note;
  bool unlink = false;  // quarantine mode `none`
  std::uint64_t entries_found = 0;
  std::uint64_t entries_removed = 0;
  std::uint64_t entries_refused = 0;
  std::uint64_t bytes_now = 0;
  std::uint64_t bytes_at_purge = 0;
  std::int64_t keep_until_ns = 0;  // quarantine: purge after this
  std::string grant_json;   // the effective permission it ran under, with roots and areas; see HISTORY.md
  std::string result_json;  // figures and refusals
};

struct RunRow {
  std::string id;
  std::string state;
  std::int64_t started_ns = 0;
  std::int64_t ended_ns = 0;  // 0: not ended
  std::string note;
  std::vector<TaskRow> tasks;  // by number
};

struct TransitionRow {
  std::string run_id;
  std::uint32_t number = 0;
  std::string state;
  std::int64_t at_ns = 0;
};

// When a write survives the loss of power. `later`: once a later write with `now` has returned; that of the process it
// survives at once.
enum class Sync : bool { later, now };

struct BlockedRow {
  std::string sha256;
  std::string why;
  std::int64_t at_ns = 0;
};

// SQLite in WAL mode, one file, one row a run and a task, never one a file. Every call is one transaction;
// the calls named "durable" return only after the WAL is synced (synchronous = FULL). Thread-safe (one mutex,
// never held across a call out). Errors: kind `system` with SQLite's text and the path.
class History {
 public:
  // Opens or makes `file` (0600). Migrates by user_version; a newer one is refused, kind `invalid`.
  static Result<std::unique_ptr<History>> open(const std::string& file);
  virtual ~History() = default;

  // Durable: written before the first effect. `transitions`: how its tasks came to the states they have.
  virtual Status begin_run(const RunRow& run, const std::vector<TransitionRow>& transitions) = 0;
  virtual Status set_run_state(const std::string& id, const std::string& state, std::int64_t ended_ns,
                               const std::string& note, Sync sync) = 0;
  // Replaces the row (run_id, number), and adds the transitions that led to it.
  virtual Status set_task(const TaskRow& task, const std::vector<TransitionRow>& transitions, Sync sync) = 0;

  virtual Result<std::optional<RunRow>> find_run(const std::string& id) = 0;
  // Newest first.
  virtual Result<std::vector<RunRow>> list_runs(std::size_t limit) = 0;
  // Full ids that begin with `prefix`, newest first, at most 10.
  virtual Result<std::vector<std::string>> runs_with_prefix(const std::string& prefix) = 0;
  // Runs that have a task of that name, newest first.
  virtual Result<std::optional<RunRow>> last_run_of(const std::string& task_name) = 0;
  // Runs whose tasks still have something in the quarantine, oldest first.
  virtual Result<std::vector<RunRow>> runs_in_quarantine() = 0;
  virtual Result<std::vector<TransitionRow>> transitions(const std::string& run_id) = 0;

  // Blocked plugin hashes (after a breach).
  virtual Status block_plugin(const std::string& sha256, const std::string& why, std::int64_t at_ns) = 0;
  virtual Status unblock_plugin(const std::string& sha256) = 0;
  virtual Result<std::optional<std::string>> why_blocked(const std::string& sha256) = 0;
  // Oldest first.
  virtual Result<std::vector<BlockedRow>> blocked_plugins() = 0;
};

}  // namespace freshet::store
