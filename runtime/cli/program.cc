#include "runtime/cli/program.h"

#include <algorithm>
#include <exception>

#include "runtime/cli/command.h"
#include "runtime/cli/exit_codes.h"
#include "runtime/cli/help.h"
#include "runtime/report/json.h"
#include "runtime/report/text.h"

namespace freshet::cli {
namespace {

int show_usage_error(const UsageError& wrong, bool as_json, Console& console) {
  const Error error{ErrorKind::invalid, "", wrong.what, wrong.suggestion};
  console.err(report::error_text(error, console.err_style()));
  const std::string more =
      wrong.command == nullptr ? "freshet help" : "freshet help " + std::string(wrong.command->name);
  console.err("  See `" + more + "`.\n");
  if (as_json)
    console.out(report::line_of({{"object", "error"}, {"error", report::error_json(error)}}));
  return kUsage;
}

int run_command(std::span<const std::string> words, Console& console, Backend backend, std::stop_token stop) {
  auto invocation = parse_arguments(words, all_commands());
  // What was asked for cannot be known of words that make no sense; but whoever wrote --json reads JSON.
  const bool as_json = std::ranges::find(words, "--json") != words.end();
  if (!invocation) return show_usage_error(invocation.error(), as_json, console);
  if (invocation->help) {
    console.out(invocation->command == nullptr ? main_help() : command_help(*invocation->command));
    return kDone;
  }
  Session session(std::move(invocation->global), console, std::move(backend), std::move(stop));
  return invocation->command->run(session, invocation->arguments);
}

}  // namespace

int run_program(std::span<const std::string> words, Console& console, Backend backend, std::stop_token stop) {
  int code = kFailed;
  try {
    code = run_command(words, console, std::move(backend), std::move(stop));
  } catch (const std::exception& error) {
    console.err("error: " + std::string(error.what()) + " (this is a bug of Freshet)\n");
  }
  if (auto written = console.finish(); !written) {
    console.err(report::error_text(written.error(), console.err_style()));
    if (code == kDone) code = kFailed;
  }
  return code;
}

}  // namespace freshet::cli
