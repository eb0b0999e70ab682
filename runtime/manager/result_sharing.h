#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "runtime/base/mutex.h"
#include "runtime/manager/results.h"

namespace freshet {

// One piece of work under way, for those who wait for its result. Thread-safe.
class Flight {
 public:
  // The result, or nothing when `stop` was requested before it came.
  std::optional<CleanupResult> wait(const std::stop_token& stop);

 private:
  friend class ResultSharing;
  [[nodiscard]] std::size_t waiting();
  void land(const CleanupResult& result);

  Mutex mutex_;
  Condition landed_;
  std::size_t waiting_ FRESHET_GUARDED_BY(mutex_) = 0;
  std::optional<CleanupResult> result_ FRESHET_GUARDED_BY(mutex_);
};

// Lets one caller at a time work under a name, and those who come meanwhile have its result. Thread-safe; no lock is
// held while somebody works.
class ResultSharing {
 public:
  // Null: the caller works now, and must call `end`. Else what another caller is doing.
  std::shared_ptr<Flight> begin(const std::string& name);
  void end(const std::string& name, const CleanupResult& result);
  [[nodiscard]] bool busy(const std::string& name);
  // How many wait now.
  [[nodiscard]] std::size_t waiting();

 private:
  Mutex mutex_;  // taken before that of a flight
  std::map<std::string, std::shared_ptr<Flight>> flights_ FRESHET_GUARDED_BY(mutex_);
};

// One native task of a channel at a time, whatever run it belongs to. (Plugin tasks have the lock of their roots.)
class ChannelTurns {
 public:
  // False when `stop` was requested before the turn came. `waited_ns`: how long others had it.
  bool enter(const std::string& channel, const std::stop_token& stop, std::int64_t& waited_ns);
  void leave(const std::string& channel);
  [[nodiscard]] std::size_t waiting();

 private:
  Mutex mutex_;
  Condition left_;
  std::size_t waiting_ FRESHET_GUARDED_BY(mutex_) = 0;
  std::map<std::string, bool> taken_ FRESHET_GUARDED_BY(mutex_);
};

}  // namespace freshet
