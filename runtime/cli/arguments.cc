#include "runtime/cli/arguments.h"

#include <algorithm>
#include <boost/program_options.hpp>
#include <limits>
#include <string_view>

#include "runtime/base/bytes.h"
#include "runtime/cli/command.h"
#include "runtime/base/suggest.h"

namespace freshet::cli {
namespace {

namespace po = boost::program_options;
using Texts = std::vector<std::string>;

constexpr std::string_view kGlobalsWithValue[] = {"--config",     "-c",          "--state-dir",
                                                  "--plugin-dir", "--log-level", "--log-file"};
constexpr std::string_view kLogLevels[] = {"debug", "info", "warn", "error", "off"};
// No guessing: an abbreviation that works today would mean something else once an option is added.
constexpr int kStyle = po::command_line_style::unix_style & ~po::command_line_style::allow_guessing;

// Index of the first word that is neither a global option nor the value of one.
std::size_t find_subcommand(std::span<const std::string> words) {
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (std::ranges::find(kGlobalsWithValue, words[i]) != std::end(kGlobalsWithValue)) {
      ++i;
    } else if (!words[i].starts_with('-') || words[i] == "-") {
      return i;
    }
  }
  return words.size();
}

std::string quoted(std::string_view word) {
  return "`" + escape_bytes(word) + "`";
}

std::string suggest_option(const std::string& word, const po::options_description& all) {
  Texts names;
  for (const auto& option : all.options()) names.push_back("--" + option->long_name());
  std::vector<std::string_view> views(names.begin(), names.end());
  return suggest(word, views);
}

UsageError explain(const po::error& error, const po::options_description& all, const Command* command) {
  if (const auto* unknown = dynamic_cast<const po::unknown_option*>(&error)) {
    const std::string name = unknown->get_option_name();
    return {"unknown option " + quoted(name), suggest_option(name, all), command};
  }
  if (const auto* syntax = dynamic_cast<const po::invalid_syntax*>(&error)) {
    const std::string name = quoted(syntax->get_option_name());
    switch (syntax->kind()) {
      case po::invalid_syntax::missing_parameter:
      case po::invalid_syntax::empty_adjacent_parameter:
        return {"option " + name + " needs a value", "", command};
      case po::invalid_syntax::extra_parameter:
        return {"option " + name + " takes no value", "", command};
      default:
        break;
    }
  }
  if (const auto* repeated = dynamic_cast<const po::multiple_occurrences*>(&error)) {
    return {"option " + quoted(repeated->get_option_name()) + " is given more than once", "", command};
  }
  // Of all values only numbers have a form of their own.
  if (const auto* value = dynamic_cast<const po::invalid_option_value*>(&error))
    return {"option " + quoted(value->get_option_name()) + " needs a whole number", "", command};
  return {escape_bytes(error.what()), "", command};
}

GlobalOptions read_globals(const po::variables_map& map) {
  const auto text = [&map](const char* name) -> std::optional<std::string> {
    if (map.count(name) == 0) return std::nullopt;
    return map[name].as<std::string>();
  };
  GlobalOptions global;
  global.config = text("config");
  global.state_dir = text("state-dir");
  global.log_level = text("log-level");
  global.log_file = text("log-file");
  if (map.count("plugin-dir") > 0) global.plugin_dirs = map["plugin-dir"].as<Texts>();
  global.json = map.count("json") > 0;
  global.quiet = map.count("quiet") > 0;
  global.verbose = map.count("verbose") > 0;
  global.no_color = map.count("no-color") > 0;
  return global;
}

std::optional<UsageError> check_words(const Command& command, const Texts& words) {
  if (words.size() < command.min_words) {
    return UsageError{"`freshet " + std::string(command.name) + "` needs " + std::string(command.usage), "",
                      &command};
  }
  if (words.size() > command.max_words) {
    return UsageError{
        "`freshet " + std::string(command.name) + "` has no use for " + quoted(words[command.max_words]), "",
        &command};
  }
  return std::nullopt;
}

std::optional<UsageError> check_globals(const GlobalOptions& global, const Command* command) {
  if (global.log_level && std::ranges::find(kLogLevels, *global.log_level) == std::end(kLogLevels)) {
    return UsageError{"unknown log level " + quoted(*global.log_level),
                      suggest(*global.log_level, kLogLevels, true), command};
  }
  if (global.quiet && global.verbose)
    return UsageError{"--quiet and --verbose exclude each other", "", command};
  return std::nullopt;
}

const Command* find_command(std::string_view name, std::span<const Command* const> commands) {
  const auto found =
      std::ranges::find_if(commands, [name](const Command* command) { return command->name == name; });
  return found == commands.end() ? nullptr : *found;
}

UsageError unknown_command(const std::string& name, std::span<const Command* const> commands) {
  std::vector<std::string_view> names;
  for (const Command* command : commands) names.push_back(command->name);
  return {"unknown command " + quoted(name), suggest(name, names), nullptr};
}

}  // namespace

