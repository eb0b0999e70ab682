#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "runtime/base/mutex.h"
#include "runtime/config/config.h"
#include "runtime/manager/results.h"
#include "runtime/store/foreign_lock.h"

namespace freshet {

// The lock files of others that this manager's tasks hold. Two tasks that want the same lock share it: it keeps others
// away, not them from each other. Thread-safe.
class TaskLocks {
 public:
  using Hold = std::vector<std::shared_ptr<store::ForeignLock>>;

  // All of them or none, at once: nobody waits, so nobody waits for another. An optional one whose file is missing is left
  // out. What was taken or left out is added to `acts`. Error kinds as ForeignLock::take; the text names lock and holder.
  Result<Hold> take(const std::vector<config::LockConfig>& locks, std::vector<ExtraAct>& acts);

 private:
  Mutex mutex_;
  std::map<std::pair<std::string, config::LockKind>, std::weak_ptr<store::ForeignLock>> held_ FRESHET_GUARDED_BY(mutex_);
};

}  // namespace freshet
