#include "runtime/cli/program.h"

#include <exception>

#include "runtime/cli/command.h"
#include "runtime/cli/exit_codes.h"
#include "runtime/cli/help.h"
#include "runtime/report/text.h"

namespace freshet::cli {
namespace {

int show_usage_error(const UsageError& error, Console& console) {
  console.err(
      report::error_text({ErrorKind::invalid, "", error.what, error.suggestion}, console.err_style()));
  const std::string more =
      error.command == nullptr ? "freshet help" : "freshet help " + std::string(error.command->name);
  console.err("  See `" + more + "`.\n");
  return kUsage;
}

int run_command(std::span<const std::string> words, Console& console, Backend backend, std::stop_token stop) {
  auto invocation = parse_arguments(words, all_commands());
  if (!invocation) return show_usage_error(invocation.error(), console);
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
