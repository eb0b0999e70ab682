#include "runtime/cli/help.h"

#include <gtest/gtest.h>

#include <sstream>

namespace freshet::cli {
namespace {

// The words of an example, without what follows '#' or '|'.
std::vector<std::string> words_of(const std::string& line) {
  std::istringstream in(line.substr(0, line.find_first_of("#|")));
  std::vector<std::string> words;
  for (std::string word; in >> word;) words.push_back(word);
  return words;
}

TEST(Help, TheMainHelpNamesEveryCommandAndEveryExitCode) {
  const std::string help = main_help();
  for (const Command* command : all_commands()) {
    EXPECT_NE(help.find("\n  " + std::string(command->name) + " "), std::string::npos) << command->name;
  }
  for (const char* code : {"  0 ", "  1 ", "  2 ", "  3 ", "  4 ", "  64 ", "  130 "}) {
    EXPECT_NE(help.find(code), std::string::npos) << code;
  }
}

TEST(Help, NoLineIsWiderThanATerminal) {
  std::string all = main_help();
  for (const Command* command : all_commands()) all += command_help(*command);
  std::istringstream in(all);
  for (std::string line; std::getline(in, line);) EXPECT_LE(line.size(), 82U) << line;
}

TEST(Help, EveryExampleIsACommandLineThatParses) {
  for (const Command* command : all_commands()) {
    ASSERT_FALSE(command->examples.empty()) << command->name;
    std::istringstream in{std::string(command->examples)};
    for (std::string line; std::getline(in, line);) {
      std::vector<std::string> words = words_of(line);
      ASSERT_FALSE(words.empty()) << line;
      ASSERT_EQ(words[0], "freshet") << line;
      words.erase(words.begin());
      const auto parsed = parse_arguments(words, all_commands());
      EXPECT_TRUE(parsed) << line << ": " << parsed.error().what;
    }
  }
}

TEST(Help, EveryCommandShowsItsOptions) {
  const std::string help = command_help(kRun);
  for (const char* option : {"--yes", "--plan", "--wait", "--config", "Examples:"}) {
    EXPECT_NE(help.find(option), std::string::npos) << option;
  }
}

}  // namespace
}  // namespace freshet::cli
