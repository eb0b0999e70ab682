#include <algorithm>

#include "runtime/base/bytes.h"
#include "runtime/base/log.h"
#include "runtime/base/units.h"
#include "runtime/manager/manager_impl.h"
#include "runtime/manager/open_roots.h"
#include "runtime/manager/past_rows.h"
#include "runtime/manager/run_states.h"
#include "runtime/manager/state_log.h"
#include "runtime/store/root_locks.h"

namespace freshet {

// Frees what is in the quarantine of one run, which the caller has locked and read behind the lock. `why` is for the
// report.
bool CleanupManager::purge_run(const store::RunRow& run, const std::string& why, PurgeReport& report) {
  RunResult::Purged purged{run.id, 0, 0, why};
  bool clean = true;
  bool any = false;
  bool reachable = false;
  std::optional<Error> away;
  for (const store::TaskRow& row : run.tasks) {
    if (!in_quarantine(row)) continue;
    any = true;
    const Result<std::vector<PlanRoot>> roots = roots_from_grant_json(row.grant_json);
    if (!roots) {
      report.error = roots.error();
      return false;
    }
    for (const PlanRoot& root : *roots) {
      if (const Result<std::vector<channel::OpenRoot>> open = open_planned_roots({root}); open) {
        reachable = true;
      } else {
        away = open.error();
      }
    }
  }
  // Of a run whose every root is away nothing can be freed now: it stays as restorable as it is.
  if (any && !reachable) {
    report.error = away;
    return false;
  }
  if (any)
    if (const Status kept = core_.history->set_run_state(run.id, std::string(to_string(RunState::purging)), run.ended_ns, run.note, store::Sync::now); !kept) {
      report.error = kept.error();
      return false;
    }
  for (store::TaskRow row : run.tasks) {
    if (!in_quarantine(row)) continue;
    const Result<std::vector<PlanRoot>> roots = roots_from_grant_json(row.grant_json);
    if (!roots) {
      report.error = roots.error();
      return false;
    }
    row.state = kPurging;  // durable before the first unlink: from here on it cannot be taken back
    if (const Status kept = core_.history->set_task(row, {}, store::Sync::now); !kept) {
      report.error = kept.error();
      return false;
    }
    log_state(row, why);
    Progress step{.task = row.name, .phase = "purge", .scanned = 0, .found = 0, .done = 0, .total = row.entries_removed, .bytes = 0};
    core_.progress(step);
    const Told told = [&](std::uint64_t done, std::uint64_t bytes) {
      step.done = done;
      step.bytes = bytes;
      core_.progress(step);
    };
    const PurgeOutcome outcome = purge_quarantine(core_, reference(row, *roots), told);
    told(outcome.entries, outcome.bytes);
    purged.entries += outcome.entries;
    purged.bytes += outcome.bytes;
    report.left += outcome.left;
    figures_.add_purge(row.channel, outcome.entries, outcome.bytes);
    if (outcome.error || outcome.left > 0) {
      clean = false;
      if (outcome.error) report.error = outcome.error;
      row.note = "purge: " + (outcome.error ? outcome.error->what : std::to_string(outcome.left) + " entries could not be unlinked");
    } else {
      row.state = kPurged;
      row.entries_removed = std::max(row.entries_removed, outcome.entries);
      row.bytes_now += outcome.bytes;
      row.bytes_at_purge = 0;
    }
    if (const Status kept = core_.history->set_task(row, {}, store::Sync::now); !kept) report.error = kept.error();
    log_state(row, format_count(outcome.entries) + " entries, " + format_size(outcome.bytes) + " freed" +
                       (row.state == kPurged ? "" : "; " + row.note));
  }
  if (any && clean)
    if (const Status kept = core_.history->set_run_state(run.id, std::string(to_string(RunState::purged)), run.ended_ns, run.note, store::Sync::now); !kept)
      report.error = kept.error();
  report.runs.push_back(std::move(purged));
  return clean;
}

// Purges a past run as it is behind its lock; one that somebody is taking back or purging just now stays. A run that
// purges at its end (`by_run`) holds roots itself, so that it takes the past run's name alone.
void CleanupManager::purge_unless_busy(const store::RunRow& run, const std::string& by_run, const std::string& why, PurgeReport& report) {
  const std::vector<std::string> roots = by_run.empty() ? paths_of(run) : std::vector<std::string>();
  const Result<std::unique_ptr<store::RootLock>> lock =
      store::RootLock::take(core_.lock_dir(), run.id, roots, false, core_.options.stop);
  if (!lock) {
    log_info({run.id, {}, {}}, "not purged: " + lock.error().what);
    if (lock.error().kind != ErrorKind::busy) report.error = lock.error();
    return;
  }
  const Result<std::optional<store::RunRow>> now = core_.history->find_run(run.id);
  if (!now) report.error = now.error();
  if (now && *now) purge_run(**now, why, report);
}

// Step 6 of a run: what is over its `keep`, then the oldest until each channel is within its `max`.
void CleanupManager::purge_what_is_over(const std::string& except_run, const std::set<std::string>* channels, PurgeReport& report) {
  const Result<std::vector<store::RunRow>> runs = core_.history->runs_in_quarantine();
  if (!runs) {
    report.error = runs.error();
    return;
  }
  const auto concerns = [&](const store::RunRow& run) {
    return channels == nullptr || std::ranges::any_of(run.tasks, [&](const store::TaskRow& row) { return channels->contains(row.channel); });
  };
  const std::int64_t now = core_.clock.now();
  std::map<std::string, std::uint64_t> held;  // by channel
  std::vector<const store::RunRow*> left;
  for (const store::RunRow& run : *runs) {
    if (!std::ranges::any_of(run.tasks, in_quarantine)) continue;
    const bool alive = store::RootLock::held(core_.lock_dir(), run.id);
    const std::optional<RunState> state = run_state_named(run.state);
    const bool unfinished = !state || *state == RunState::executing || *state == RunState::rolling_back;
    const bool over = std::ranges::all_of(run.tasks, [&](const store::TaskRow& row) { return !in_quarantine(row) || row.keep_until_ns <= now; });
    if (run.id != except_run && concerns(run) && over && !alive && !unfinished) {
      purge_unless_busy(run, except_run, "its keep is over", report);
      continue;
    }
    for (const store::TaskRow& row : run.tasks)
      if (in_quarantine(row)) held[row.channel] += row.bytes_at_purge;
    if (run.id != except_run && concerns(run) && !alive && !unfinished) left.push_back(&run);
  }
  for (const store::RunRow* run : left) {  // oldest first
    std::string why;
    for (const store::TaskRow& row : run->tasks) {
      const auto channel = core_.config.channels.find(row.channel);
      if (channel == core_.config.channels.end() || !channel->second.quarantine.max_bytes || !in_quarantine(row)) continue;
      if (held[row.channel] > *channel->second.quarantine.max_bytes)
        why = "the quarantine of " + row.channel + " is over its max of " + format_size(*channel->second.quarantine.max_bytes);
    }
    if (why.empty()) continue;
    for (const store::TaskRow& row : run->tasks)
      if (in_quarantine(row)) held[row.channel] -= std::min(held[row.channel], row.bytes_at_purge);
    purge_unless_busy(*run, except_run, why, report);
  }
}

PurgeReport CleanupManager::purge(const std::optional<std::string>& run_id) {
  PurgeReport out;
  if (!run_id) {
    purge_what_is_over({}, nullptr, out);
    return out;
  }
  const Result<std::optional<store::RunRow>> run = core_.history->find_run(*run_id);
  if (!run || !*run) {
    out.error = run ? Error{ErrorKind::missing, {}, "no run is called " + escape_bytes(*run_id), {}} : run.error();
    return out;
  }
  const Result<std::unique_ptr<store::RootLock>> lock = lock_past_run(**run, false);
  if (!lock) {
    out.error = lock.error();
    return out;
  }
  const Result<std::optional<store::RunRow>> now = core_.history->find_run(*run_id);
  if (now && *now) purge_run(**now, "asked for", out);
  return out;
}

}  // namespace freshet
