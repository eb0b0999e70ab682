#pragma once

#include <string>
#include <vector>

namespace freshet {

// Names of the native tasks whose functions are under way on this thread and have led to here, outermost first: a task
// that asks for itself would wait for ever.
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
