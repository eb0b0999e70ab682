#include "runtime/manager/plan_rules.h"

#include <ctime>
#include <map>

#include "runtime/base/clock.h"
#include "runtime/base/log.h"
#include "runtime/manager/state_machine.h"

namespace freshet {

void enter(TaskPlan& task, TaskState state) {
  if (!is_legal_transition(task.shown.state, state)) {
    task.shown.note = illegal_transition(task.shown.state, state);
    log_error({{}, task.shown.channel, task.shown.name}, task.shown.note);
    state = TaskState::failed;
  }
  task.shown.state = state;
  task.changes.push_back({state, SystemClock().now()});
}

void carry_requirements(Plan& plan) {
  std::map<std::string, const TaskPlan*> out;  // those that do not go
  for (TaskPlan& task : plan.tasks) {
    for (const std::string& name : task.requires_) {
      const auto at = out.find(name);
      if (at == out.end() || !is_going(task)) continue;
      const bool refused = at->second->shown.state == TaskState::refused;
      enter(task, refused ? TaskState::refused : TaskState::skipped);
      task.shown.note = "it requires " + name + ", which " + (refused ? "is refused" : "does not go") + ": " + at->second->shown.note;
    }
    if (!is_going(task)) out.emplace(task.shown.name, &task);
  }
}

std::uint32_t local_minutes(std::int64_t now_ns) {
  const std::time_t seconds = now_ns / 1'000'000'000;
  std::tm broken{};
  ::localtime_r(&seconds, &broken);
  return static_cast<std::uint32_t>(broken.tm_hour * 60 + broken.tm_min);
}

std::int64_t end_of_hours(std::int64_t now_ns, std::pair<std::uint32_t, std::uint32_t> hours) {
  constexpr std::int64_t kMinute = 60'000'000'000;
  constexpr std::uint32_t kDay = 24 * 60;
  if (hours.first % kDay == hours.second % kDay) return 0;  // "00:00-24:00"
  const std::uint32_t left = (hours.second % kDay + kDay - local_minutes(now_ns)) % kDay;
  return now_ns - now_ns % kMinute + static_cast<std::int64_t>(left == 0 ? kDay : left) * kMinute;
}

std::string_view kind_name(wire::FindingKind kind) {
  switch (kind) {
    case wire::FindingKind::none: return "none";
    case wire::FindingKind::aged: return "aged";
    case wire::FindingKind::orphan: return "orphan";
    case wire::FindingKind::over_quota: return "over-quota";
    case wire::FindingKind::leftover: return "leftover";
  }
  return "none";
}

std::string_view cost_name(wire::CostClass cost) {
  switch (cost) {
    case wire::CostClass::unique: return "unique";
    case wire::CostClass::regenerable: return "regenerable";
    case wire::CostClass::redownloadable: return "re-downloadable";
  }
  return "unique";
}

}  // namespace freshet
