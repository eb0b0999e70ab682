#include "runtime/cli/command.h"
#include "runtime/cli/exit_codes.h"
#include "runtime/cli/session.h"
#include "runtime/report/text.h"

namespace freshet::cli {
namespace {

int run(Session& session, const Arguments&) {
  const std::vector<DoctorRow> rows = session.examine_host();
  session.put(report::doctor_json(rows));
  session.say(report::doctor_text(rows, session.style()));
  return kDone;
}

}  // namespace

const Command kDoctor = {
    .name = "doctor",
    .usage = "",
    .summary = "what this host can and cannot isolate",
    .text =
        "Tries each mechanism that isolates plugins (it does not read version numbers) and prints "
        "what is there, what `isolation = \"strict\"` needs, and what is lost where one is missing.",
    .examples =
        "freshet doctor\n"
        "freshet doctor --json",
    .min_words = 0,
    .max_words = 0,
    .add_options = nullptr,
    .run = run,
};

}  // namespace freshet::cli
