#include "runtime/cli/exit_codes.h"

namespace freshet::cli {

int exit_code_of(const Error& error) {
  return error.kind == ErrorKind::refused ? kRefused : kFailed;
}

int exit_code_of(const RunResult& run) {
  if (run.error && run.tasks.empty()) {
    return run.state == RunState::interrupted ? kInterrupted : exit_code_of(*run.error);
  }
  switch (run.state) {
    case RunState::done:
    case RunState::rolled_back:
    case RunState::purged:
      return run.error ? kFailed : kDone;
    case RunState::partly:
      return kPartly;
    case RunState::refused:
      return kRefused;
    case RunState::interrupted:
      return kInterrupted;
    default:
      return kFailed;
  }
}

int exit_code_of(const PlanSummary& plan) {
  bool good = false, refused = false, failed = false;
  for (const PlannedTask& task : plan.tasks) {
    switch (task.state) {
      case TaskState::planned:
      case TaskState::admitted:
        good = true;
        break;
      case TaskState::refused:
        refused = true;
        break;
      case TaskState::failed:
        failed = true;
        break;
      default:
        break;  // skipped: because of another task, which counts itself
    }
  }
  if (good) return refused || failed ? kPartly : kDone;
  return refused ? kRefused : failed ? kFailed : kDone;
}

}  // namespace freshet::cli
