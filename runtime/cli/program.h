#pragma once

#include <span>
#include <stop_token>
#include <string>

#include "runtime/cli/console.h"
#include "runtime/cli/session.h"

namespace freshet::cli {

// The whole program behind main: parses, runs the subcommand, flushes. Returns the exit code; throws nothing.
int run_program(std::span<const std::string> words, Console& console, Backend backend, std::stop_token stop);

}  // namespace freshet::cli
