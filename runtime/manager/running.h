#pragma once

#include <map>
#include <string>
#include <vector>

#include "runtime/base/mutex.h"
#include "runtime/manager/manager_impl.h"

namespace freshet {

// One run while it acts. Its tasks run on several threads, each on one.
struct CleanupManager::Running {
  Plan plan;
  std::string dir;                   // of the plan's files
  std::vector<std::string> callers;  // native tasks whose functions have asked for this run, outermost first
  std::int64_t began_ns = 0;         // monotonic

  Mutex mutex;
  std::map<std::string, CleanupResult> results FRESHET_GUARDED_BY(mutex);
  std::vector<std::string> order FRESHET_GUARDED_BY(mutex);                      // names, as they began
  std::map<std::string, std::string> closed FRESHET_GUARDED_BY(mutex);           // channel -> the task that broke out
  std::map<std::uint32_t, std::vector<store::TransitionRow>> news FRESHET_GUARDED_BY(mutex);  // by task, not yet in history
};

}  // namespace freshet
