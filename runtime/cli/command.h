#pragma once

#include <boost/program_options/options_description.hpp>
#include <span>
#include <string_view>

#include "runtime/cli/arguments.h"

namespace freshet::cli {

class Session;

// One subcommand. Its file is runtime/cli/commands/<name>.cc.
struct Command {
  std::string_view name;
  std::string_view usage;     // "[TASK...]"
  std::string_view summary;   // one line of the main help
  std::string_view text;      // what it does, in a paragraph; the help wraps it
  std::string_view examples;  // lines "command   # why"
  std::size_t min_words = 0;
  std::size_t max_words = 0;
  void (*add_options)(boost::program_options::options_description&) = nullptr;
  int (*run)(Session&, const Arguments&) = nullptr;
};

extern const Command kCheck, kPlan, kRun, kRollback, kVerify, kPurge, kHistory, kStatus, kPlugins, kDoctor,
    kExplain, kVersion;

// In the order of the help.
std::span<const Command* const> all_commands();

}  // namespace freshet::cli
