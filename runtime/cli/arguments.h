#pragma once

#include <boost/program_options/variables_map.hpp>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace boost::program_options {
class options_description;
}

namespace freshet::cli {

struct Command;

// Understood before and after the subcommand.
struct GlobalOptions {
  std::optional<std::string> config, state_dir, log_level, log_file;
  std::vector<std::string> plugin_dirs;
  bool json = false, quiet = false, verbose = false, no_color = false;
};

// What a subcommand was given: its own options and the words after it.
struct Arguments {
  boost::program_options::variables_map options;
  std::vector<std::string> words;

  [[nodiscard]] bool has(const char* option) const;
  [[nodiscard]] std::optional<std::string> text(const char* option) const;
  // Of an option that may be repeated.
  [[nodiscard]] std::vector<std::string> texts(const char* option) const;
};

struct Invocation {
  GlobalOptions global;
  const Command* command = nullptr;  // null: only with `help`
  Arguments arguments;
  bool help = false;
};

struct UsageError {
  std::string what;
  std::string suggestion;            // "did you mean `run`?"; may be empty
  const Command* command = nullptr;  // whose help helps
};

// `words` are argv[1..].
std::expected<Invocation, UsageError> parse_arguments(std::span<const std::string> words,
                                                      std::span<const Command* const> commands);

boost::program_options::options_description global_options();

}  // namespace freshet::cli
