#include "runtime/cli/command.h"
#include "runtime/cli/exit_codes.h"
#include "runtime/cli/session.h"

namespace freshet::cli {
namespace {

int run(Session& session, const Arguments&) {
  session.put({{"object", "version"}, {"version", FRESHET_VERSION}});
  session.say("freshet " FRESHET_VERSION "\n");
  return kDone;
}

}  // namespace

const Command kVersion = {
    .name = "version",
    .usage = "",
    .summary = "print the version",
    .text = "Prints the version of this program.",
    .examples = "freshet version",
    .min_words = 0,
    .max_words = 0,
    .add_options = nullptr,
    .run = run,
};

}  // namespace freshet::cli
