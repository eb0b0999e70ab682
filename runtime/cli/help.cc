#include "runtime/cli/help.h"

#include <algorithm>
#include <sstream>

#include "runtime/report/style.h"

namespace freshet::cli {
namespace {

constexpr std::size_t kWidth = 80;

std::string indented(std::string_view lines) {
  std::string out;
  while (!lines.empty()) {
    const std::size_t end = std::min(lines.find('\n'), lines.size());
    out += "  " + std::string(lines.substr(0, end)) + "\n";
    lines.remove_prefix(std::min(end + 1, lines.size()));
  }
  return out;
}

std::string text_of(const boost::program_options::options_description& options) {
  std::ostringstream out;
  out << options;
  return out.str();
}

}  // namespace

std::string main_help() {
  std::string out =
      "Freshet runs cleanup plugins that nobody has to trust. A plugin proposes, you see\n"
      "the plan, and what is removed waits in a quarantine until it is purged.\n"
      "\n"
      "Usage: freshet [OPTIONS] COMMAND [...]\n"
      "\n"
      "Commands:\n";
  for (const Command* command : all_commands()) {
    std::string name(command->name);
    name.resize(std::max<std::size_t>(name.size() + 1, 10), ' ');
    out += "  " + name + std::string(command->summary) + "\n";
  }
  out +=
      "\n"
      "First steps:\n"
      "  freshet check                 is the configuration sound? nothing is changed\n"
      "  freshet plan                  what would be removed, and why? nothing is changed\n"
      "  freshet run                   plan, ask, remove\n"
      "  freshet rollback latest       put everything back\n"
      "  freshet help run              more about one command, with examples\n"
      "\n" +
      text_of(global_options()) +
      "\n"
      "Files:\n"
      "  /etc/freshet/freshet.toml and conf.d/*.toml beside it; for an ordinary user\n"
      "  ~/.config/freshet/freshet.toml. History and plans: /var/lib/freshet, or\n"
      "  ~/.local/state/freshet.\n"
      "\n"
      "Exit codes:\n"
      "  0    done, or nothing to do\n"
      "  1    failed, or the configuration has errors\n"
      "  2    the plan has changes (only `plan --detailed-exitcode`)\n"
      "  3    partly done: see the report\n"
      "  4    refused by a boundary or a budget\n"
      "  64   the command line is wrong\n"
      "  130  interrupted; `freshet rollback latest` takes back what was done\n";
  return out;
}

std::string command_help(const Command& command) {
  std::string out = "Usage: freshet " + std::string(command.name) + " [OPTIONS]";
  if (!command.usage.empty()) out += " " + std::string(command.usage);
  out += "\n\n" + report::wrap({}, command.text, 0) + "\n";
  if (command.add_options != nullptr) {
    boost::program_options::options_description options("Options", kWidth);
    command.add_options(options);
    out += "\n" + text_of(options);
  }
  out += "\nExamples:\n" + indented(command.examples);
  out += "\n" + text_of(global_options());
  return out;
}

}  // namespace freshet::cli
