#include <algorithm>

#include "runtime/base/units.h"
#include "runtime/cli/command.h"
#include "runtime/cli/commands/plan_view.h"
#include "runtime/cli/exit_codes.h"
#include "runtime/cli/session.h"
#include "runtime/report/text.h"

namespace freshet::cli {
namespace {

namespace po = boost::program_options;

void add_options(po::options_description& options) {
  options.add_options()                                                                        //
      ("plan", po::value<std::string>()->value_name("FILE"), "apply exactly this saved plan")  //
      ("yes,y", "do not ask; needed where nobody can be asked")                                //
      ("wait", "wait for a run that works on the same roots");
}

// Ctrl-C before anything was begun.
int interrupted(Session& session) {
  RunResult nothing;
  nothing.state = RunState::interrupted;
  session.put(report::run_json(nothing));
  return kInterrupted;
}

std::expected<PlanId, int> make_plan(Session& session, IRuns& runs, const Arguments& arguments) {
  if (const auto file = arguments.text("plan")) {
    auto loaded = runs.load(*file);
    if (!loaded) return std::unexpected(session.tell(loaded.error()));
    return *loaded;
  }
  auto tasks = session.find_tasks(runs, arguments.words);
  if (!tasks) return std::unexpected(tasks.error());
  auto planned = runs.plan(*tasks);
  if (!planned) return std::unexpected(session.interrupted() ? interrupted(session) : session.tell_no_plan(planned.error()));
  return *planned;
}

// What no rollback brings back is part of the question.
std::string for_good(const PlanSummary& plan) {
  std::size_t objects = 0;
  for (const PlannedTask& task : plan.tasks)
    if (task.state == TaskState::planned || task.state == TaskState::admitted) objects += task.ipc.size();
  return objects == 0 ? "" : "; " + std::to_string(objects) + " of them IPC objects, which are gone for good";
}

// Yes, or the exit code.
std::expected<void, int> ask(Session& session, const PlanSummary& plan) {
  const auto answer = session.console().ask(
      "Remove " + report::entries_text(plan.entries) + " (" + format_size(plan.bytes) + " on disk" + for_good(plan) + ")?",
      session.stop());
  if (!answer) {
    session.console().err("\nNothing was changed.\n");
    return std::unexpected(session.interrupted() ? interrupted(session) : kFailed);
  }
  if (*answer) return {};
  session.say("Nothing was changed.\n");
  return std::unexpected(kDone);
}

// What was unlinked cannot come back, and what was not removed need not.
bool can_be_taken_back(const PlanSummary& plan, const RunResult& result) {
  return std::ranges::any_of(result.tasks, [&plan](const CleanupResult& task) {
    const auto planned = std::ranges::find(plan.tasks, task.task, &PlannedTask::name);
    return task.entries_removed > 0 && planned != plan.tasks.end() &&
           !planned->quarantine.starts_with("none");
  });
}

void show_result(Session& session, const PlanSummary& plan, const RunResult& result, int code) {
  session.put(report::run_json(result));
  if (session.json()) return;
  const std::string text = report::run_text(result, session.style(), session.options().verbose);
  if (session.quiet() && code != kDone) session.console().err(text);
  session.say(text);
  if (can_be_taken_back(plan, result)) {
    session.say("Take it back with `freshet rollback " + result.run_id + "`.\n");
  }
}

int run(Session& session, const Arguments& arguments) {
  if (arguments.has("plan") && !arguments.words.empty()) {
    return session.tell_usage("--plan and task names exclude each other",
                              "A saved plan names its tasks itself.");
  }
  const bool asks = !arguments.has("yes");
  if (asks && !session.console().can_ask()) {
    return session.tell_usage("`freshet run` asks before it removes, and here is no terminal to ask on",
                              "Say --yes to run without being asked.");
  }
  auto manager = session.open_manager();
  if (!manager) return manager.error();
  IRuns& runs = *(*manager)->runs;

  auto plan = make_plan(session, runs, arguments);
  if (!plan) return plan.error();
  PlanGuard guard(runs, *plan);
  auto summary = show_plan(session, runs, *plan, false, false);
  if (!summary) return summary.error();
  if (session.interrupted()) return interrupted(session);
  if (asks && summary->entries > 0) {
    if (auto agreed = ask(session, *summary); !agreed) return agreed.error();
  }

  session.console().flush();  // nothing is removed before it was shown
  // Also with nothing to remove: a run records refusals, and purges what was kept long enough.
  guard.keep();
  const RunResult result = runs.apply(*plan, arguments.has("wait"));
  session.console().erase_progress();
  const int code = exit_code_of(result);
  if (result.error) {
    session.console().err(report::error_text(*result.error, session.console().err_style()));
    if (result.tasks.empty() && !session.json()) return code;
  }
  show_result(session, *summary, result, code);
  return code;
}

}  // namespace

const Command kRun = {
    .name = "run",
    .usage = "[TASK...]",
    .summary = "plan, show, ask, remove",
    .text =
        "Makes a plan as `freshet plan` does, shows it, asks, and removes exactly what was shown. "
        "What changed since is left alone. Removed entries wait in the quarantine until they are "
        "purged, unless the configuration says `quarantine = { mode = \"none\" }`. At the end, "
        "earlier runs whose time is over are purged. Ctrl-C finishes the entry in hand and records "
        "the rest as not done.",
    .examples =
        "freshet run                        # all enabled tasks; asks before it acts\n"
        "freshet run web-cache --yes        # one task, and those it depends on\n"
        "freshet run --plan p.plan --yes    # what `freshet plan --out p.plan` showed\n"
        "freshet run --yes --json           # one object at the end, for scripts\n"
        "freshet rollback latest            # put everything back",
    .min_words = 0,
    .max_words = SIZE_MAX,
    .add_options = add_options,
    .run = run,
};

}  // namespace freshet::cli