bool Arguments::has(const char* option) const {
  return options.count(option) > 0;
}

std::optional<std::string> Arguments::text(const char* option) const {
  if (!has(option)) return std::nullopt;
  return options[option].as<std::string>();
}

std::vector<std::string> Arguments::texts(const char* option) const {
  if (!has(option)) return {};
  return options[option].as<Texts>();
}

po::options_description global_options() {
  po::options_description options("Options of every command");
  options.add_options()  //
      ("config,c", po::value<std::string>()->value_name("FILE"),
       "read this configuration, not the standard one")                                          //
      ("state-dir", po::value<std::string>()->value_name("DIR"), "keep history and plans here")  //
      ("plugin-dir", po::value<Texts>()->value_name("DIR"),
       "look for plugins here first; may be repeated")                                                 //
      ("json", "write JSON Lines instead of text")                                                     //
      ("quiet,q", "write errors only")                                                                 //
      ("verbose,v", "name all that stays or is refused, and log what is done")                                        //
      ("log-level", po::value<std::string>()->value_name("LEVEL"), "debug, info, warn, error or off")  //
      ("log-file", po::value<std::string>()->value_name("FILE"),
       "append the log to this file, not to stderr")  //
      ("no-color", "no colours, as with NO_COLOR in the environment")  //
      ("help,h", "this help");
  return options;
}

std::expected<Invocation, UsageError> parse_arguments(std::span<const std::string> words,
                                                      std::span<const Command* const> commands) {
  const std::size_t at = find_subcommand(words);
  Texts rest(words.begin(), words.end());
  Invocation invocation;
  std::string name;
  if (at < words.size()) {
    name = words[at];
    rest.erase(rest.begin() + static_cast<std::ptrdiff_t>(at));
  }
  const bool help_command = name == "help";
  if (!name.empty() && !help_command) {
    invocation.command = find_command(name, commands);
    if (invocation.command == nullptr) return std::unexpected(unknown_command(name, commands));
  }

  po::options_description all = global_options();
  if (invocation.command == nullptr) all.add_options()("version", "");
  if (invocation.command != nullptr && invocation.command->add_options != nullptr)
    invocation.command->add_options(all);
  po::options_description hidden;
  hidden.add(all).add_options()("words", po::value<Texts>());
  po::positional_options_description positional;
  positional.add("words", -1);
  try {
    po::store(po::command_line_parser(rest).options(hidden).positional(positional).style(kStyle).run(),
              invocation.arguments.options);
  } catch (const po::error& error) {
    return std::unexpected(explain(error, all, invocation.command));
  }
  const po::variables_map& map = invocation.arguments.options;
  invocation.global = read_globals(map);
  if (map.count("words") > 0) invocation.arguments.words = map["words"].as<Texts>();
  invocation.help = help_command || map.count("help") > 0;
  if (help_command && !invocation.arguments.words.empty()) {
    invocation.command = find_command(invocation.arguments.words.front(), commands);
    if (invocation.command == nullptr)
      return std::unexpected(unknown_command(invocation.arguments.words.front(), commands));
  }
  if (map.count("version") > 0 && invocation.command == nullptr) invocation.command = &kVersion;
  if (invocation.help) return invocation;
  if (invocation.command == nullptr) return std::unexpected(UsageError{"no command given", "", nullptr});
  if (auto wrong = check_globals(invocation.global, invocation.command)) return std::unexpected(*wrong);
  if (auto wrong = check_words(*invocation.command, invocation.arguments.words))
    return std::unexpected(*wrong);
  return invocation;
}

}  // namespace freshet::cli
