#pragma once

#include <string>
#include <vector>

namespace freshet {

// Names of the native tasks whose functions are under way on this thread, or that it works for as a thread of their pool,
// and have led to here, outermost first: a task that waits for itself, or for what it holds itself, would wait for ever.
// (A thread that a task makes by other means is not known.)
const std::vector<std::string>& calling_tasks();

// Says for its lifetime that this thread works for these tasks.
class CallingScope {
 public:
  explicit CallingScope(std::vector<std::string> names);
  ~CallingScope();
  CallingScope(const CallingScope&) = delete;
  CallingScope& operator=(const CallingScope&) = delete;

 private:
  std::vector<std::string> before_;
};

}  // namespace freshet
