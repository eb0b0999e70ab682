#include <algorithm>

#include "runtime/manager/ipc_objects.h"
#include "runtime/manager/manager_impl.h"
#include "runtime/manager/open_roots.h"
#include "runtime/manager/plan_rules.h"
#include "runtime/manager/settle.h"
#include "runtime/manager/timers.h"

namespace freshet {

// The plan may be old, or have come from a file: the grants of today hold, and the budget is counted again under them.
void CleanupManager::admit_again(Plan& plan, bool own) {
  const std::shared_ptr<const TaskMap> all = registered();
  for (TaskPlan& task : plan.tasks) {
    if (!is_going(task)) continue;
    const Span working(task.metrics.wall_ns);
    const auto refuse = [&](std::string code, std::string what) {
      task.shown.violations.push_back({std::move(code), std::move(what), "make a new plan", {}});
    };
    const auto at = all->find(task.shown.name);
    if (at == all->end() || (at->second->native() != nullptr) != task.native) {
      refuse("F1093", "the plan's task " + task.shown.name + " is not in the configuration any more");
    } else if (!own && !at->second->enabled) {
      refuse("F1093", "the plan's task " + task.shown.name + " is disabled now");
    } else {
      Validated now;
      {
        const ValidationTimer timed(task);
        now = validate_task(core_, catalog_, lock_, host_, *at->second);
      }
      task.shown.violations = std::move(now.violations);
      if (!task.native) {
        if (now.plugin && now.plugin->sha256 != task.plugin_sha256)
          refuse("F1094", "the plugin of " + task.shown.name + " has changed since the plan was made");
        if (task.shown.channel != at->second->channel) refuse("F1093", task.shown.name + " has another channel now");
        for (const PlanRoot& root : task.roots) {
          const bool granted = std::ranges::any_of(now.permission.roots, [&](const config::RootConfig& today) {
            return today.path == root.config.path && today.exclude == root.config.exclude && today.access == root.config.access;
          });
          if (!granted) refuse("F1093", "the grant for " + root.config.path + " is not what it was when the plan was made");
        }
        const config::QuarantineAt place = quarantine_at(core_.config.channels.at(task.shown.channel), now.permission);
        for (const PlanRoot& root : task.roots)
          if (root.top.has_value() != (place == config::QuarantineAt::mount_top))
            refuse("F1093", "the quarantine of " + root.config.path + " is not where it was when the plan was made");
        if (now.permission.quarantine_mode != task.permission.quarantine_mode)
          refuse("F1093", "the quarantine mode of " + task.shown.name + " has changed since the plan was made");
        // What is held and run is today's configuration's own, never a file's; and it is what was shown.
        if (now.permission.locks != task.permission.locks || now.permission.hooks != task.permission.hooks)
          refuse("F1093", "the locks or hooks of " + task.shown.name + " are not what they were when the plan was made");
        for (const PlannedIpc& planned : task.ipc)
          if (!is_covered(planned.object, now.permission.ipc))
            refuse("F1093", "the grant for the IPC objects of uid " + std::to_string(planned.object.uid) + " is not what it was when the plan was made");
        task.permission.ipc = now.permission.ipc;
        task.permission.locks = std::move(now.permission.locks);
        task.permission.hooks = std::move(now.permission.hooks);
        task.permission.limits = now.permission.limits;
        task.permission.budget = now.permission.budget;
        task.permission.floors = now.permission.floors;
        task.permission.irreversible_allowed = now.permission.irreversible_allowed;
        task.strict = now.strict;
        task.on_failure = at->second->config->on_failure;
        const config::QuarantineConfig& quarantine = core_.config.channels.at(task.shown.channel).quarantine;
        task.keep_ns = quarantine.keep_ns;
        task.max_quarantine_bytes = quarantine.max_bytes.value_or(0);
      }
    }
    if (task.shown.violations.empty() && !task.native && own) judge_plan(task, local_minutes(core_.clock.now()));
    if (task.shown.violations.empty() && !task.native && !own)
      if (const Status settled = recount_plan(task, core_.plan_dir(plan.id), local_minutes(core_.clock.now())); !settled) {
        enter(task, TaskState::failed);
        task.shown.note = settled.error().what;
        continue;
      }
    if (task.shown.violations.empty()) continue;
    if (is_going(task)) enter(task, TaskState::refused);
    task.shown.note = task.shown.violations.front().what;
  }
  carry_requirements(plan);
}

}  // namespace freshet
