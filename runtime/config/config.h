#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "runtime/base/error.h"

#pragma GCC visibility push(default)
namespace freshet::config {

// Where a value was written; shown in every error about it. Lines and columns count from 1; 0 means "not in a file"
// (a default, or a plain struct handed to the manager).
struct Position {
  std::string file;
  std::uint32_t line = 0;
  std::uint32_t column = 0;  // in characters
  std::shared_ptr<const std::string> text{};  // the whole file as it was read, for excerpts; may be null

  bool operator==(const Position&) const = default;
};

// "file:line:column", or empty for a value that stands in no file. The file's name is escaped.
std::string to_string(const Position& position);
// The source line and a caret line below it, without a last newline; empty where there is no text.
std::string excerpt(const Position& position);

// What a channel may do below a root.
struct Access {
  bool list = true;     // names and metadata; always implied
  bool read = false;    // contents of files
  bool remove = false;  // removal into the quarantine

  bool operator==(const Access&) const = default;
};

struct RootConfig {
  std::string path;                  // absolute, no "..", no trailing '/', bytes
  Access access{.list = true, .read = false, .remove = true};
  std::vector<std::string> exclude;  // absolute, below `path`
  bool optional = false;             // a missing root is no error
  bool i_know_what_this_is = false;  // for protected places
  Position position;

  // Equal in meaning, wherever it was written.
  bool operator==(const RootConfig& other) const {
    return path == other.path && access == other.access && exclude == other.exclude && optional == other.optional &&
           i_know_what_this_is == other.i_know_what_this_is;
  }
};

struct LimitsConfig {
  std::uint64_t memory_bytes = 256ULL << 20;
  std::int64_t cpu_ns = 300'000'000'000;   // 5 min
  std::int64_t wall_ns = 600'000'000'000;  // 10 min
  std::uint32_t threads = 4;
  std::uint32_t fds = 64;

  bool operator==(const LimitsConfig&) const = default;
};

enum class OverBudget { refuse, trim };

struct BudgetConfig {
  std::uint64_t entries = 1'000'000;
  std::optional<std::uint64_t> bytes;  // none: unlimited
  double share = 0.9;                  // of a root's entries, from 100 entries on
  OverBudget over = OverBudget::refuse;
  Position position;

  bool operator==(const BudgetConfig& other) const {
    return entries == other.entries && bytes == other.bytes && share == other.share && over == other.over;
  }
};

enum class QuarantineMode { keep, none };
enum class QuarantineAt { in_root, mount_top };

struct QuarantineConfig {
  QuarantineMode mode = QuarantineMode::keep;
  std::int64_t keep_ns = 7LL * 24 * 3600 * 1'000'000'000;
  std::optional<std::uint64_t> max_bytes;
  QuarantineAt at = QuarantineAt::in_root;
  Position position;

  bool operator==(const QuarantineConfig& other) const {
    return mode == other.mode && keep_ns == other.keep_ns && max_bytes == other.max_bytes && at == other.at;
  }
};

// What no plugin can undercut; enforced by manager and broker.
struct FloorsConfig {
  std::int64_t min_age_ns = 0;        // against mtime
  std::uint64_t keep_newest = 0;      // per directory
  std::vector<std::string> pins;      // globs of absolute paths that stay
  std::optional<std::pair<std::uint32_t, std::uint32_t>> hours;  // [from, to) minutes of the local day
  bool spare_in_use = true;

  bool operator==(const FloorsConfig&) const = default;
};

enum class Isolation { strict, best_effort };

// What one channel may name; a role is told of all of it in one message.
inline constexpr std::size_t kMaxRoots = 48;
inline constexpr std::size_t kMaxExcludes = 255;  // of a root; the state directory may be one more

// Locks of other programs (config/permissions/lock.md).
enum class LockKind { flock, posix };
inline constexpr std::size_t kMaxLocks = 16;  // of a channel

struct LockConfig {
  std::string path;       // absolute
  LockKind kind = LockKind::flock;
  bool optional = false;  // a missing file is no reason to skip the task
  Position position;

  bool operator==(const LockConfig& other) const {
    return path == other.path && kind == other.kind && optional == other.optional;
  }
};
// "flock", "posix".
std::string_view to_string(LockKind kind);

// IPC objects of the host (config/permissions/ipc.md).
inline constexpr std::size_t kMaxIpc = 16;  // grants of a channel
inline constexpr std::array<std::string_view, 6> kIpcKinds{"shm", "sem", "msg", "posix-shm", "posix-sem", "posix-msg"};

struct IpcConfig {
  std::string owner;       // a user's name, or a number
  std::uint8_t kinds = 0;  // bit N: kIpcKinds[N]
  std::uint32_t uid = 0;   // of the owner, once it has been looked up
  Position position;

  bool operator==(const IpcConfig& other) const { return owner == other.owner && kinds == other.kinds && uid == other.uid; }
};

// Programs that the operator wrote (config/permissions/hook.md).
inline constexpr std::size_t kMaxHooks = 16;           // in one list
inline constexpr std::size_t kMaxHookArguments = 64;   // the program's path included
inline constexpr std::size_t kMaxHookArgument = 4096;  // bytes
inline constexpr std::int64_t kMaxHookDeadlineNs = 3600LL * 1'000'000'000;

struct HookConfig {
  std::string name;
  std::vector<std::string> run;              // absolute path, arguments
  std::int64_t deadline_ns = 30'000'000'000;  // wall clock
  Position position;

