#include "runtime/cli/command.h"
#include "runtime/cli/exit_codes.h"
#include "runtime/cli/session.h"
#include "runtime/report/text.h"

namespace freshet::cli {
namespace {

namespace po = boost::program_options;

void add_options(po::options_description& options) {
  options.add_options()("expired", "every run whose `keep` is over");
}

int exit_code_of_purge(const Session& session, const PurgeReport& report) {
  if (session.interrupted()) return kInterrupted;
  if (report.error) return report.runs.empty() ? exit_code_of(*report.error) : kPartly;
  return report.left > 0 ? kPartly : kDone;
}

int run(Session& session, const Arguments& arguments) {
  if (arguments.words.empty() == !arguments.has("expired")) {
    return session.tell_usage("`freshet purge` needs either RUN or --expired",
                              "`freshet status` shows what waits in the quarantine.");
  }
  auto manager = session.open_manager_for_the_past();
  if (!manager) return manager.error();
  std::optional<std::string> which;
  if (!arguments.words.empty()) {
    auto id = session.resolve_run(*(*manager)->history, arguments.words.front());
    if (!id) return id.error();
    which = std::move(*id);
  }

  const PurgeReport report = (*manager)->quarantine->purge(which);
  session.console().erase_progress();
  session.put(report::purge_json(report));
  const int code = exit_code_of_purge(session, report);
  if (session.json()) return code;
  if (code == kDone) {
    session.say(report::purge_text(report, session.style()));
  } else {
    session.console().err(report::purge_text(report, session.console().err_style()));
  }
  return code;
}

}  // namespace

const Command kPurge = {
    .name = "purge",
    .usage = "RUN|latest|--expired",
    .summary = "free what waits in the quarantine, for good",
    .text =
        "Unlinks what a run moved into the quarantine. Only now does free space grow, and only now "
        "is it gone for good. Each `freshet run` purges by itself what was kept long enough "
        "(`quarantine.keep`, 7 days by default); this command is for doing it sooner, or from a "
        "timer of your own.",
    .examples =
        "freshet status             # what waits, how much, and for how long\n"
        "freshet purge 7f3a         # one run, now\n"
        "freshet purge --expired    # every run whose time is over",
    .min_words = 0,
    .max_words = 1,
    .add_options = add_options,
    .run = run,
};

}  // namespace freshet::cli
