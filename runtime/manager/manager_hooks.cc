// Programs of the operator's own around the effects of a task.
#include "runtime/base/bytes.h"
#include "runtime/base/log.h"
#include "runtime/manager/hook_runner.h"
#include "runtime/manager/manager_impl.h"
#include "runtime/manager/result_rows.h"
#include "runtime/manager/running.h"

namespace freshet {

bool CleanupManager::run_hooks(const TaskPlan& task, std::string_view moment, const std::vector<config::HookConfig>& hooks, bool until_stop,
                               CleanupResult& result) {
  for (const config::HookConfig& hook : hooks) {
    core_.progress({.task = task.shown.name, .phase = "hook", .scanned = 0, .found = 0, .done = 0, .total = 0, .bytes = 0});
    HookOutcome outcome = run_hook(hook, until_stop ? core_.options.stop : std::stop_token());
    const std::string subject = std::string(moment) + " " + policy::hook_text(hook);
    if (outcome.output_bytes > outcome.output.size())
      outcome.how += ", printed " + std::to_string(outcome.output_bytes) + " bytes, of which the first are kept";
    result.extra.push_back({"hook", subject, outcome.succeeded, outcome.how, std::move(outcome.output)});
    if (outcome.succeeded) continue;
    const std::string what = "the hook " + hook.name + " (" + std::string(moment) + ") failed: " + outcome.how;
    log_error({result.run_id, task.shown.channel, task.shown.name}, what);
    if (!result.error)
      result.error.emplace(ExecutionError(ExecutionCause::hook_failed, {ErrorKind::system, {}, result.task + ": " + what, "its output is in the result"}));
    result.note += (result.note.empty() ? "" : "; ") + what;
    return false;
  }
  return true;
}

void CleanupManager::run_with_hooks(Running& running, TaskPlan& task, CleanupResult& result) {
  if (!acts_on_the_world(task)) return run_in_channel(running, task, result);
  const policy::EffectiveHooks& hooks = task.permission.hooks;
  if (!run_hooks(task, "before", hooks.before, true, result)) {
    advance(running, task, result, TaskState::failed);
  } else {
    run_in_channel(running, task, result);
    if (result.state == TaskState::committed) (void)run_hooks(task, "after", hooks.after, false, result);
  }
  if (is_bad(result.state)) (void)run_hooks(task, "on-failure", hooks.on_failure, false, result);
}

}  // namespace freshet
