#include "runtime/manager/calling_tasks.h"

#include <utility>

namespace freshet {
namespace {

std::vector<std::string>& names_of_this_thread() {
  thread_local std::vector<std::string> names;
  return names;
}

}  // namespace

const std::vector<std::string>& calling_tasks() { return names_of_this_thread(); }

CallingScope::CallingScope(std::vector<std::string> names) : before_(std::exchange(names_of_this_thread(), std::move(names))) {}

CallingScope::~CallingScope() { names_of_this_thread() = std::move(before_); }

}  // namespace freshet
