#pragma once

#include <freshet/plugin.h>

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace freshet_test {

inline constexpr std::int64_t kSecond = 1'000'000'000;
inline constexpr std::int64_t kDay = 86'400 * kSecond;
inline constexpr std::int64_t kNow = 20'000 * kDay;

// An entry of a tree that exists in memory only. Ages, not times: what a test means is "41 days old".
struct FakeEntry {
  std::string name;
  freshet_entry_type type = FRESHET_FILE;
  std::int64_t mtime = kNow - 100 * kDay;
  std::int64_t atime = kNow - 100 * kDay;
  std::int64_t ctime = kNow - 100 * kDay;
  std::int64_t btime = kNow - 100 * kDay;
  std::uint64_t bytes = 4096;
  std::uint32_t uid = 0;
  std::uint32_t flags = 0;
  bool unreadable = false;   // dir_open fails
  bool breaks_off = false;   // dir_next fails after the last child
  std::vector<std::unique_ptr<FakeEntry>> children;

  ~FakeEntry();
  FakeEntry& add(FakeEntry child);
  FakeEntry& file(std::string file_name, std::int64_t age_days = 100);
  FakeEntry& directory(std::string directory_name, std::int64_t age_days = 100);
  FakeEntry& aged(std::int64_t days);

  FakeEntry() = default;
  FakeEntry(FakeEntry&&) = default;
  FakeEntry& operator=(FakeEntry&&) = default;
};

struct FakeFinding {
  std::string path;  // root's path and names
  std::string reason;
  freshet_finding_kind kind;
  freshet_cost_class cost;
  std::uint64_t cost_bytes;
};

// A host that hands out an in-memory tree by the rules of plugin.h, and records every rule a plugin breaks: a name used
// after it has gone stale, a parent closed before its child, a directory proposed before what is in it, leaks.
class FakeHost {
 public:
  FakeHost();
  FakeHost(const FakeHost&) = delete;
  FakeHost& operator=(const FakeHost&) = delete;

  FakeEntry& add_root(std::string path);

  [[nodiscard]] const freshet_host* table() const { return &table_; }
  [[nodiscard]] std::vector<std::string> proposed() const;  // sorted paths
  [[nodiscard]] std::string reason_of(std::string_view path) const;

  std::vector<FakeFinding> findings;
  std::vector<std::string> log;
  std::vector<std::string> broken_rules;
  std::size_t open_directories = 0;
  std::size_t most_open_directories = 0;
  std::size_t buffers_out = 0;
  std::optional<std::size_t> cancel_after_findings;
  std::int64_t now = kNow;
  bool cancelled = false;
  std::uint32_t abi_minor = FRESHET_ABI_MINOR;

 private:
  struct Calls;
  friend struct Calls;

  freshet_host table_{};
  std::deque<FakeEntry> roots_;
};

// Owns the values that freshet_setting only points to.
class FakeSettings {
 public:
  FakeSettings& boolean(std::string name, bool value);
  FakeSettings& integer(std::string name, std::int64_t value, freshet_value_type type = FRESHET_INTEGER);
  FakeSettings& duration(std::string name, std::int64_t value) { return integer(std::move(name), value, FRESHET_DURATION); }
  FakeSettings& size(std::string name, std::int64_t value) { return integer(std::move(name), value, FRESHET_SIZE); }
  FakeSettings& number(std::string name, double value);
  FakeSettings& string(std::string name, std::string value);
  FakeSettings& strings(std::string name, std::vector<std::string> values);

  [[nodiscard]] const freshet_setting* data() const { return settings_.data(); }
  [[nodiscard]] std::uint64_t count() const { return settings_.size(); }

 private:
  freshet_setting& slot(std::string name, freshet_value_type type);

  std::deque<std::string> texts_;
  std::deque<std::vector<freshet_bytes>> lists_;
  std::vector<freshet_setting> settings_;
};

// Configures one task of a plugin and calls it.
class RunningTask {
 public:
  RunningTask(FakeHost& host, freshet_status (*entry)(const freshet_host*, freshet_plugin*), const char* kind,
              const FakeSettings& settings);
  ~RunningTask();
  RunningTask(const RunningTask&) = delete;
  RunningTask& operator=(const RunningTask&) = delete;

  freshet_status configured = FRESHET_FAILED;
  freshet_status scan();
  freshet_status verify();
  [[nodiscard]] bool has_verify() const { return plugin_.verify != nullptr; }

 private:
  FakeHost& host_;
  freshet_plugin plugin_{};
  freshet_task* task_ = nullptr;
};

}  // namespace freshet_test
