#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "runtime/base/mutex.h"
#include "runtime/manager/core.h"
#include "runtime/manager/plugin_catalog.h"
#include "runtime/manager/results.h"
#include "runtime/policy/lockfile.h"

namespace freshet {

// The lock file of the configuration, as it is on the disk whenever it is asked for. Thread-safe.
class PluginLock {
 public:
  // No lock file (and nothing to pin) for a configuration that has none: see ManagerOptions::lockfile.
  explicit PluginLock(const Core& core);

  [[nodiscard]] const std::string& file() const { return file_; }

  // What is pinned; none where there is no such file. F1063 when it cannot be read or does not parse.
  Result<policy::Pins> read();
  // Changes the pins under a lock that other processes respect, and replaces the file: old or new, never a part.
  Status pin(policy::Pin pin);
  // Error kind `missing` when `id` is not pinned.
  Status remove(const std::string& id);

  // F1061 pinned, and changed since; F1062 not pinned where the policy requires it; F1063. `position`: of the task's plugin.
  std::vector<BoundaryViolation> check(const Plugin& plugin, const config::Position& position);

 private:
  template <class Change>
  Status change(Change&& change);

  const Core& core_;
  std::string file_;
  Mutex mutex_;
  // The file's state that `pins_` was read from: device, inode, size, change time.
  struct Seen {
    std::uint64_t dev = 0, inode = 0, size = 0;
    std::int64_t changed_ns = 0;
    bool operator==(const Seen&) const = default;
  };
  std::optional<Seen> seen_ FRESHET_GUARDED_BY(mutex_);
  policy::Pins pins_ FRESHET_GUARDED_BY(mutex_);
};

}  // namespace freshet