  bool operator==(const HookConfig& other) const {
    return name == other.name && run == other.run && deadline_ns == other.deadline_ns;
  }
};

// Names of hooks, by when a task wants them.
struct TaskHooks {
  std::vector<std::string> before;      // the first effect
  std::vector<std::string> after;       // the task is done
  std::vector<std::string> on_failure;  // it failed after a hook or an effect
};

struct ChannelConfig {
  std::string name;
  std::vector<RootConfig> roots;
  LimitsConfig limits;
  BudgetConfig budget;
  QuarantineConfig quarantine;
  FloorsConfig floors;
  std::optional<Isolation> isolation;  // none: the file's
  bool irreversible_allowed = false;
  std::vector<LockConfig> locks;       // that tasks may have the manager hold
  std::vector<IpcConfig> ipc;          // whose objects tasks may remove
  std::vector<std::string> hooks;      // names of hooks that tasks may name
  bool generated = false;              // made from a task's own `roots`
  Position position;
};

// A setting as TOML has it, before the plugin's schema gives it a type.
struct SettingValue {
  std::variant<bool, std::int64_t, double, std::string, std::vector<SettingValue>> value;
  Position position;
};

enum class OnFailure { rollback, keep };

struct TaskConfig {
  std::string name;
  std::string plugin;                       // plugin id
  std::optional<std::string> kind;          // key `task`, where the plugin offers several
  std::string channel;                      // always filled: a declared or a generated one
  std::vector<RootConfig> roots;            // the task's own, if it has no declared channel; empty: all of its channel's
  bool enabled = true;
  std::vector<std::string> after;
  std::vector<std::string> requires_;       // key `requires`
  std::map<std::string, SettingValue> settings;
  std::optional<QuarantineMode> quarantine_mode;
  OnFailure on_failure = OnFailure::rollback;
  bool guard = false;                       // removes nothing; may say of what its channel is to lose that it stays
  TaskHooks hooks;                          // key `run-hooks`
  Position position;
  std::map<std::string, Position> key_positions;  // of each key that was written
  std::map<std::string, Position> dependency_positions;  // of each name in `after` and `requires`
};

enum class LockfilePolicy { off, require };
enum class SignaturePolicy { off, warn, require };

struct PolicyConfig {
  LockfilePolicy lockfile = LockfilePolicy::off;
  SignaturePolicy signatures = SignaturePolicy::off;
  bool native_tasks = true;
};

struct LogConfig {
  std::string level = "warn";
  std::string file;  // empty: stderr
  bool json = false;
};

// Workers and brokers that root starts run under user ids from `uid_base` on, so many at most.
inline constexpr std::uint32_t kUidCount = 65536;

struct Config {
  std::map<std::string, ChannelConfig> channels;
  std::map<std::string, TaskConfig> tasks;  // disabled ones too
  std::map<std::string, HookConfig> hooks;
  Isolation isolation = Isolation::strict;
  std::uint32_t uid_base = 1879048192;
  Position uid_base_position;
  PolicyConfig policy;
  LogConfig log;
  std::vector<std::string> files;  // in the order they were read
};

struct LoadOptions {
  // Files to read, in order. The first must exist; the caller has put conf.d/*.toml after it in name order.
  std::vector<std::string> files;
};

// One error of meaning or of syntax, ready to print: `where: what`, the line with a caret, a suggestion.
struct Diagnostic {
  Position position;
  std::string what;        // "unknown key `older_than`"
  std::string excerpt;     // the source line and a caret line; may be empty
  std::string suggestion;  // "did you mean `older-than`?"; may be empty
};

// "FILE:LINE:COL: error: what", excerpt, "  = help: suggestion".
std::string format(const Diagnostic& diagnostic);

// Reads, merges and types the files. All errors of meaning in all files are returned at once; a syntax error ends the
// reading of that file only. Nothing outside the named files is touched: no plugin, no root.
// Size cap 1 MiB a file, nesting cap 32 (toml11 3.7.1 overflows the stack on 32 KB of '[').
std::expected<Config, std::vector<Diagnostic>> load(const LoadOptions& options);

// Why a configuration does not hold, and what could be read of it all the same.
struct LoadFailure {
  std::vector<Diagnostic> diagnostics;
  // For finding out what else is wrong, never for a run: every task, in a channel of its own that grants nothing. Edges
  // are left out where a file could not be read: the other task may stand there.
  Config rest;
  std::set<std::string> doubtful;  // tasks of `rest` with an error in their plugin, kind or settings
};
std::expected<Config, LoadFailure> load_in_part(const LoadOptions& options);

// The same for texts in memory, each with the name that its positions carry.
struct NamedText {
  std::string file;
  std::string text;
};
std::expected<Config, std::vector<Diagnostic>> load_texts(const std::vector<NamedText>& texts);

// The files for `--config FILE`, or for this user's standard place: /etc/freshet/freshet.toml for root, else
// $XDG_CONFIG_HOME/freshet/freshet.toml or ~/.config/freshet/freshet.toml. A file named freshet.toml is followed by the
// *.toml files of conf.d beside it, in name order, hidden ones left out; a given file with another name stands alone.
// Errors: kind `missing` (no such file), `invalid` (not a file), `system` (conf.d cannot be listed).
Result<std::vector<std::string>> find_config_files(const std::optional<std::string>& given);

}  // namespace freshet::config
#pragma GCC visibility pop
