#include "runtime/manager/registry.h"

namespace freshet {

std::string task_name_problem(const std::string& name) {
  if (name.empty()) return "a task needs a name";
  if (name.size() > 64) return "the task name is longer than 64 characters";
  for (const char c : name) {
    const bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
    if (!good) return "a task name may have letters, digits, '.', '_' and '-' only";
  }
  if (name[0] == '.' || name[0] == '-') return "a task name begins with a letter, a digit or '_'";
  return {};
}

}  // namespace freshet
