#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "runtime/base/log.h"
#include "runtime/channel/role_process.h"
#include "runtime/manager/directory_table.h"
#include "runtime/manager/entry_file.h"
#include "runtime/manager/in_use.h"
#include "runtime/manager/judged_entries.h"
#include "runtime/manager/plan_model.h"

namespace freshet {

// Entries that tasks of one channel have taken in this plan, by (device, inode of the parent, name): the first task in
// order has them. 8 bytes and a set's overhead for each entry.
class TakenEntries {
 public:
  TakenEntries();
  [[nodiscard]] std::uint64_t key(std::uint64_t dev, std::uint64_t parent_inode, std::string_view name) const;

  std::unordered_map<std::uint64_t, std::uint32_t> by_task;  // key -> task number

 private:
  TreeDigest::Key secret_;  // so that nobody can aim at a collision
};

// What goes all or not at all, from its begin on.
struct OpenWhole {
  std::string stays;                 // why it does not go; "" when it may
  std::uint64_t first = 0;           // ordinal of its first entry
  std::uint64_t bytes = 0;
  std::uint64_t orphans = 0;
  std::uint64_t not_taken = 0;       // findings that came after it was known to stay
  std::vector<std::uint64_t> taken;  // keys in TakenEntries
};

// Takes the events of one task's scan, believes none of them, and writes what is accepted into the plan. What a lying
// worker can do is propose entries that are not there; the broker looks at each of them again.
class Intake {
 public:
  struct Inputs {
    TaskPlan* task = nullptr;                              // filled as events come; not owned
    const std::vector<channel::OpenRoot>* roots = nullptr; // of the task, in the order the worker has them; not owned
    const InUseOracle* in_use = nullptr;                   // null: not asked (spare-in-use = false)
    const std::vector<wire::IpcObject>* objects = nullptr; // that the worker was shown; null: none. Not owned
    const InUseOracle* ipc_in_use = nullptr;               // of the POSIX ones among them; likewise
    JudgedEntries* judged = nullptr;                       // of a guard, which proposes nothing; null: it is none. Not owned
    TakenEntries* taken = nullptr;                         // of the channel; not owned
    const std::vector<std::string>* task_names = nullptr;  // by task number
    std::int64_t now_ns = 0;
    std::string plan_dir;
    std::function<void(LogLevel level, std::string_view text)> log;  // a plugin's line, raw bytes
    std::function<void(std::uint64_t scanned, std::uint64_t found, std::uint64_t bytes)> progress;
  };

  static Result<std::unique_ptr<Intake>> create(Inputs inputs);

  // One `events` packet. An error of kind `peer` says what the worker did wrong: with the code kOverLimit it proposed or
  // opened more than one task may, else it broke the protocol. Other kinds are ours.
  Status take(std::string_view packet);
  // What its worker wrote to its standard error, raw: to the log, line by line, as far as that takes more.
  void take_errors(std::string_view text);
  // After the scan: closes the files and fills totals of the task. A whole that was not ended is withdrawn.
  Status finish();

  [[nodiscard]] std::uint64_t scanned() const { return scanned_; }
  [[nodiscard]] std::uint64_t accepted() const { return accepted_; }

 private:
  static constexpr std::uint64_t kMaxDirectories = 4'000'000;
  static constexpr std::uint64_t kMaxOpened = 2 * kMaxDirectories;
  static constexpr std::uint64_t kMaxNameBytes = 128 << 20;  // of directories
  static constexpr std::uint64_t kPlanBytes = 128 << 20;     // on disk, and for each entry of the budget
  static constexpr std::uint64_t kEntryBytes = 512;          // .. so many more
  static constexpr std::uint64_t kMostBytes = 1ULL << 53;    // of all that is proposed: no sum wraps, and JSON holds each
  static constexpr std::uint64_t kSpareFindings = 1'000'000;  // beyond the budget, so that a refusal has a figure
  static constexpr std::uint64_t kMaxLogLines = 200;
  static constexpr std::uint32_t kMaxWholes = 4'000'000;

  explicit Intake(Inputs inputs) : in_(std::move(inputs)) {}

  Status take_directory(const wire::DirectoryEvent& event);
  Status take_finding(const wire::FindingEvent& event);
  Status take_directory_end(const wire::DirectoryEndEvent& event);
  Status take_unread(const wire::UnreadEvent& event);
  Status take_ipc(const wire::IpcEvent& event);
  Status take_keep(const wire::KeepEvent& event);
  Status take_together(const wire::TogetherEvent& event);
  Status take_needed(const wire::NeededEvent& event);
  // Takes back what was proposed since the whole in hand began.
  void withdraw_whole();
  void keep(std::uint32_t node, std::string_view name, const std::string& reason);
  [[nodiscard]] std::string shown_path(std::uint32_t node, std::string_view name) const;
  // Why an entry of that directory is in use, or "".
  [[nodiscard]] std::string use_reason(std::uint32_t node, std::uint64_t inode) const;
  // Why the operator's floors keep it, or "".
  [[nodiscard]] std::string floor_reason(const wire::FindingEvent& event, std::uint32_t node) const;
  // A directory, or with a name that entry of it.
  [[nodiscard]] bool is_excluded(std::uint32_t node, std::string_view name) const;
  [[nodiscard]] bool is_pinned(const std::string& path) const;

  struct DirectoryState {
    bool closed = false;
    bool locked = false;  // it or one above it: everything below is spared
    bool pinned = false;
  };

  Inputs in_;
  std::unique_ptr<EntryWriter> writer_;
  DirectoryTable directories_;
  std::vector<DirectoryState> states_;     // by node
  std::vector<std::uint32_t> node_of_id_;  // the worker's ids; a directory opened twice is one node
  std::unordered_map<std::uint64_t, std::uint32_t> node_of_key_;
  std::optional<OpenWhole> whole_;
  std::uint64_t scanned_ = 0;
  std::uint64_t accepted_ = 0;
  std::uint64_t accepted_bytes_ = 0;
  std::uint64_t fetch_bytes_ = 0;  // that bring them back, of withdrawn ones too
  std::unordered_set<std::uint64_t> proposed_ipc_;
  std::uint64_t log_lines_ = 0;
};

// Error::code of a worker that asked for more than one task may have.
inline constexpr std::string_view kOverLimit = "limit";

}  // namespace freshet
