#include "runtime/manager/task_locks.h"

#include "runtime/policy/permission.h"

namespace freshet {

Result<TaskLocks::Hold> TaskLocks::take(const std::vector<config::LockConfig>& locks, std::vector<ExtraAct>& acts) {
  Hold out;
  const MutexLock lock(mutex_);
  for (const config::LockConfig& wanted : locks) {
    std::weak_ptr<store::ForeignLock>& known = held_[{wanted.path, wanted.kind}];
    std::shared_ptr<store::ForeignLock> held = known.lock();
    if (held && !held->is_at(wanted.path)) held.reset();  // another file stands there since
    ExtraAct act{"lock", policy::lock_text(wanted), true, "held until the task had ended", {}};
    if (!held) {
      Result<std::unique_ptr<store::ForeignLock>> taken = store::ForeignLock::take(wanted.path, wanted.kind);
      if (!taken && taken.error().kind == ErrorKind::missing && wanted.optional) {
        act.outcome = "not taken: the file does not exist, and it is optional";
        acts.push_back(std::move(act));
        continue;
      }
      if (!taken) {
        act.done = false;
        act.outcome = taken.error().what;
        acts.push_back(std::move(act));
        return std::unexpected(taken.error());
      }
      held = std::move(*taken);
      known = held;
    }
    out.push_back(std::move(held));
    acts.push_back(std::move(act));
  }
  return out;
}

}  // namespace freshet
