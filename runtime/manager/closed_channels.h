#pragma once

#include <map>
#include <string>

#include "runtime/base/mutex.h"

namespace freshet {

// Channels that a breach has closed for the rest of a plan or run, and whose it was. Thread-safe.
class ClosedChannels {
 public:
  void add(const std::string& channel, const std::string& task) {
    const MutexLock lock(mutex_);
    by_.emplace(channel, task);
  }
  // The task that broke out; empty when the channel is open.
  std::string find(const std::string& channel) {
    const MutexLock lock(mutex_);
    const auto at = by_.find(channel);
    return at == by_.end() ? std::string() : at->second;
  }

 private:
  Mutex mutex_;
  std::map<std::string, std::string> by_ FRESHET_GUARDED_BY(mutex_);
};

}  // namespace freshet
