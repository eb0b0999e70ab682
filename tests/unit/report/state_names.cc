#include "runtime/manager/runs.h"

namespace freshet {

std::string_view to_string(TaskState state) {
  constexpr std::string_view kNames[] = {"registered", "validated",    "planned",    "admitted", "executing",
                                         "executed",   "verified",     "committed",  "refused",  "skipped",
                                         "failed",     "rolling_back", "rolled_back"};
  return kNames[static_cast<std::size_t>(state)];
}

std::string_view to_string(EndReason reason) {
  constexpr std::string_view kNames[] = {"none",    "setup", "breach",   "signal",
                                         "timeout", "limit", "protocol", "plugin"};
  return kNames[static_cast<std::size_t>(reason)];
}

std::string_view to_string(RunState state) {
  constexpr std::string_view kNames[] = {"planning",    "executing", "done",        "partly",
                                         "failed",      "refused",   "interrupted", "rolling_back",
                                         "rolled_back", "purging",   "purged"};
  return kNames[static_cast<std::size_t>(state)];
}

}  // namespace freshet
