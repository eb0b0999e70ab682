#include "runtime/manager/state_log.h"

#include "runtime/base/log.h"
#include "runtime/base/units.h"

namespace freshet {
namespace {

std::string entries_text(std::uint64_t entries) { return counted(entries, "entry", "entries"); }

std::string after(const std::string& what) {
  return what.empty() ? what : ": " + what;
}

std::string kept_of(const PlannedTask& task) {
  std::uint64_t kept = 0;
  for (const auto& [reason, count] : task.kept) kept += count;
  return kept == 0 ? "" : ", " + format_count(kept) + " stay";
}

std::string figures_of(const TaskPlan& task, TaskState state) {
  const PlannedTask& shown = task.shown;
  switch (state) {
    case TaskState::planned: {
      std::uint64_t scanned = 0;
      for (const PlannedRoot& root : shown.roots) scanned += root.scanned;
      return entries_text(scanned) + " scanned" + kept_of(shown) +
             (shown.unread_count == 0 ? "" : ", " + format_count(shown.unread_count) + " could not be read");
    }
    case TaskState::admitted:
      return entries_text(shown.entries) + ", " + format_size(shown.bytes) + kept_of(shown);
    default:
      return shown.note;
  }
}

std::string figures_of(const CleanupResult& result) {
  switch (result.state) {
    case TaskState::executing:
      return entries_text(result.entries_found) + " to remove";
    case TaskState::executed:
    case TaskState::committed: {
      std::string out = format_count(result.entries_removed) + " of " + entries_text(result.entries_found) + " removed, " +
                        format_size(result.bytes_reclaimed_now) + " reclaimed now, " +
                        format_size(result.bytes_reclaimable_at_purge) + " at purge";
      if (result.entries_refused > 0) out += ", " + format_count(result.entries_refused) + " not removed";
      return out;
    }
    default:
      return {};
  }
}

}  // namespace

void log_state(const std::string& run_id, const TaskPlan& task, TaskState state) {
  log_info({run_id, task.shown.channel, task.shown.name}, std::string(to_string(state)) + after(figures_of(task, state)));
}

void log_state(const TaskPlan& task, const CleanupResult& result) {
  log_info({result.run_id, task.shown.channel, task.shown.name},
           std::string(to_string(result.state)) + after(figures_of(result)) + after(result.note));
}

void log_state(const store::TaskRow& row, const std::string& what) {
  log_info({row.run_id, row.channel, row.name}, row.state + after(what));
}

}  // namespace freshet
