#include "runtime/base/bytes.h"
#include "runtime/cli/command.h"
#include "runtime/cli/commands/plan_view.h"
#include "runtime/cli/exit_codes.h"
#include "runtime/cli/session.h"
#include "runtime/report/text.h"

namespace freshet::cli {
namespace {

namespace po = boost::program_options;

void add_options(po::options_description& options) {
  options.add_options()  //
      ("out", po::value<std::string>()->value_name("FILE"),
       "save the plan, for `freshet run --plan FILE`")  //
      ("full", "list every entry with its reason")      //
      ("detailed-exitcode", "exit 2 when something would be removed");
}

int run(Session& session, const Arguments& arguments) {
  auto manager = session.open_manager();
  if (!manager) return manager.error();
  IRuns& runs = *(*manager)->runs;
  auto tasks = session.find_tasks(runs, arguments.words);
  if (!tasks) return tasks.error();

  auto planned = runs.plan(*tasks);
  if (!planned) return session.interrupted() ? kInterrupted : session.tell_no_plan(planned.error());
  const PlanGuard guard(runs, *planned);
  auto summary = show_plan(session, runs, *planned, arguments.has("full"), session.json());
  if (!summary) return summary.error();
  if (session.interrupted()) return kInterrupted;
  if (const auto file = arguments.text("out")) {
    if (auto saved = runs.save(*planned, *file); !saved) return session.tell(saved.error());
    session.say("Saved. Apply exactly this with `freshet run --plan " + escape_bytes(*file) + "`.\n");
  } else if (summary->entries > 0) {
    session.say("Nothing was changed. Remove it with `freshet run`.\n");
  }

  const int code = exit_code_of(*summary);
  if (session.quiet() && !session.json() && code != kDone)
    session.console().err(report::plan_text(*summary, session.console().err_style(), session.options().verbose));
  return code == kDone && summary->entries > 0 && arguments.has("detailed-exitcode") ? kHasChanges : code;
}

}  // namespace

const Command kPlan = {
    .name = "plan",
    .usage = "[TASK...]",
    .summary = "show what would be removed, and why; changes nothing",
    .text =
        "Runs the plugins of the given tasks and of those they depend on (without a name: of all "
        "enabled tasks), each locked in and able to read only, and shows what they propose: per task "
        "and root the entries, their bytes, the oldest, the largest directories, and what stays and "
        "why. No process that could remove anything is started.",
    .examples =
        "freshet plan                        # all enabled tasks\n"
        "freshet plan web-cache --full       # every entry of one task, with its reason\n"
        "freshet plan --out p.plan           # later: freshet run --plan p.plan\n"
        "freshet plan --json | jq .path      # one object a finding, then a summary\n"
        "freshet plan --detailed-exitcode    # exit 2: there is something to remove",
    .min_words = 0,
    .max_words = SIZE_MAX,
    .add_options = add_options,
    .run = run,
};

}  // namespace freshet::cli
