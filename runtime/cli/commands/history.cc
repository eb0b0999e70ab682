#include <algorithm>

#include "runtime/cli/command.h"
#include "runtime/cli/exit_codes.h"
#include "runtime/cli/session.h"
#include "runtime/report/text.h"

namespace freshet::cli {
namespace {

namespace po = boost::program_options;

void add_options(po::options_description& options) {
  options.add_options()("limit,n", po::value<std::int64_t>()->value_name("N")->default_value(20),
                        "how many runs, newest first");
}

int run(Session& session, const Arguments& arguments) {
  const auto limit = arguments.options["limit"].as<std::int64_t>();
  if (limit < 1) return session.tell_usage("option `--limit` needs a number from 1 on", "");
  auto manager = session.open_manager_for_the_past();
  if (!manager) return manager.error();
  auto past = (*manager)->history->history(static_cast<std::uint32_t>(std::min<std::int64_t>(limit, UINT32_MAX)));
  if (!past) return session.tell(past.error());
  for (const RunSummary& one : *past) session.put(report::past_run_json(one));
  session.say(report::history_text(*past, session.style()));
  return kDone;
}

}  // namespace

const Command kHistory = {
    .name = "history",
    .usage = "",
    .summary = "list past runs",
    .text =
        "Lists past runs, newest first: when, how they ended, what they removed, what was reclaimed "
        "at once and what waits for its purge.",
    .examples =
        "freshet history\n"
        "freshet history -n 100 --json | jq -r .run_id",
    .min_words = 0,
    .max_words = 0,
    .add_options = add_options,
    .run = run,
};

}  // namespace freshet::cli
