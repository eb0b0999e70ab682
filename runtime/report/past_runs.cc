#include "runtime/report/past_runs.h"

namespace freshet::report {

bool is_unfinished(const RunSummary& run) {
  if (run.alive) return false;
  switch (run.state) {
    case RunState::planning:
    case RunState::executing:
    case RunState::rolling_back:
    case RunState::purging:
      return true;
    default:
      return false;
  }
}

bool waits_in_quarantine(const RunSummary& run) {
  if (run.state == RunState::purged || run.state == RunState::rolled_back) return false;
  return run.bytes_reclaimable_at_purge > 0 || (run.keep_until_ns > 0 && run.entries_removed > 0);
}

}  // namespace freshet::report
