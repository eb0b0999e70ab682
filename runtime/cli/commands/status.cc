#include "runtime/base/clock.h"
#include "runtime/cli/command.h"
#include "runtime/cli/exit_codes.h"
#include "runtime/cli/session.h"
#include "runtime/report/past_runs.h"
#include "runtime/report/text.h"

namespace freshet::cli {
namespace {

constexpr std::size_t kRunsLookedAt = 10'000;

int run(Session& session, const Arguments&) {
  auto manager = session.open_manager_for_the_past();
  if (!manager) return manager.error();
  auto past = (*manager)->history->history(kRunsLookedAt);
  if (!past) return session.tell(past.error());
  std::erase_if(*past, [](const RunSummary& one) {
    return !one.alive && !report::is_unfinished(one) && !report::waits_in_quarantine(one);
  });
  for (const RunSummary& one : *past) session.put(report::past_run_json(one));
  session.say(report::status_text(*past, SystemClock().now(), session.style()));
  return kDone;
}

}  // namespace

const Command kStatus = {
    .name = "status",
    .usage = "",
    .summary = "runs under way or unfinished, and what waits in the quarantine",
    .text =
        "Shows runs that are under way, runs whose process ended before they did (after a crash or a "
        "power cut) with the commands that help, and what waits in the quarantine, for how long.",
    .examples =
        "freshet status\n"
        "freshet status --json",
    .min_words = 0,
    .max_words = 0,
    .add_options = nullptr,
    .run = run,
};

}  // namespace freshet::cli
