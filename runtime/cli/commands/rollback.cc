#include "runtime/cli/command.h"
#include "runtime/cli/exit_codes.h"
#include "runtime/cli/session.h"
#include "runtime/report/text.h"

namespace freshet::cli {
namespace {

int exit_code_of_rollback(const Session& session, const RollbackReport& report) {
  if (report.complete) return kDone;
  if (session.interrupted()) return kInterrupted;
  if (report.entries > 0) return kPartly;
  return report.error ? exit_code_of(*report.error) : kFailed;
}

int run(Session& session, const Arguments& arguments) {
  auto manager = session.open_manager_for_the_past();
  if (!manager) return manager.error();
  auto id = session.resolve_run(*(*manager)->history, arguments.words.front());
  if (!id) return id.error();

  const RollbackReport report = (*manager)->quarantine->rollback(*id);
  session.console().erase_progress();
  session.put(report::rollback_json(*id, report));
  const int code = exit_code_of_rollback(session, report);
  if (session.json()) return code;
  if (code == kDone) {
    session.say(report::rollback_text(*id, report, session.style()));
  } else {
    session.console().err(report::rollback_text(*id, report, session.console().err_style()));
  }
  return code;
}

}  // namespace

const Command kRollback = {
    .name = "rollback",
    .usage = "RUN|latest",
    .summary = "put back what a run removed",
    .text =
        "Moves everything that a run removed back to where it was, with names, modes, owners, times "
        "and hard links. Nothing is ever overwritten: where something new stands in the way, that "
        "one entry stays in the quarantine and is named, and the rest comes back. Acts under the "
        "permission that the run recorded; the configuration is not needed. Safe to repeat. RUN is "
        "`latest`, an id, or its first four or more characters.",
    .examples =
        "freshet rollback latest    # the last run that removed something\n"
        "freshet history            # find an older one\n"
        "freshet rollback 7f3a      # by the beginning of its id",
    .min_words = 1,
    .max_words = 1,
    .add_options = nullptr,
    .run = run,
};

}  // namespace freshet::cli
