#include <algorithm>

#include "runtime/manager/calling_tasks.h"
#include "runtime/manager/manager_impl.h"
#include "runtime/manager/result_rows.h"

namespace freshet {
namespace {

CleanupResult not_run(const std::string& name, CleanupError error) {
  CleanupResult out;
  out.task = name;
  out.state = TaskState::failed;
  out.note = error.what;
  out.error.emplace(std::move(error));
  return out;
}

ExecutionError execution(ExecutionCause cause, Error error) { return {cause, std::move(error)}; }

}  // namespace

CleanupResult CleanupManager::execute_cleanup(CleanupHandle handle) {
  const Result<Target> target = find(handle);
  if (!target) return not_run({}, execution(ExecutionCause::unknown_handle, target.error()));
  const std::string& name = target->name;
  const std::shared_ptr<const TaskMap> all = registered();
  if (target->past || !all->contains(name))
    return not_run(name, execution(ExecutionCause::unknown_handle,
                                   {ErrorKind::invalid, {}, "a task of a past run cannot be executed: use its registered handle", {}}));
  const Registered& task = *all->at(name);
  if (const std::shared_ptr<Flight> flight = callers_.begin(name)) {
    if (task.task.on_busy == OnBusy::refuse || std::ranges::find(calling_tasks(), name) != calling_tasks().end())
      return not_run(name, execution(ExecutionCause::busy, {ErrorKind::busy, {}, "the task " + name + " is running already", {}}));
    std::optional<CleanupResult> other = flight->wait(core_.options.stop);
    if (!other)
      return not_run(name, execution(ExecutionCause::interrupted, {ErrorKind::busy, {}, name + ": interrupted while another call ran it", {}}));
    other->shared = true;
    return std::move(*other);
  }
  CleanupResult out = execute_alone(task, handle);
  callers_.end(name, out);
  return out;
}

// Plans and acts under one lock of the roots, so that what is planned is what is there.
CleanupResult CleanupManager::execute_alone(const Registered& task, CleanupHandle handle) {
  Plan plan;
  const auto selected = resolve({handle}, plan.resolved_ns);
  if (!selected) return not_run(task.name, selected.error());
  const Result<std::string> id = reserve_run_id();
  if (!id) return not_run(task.name, execution(ExecutionCause::not_recorded, id.error()));
  std::vector<std::string> roots;
  for (const std::shared_ptr<const Registered>& one : *selected)
    if (one->plugin() != nullptr)
      for (const config::RootConfig& root : core_.config.channels.at(*one->channel).roots) roots.push_back(root.path);
  const std::int64_t asked_ns = core_.clock.monotonic();
  const Result<std::unique_ptr<store::RootLock>> lock = lock_roots(*id, roots, task.task.on_busy == OnBusy::share);
  plan.waited_ns = core_.clock.monotonic() - asked_ns;
  if (!lock) {
    discard({*id});
    return not_run(task.name, execution(ExecutionCause::busy, lock.error()));
  }
  plan.id = *id;
  make_plan(plan, *selected, {task.name});
  RunResult run = carry_out(std::move(plan), true);
  if (run.error && run.tasks.empty()) {
    discard({*id});
    return not_run(task.name, execution(ExecutionCause::not_recorded, *run.error));
  }
  CleanupResult out;
  std::vector<CleanupResult> others;
  for (CleanupResult& one : run.tasks) {
    if (one.task == task.name) {
      out = std::move(one);
    } else {
      others.push_back(std::move(one));
    }
  }
  out.run_id = out.shared ? out.run_id : run.run_id;
  out.others = std::move(others);
  out.order = std::move(run.order);
  if (run.error && !out.error) out.error.emplace(execution(ExecutionCause::not_recorded, *run.error));
  return out;
}

}  // namespace freshet
