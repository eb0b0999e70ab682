#pragma once

#include <string>

#include "runtime/cli/command.h"

namespace freshet::cli {

std::string main_help();
std::string command_help(const Command& command);

}  // namespace freshet::cli
