#pragma once

#include <map>
#include <string>
#include <vector>

#include "runtime/base/mutex.h"
#include "runtime/manager/closed_channels.h"
#include "runtime/manager/manager_impl.h"

namespace freshet {

// One run while it acts. Its tasks run on several threads, each on one.
struct CleanupManager::Running {
  Plan plan;
  std::string dir;                   // of the plan's files
  std::vector<std::string> callers;  // native tasks whose functions have asked for this run, outermost first
  std::int64_t began_ns = 0;         // monotonic
  ClosedChannels closed;

  Mutex mutex;
  std::map<std::string, CleanupResult> results FRESHET_GUARDED_BY(mutex);
  std::vector<std::string> order FRESHET_GUARDED_BY(mutex);                      // names, as they began
  Status history FRESHET_GUARDED_BY(mutex);  // the first failure to record something
  std::map<std::uint32_t, std::vector<store::TransitionRow>> news FRESHET_GUARDED_BY(mutex);  // by task, not yet in history
};

}  // namespace freshet
