#include "runtime/cli/arguments.h"

#include <gtest/gtest.h>

#include "runtime/cli/command.h"

namespace freshet::cli {
namespace {

using Words = std::vector<std::string>;

std::expected<Invocation, UsageError> parse(const Words& words) {
  return parse_arguments(words, all_commands());
}

TEST(Arguments, GlobalOptionsStandBeforeOrAfterTheCommand) {
  for (const Words& words : {Words{"--config", "f", "--plugin-dir", "d", "--json", "plan", "a", "b"},
                             Words{"plan", "a", "--config=f", "b", "--plugin-dir=d", "--json"},
                             Words{"--plugin-dir=d", "plan", "-c", "f", "--json", "a", "b"}}) {
    const auto invocation = parse(words);
    ASSERT_TRUE(invocation) << invocation.error().what;
    EXPECT_EQ(invocation->command, &kPlan);
    EXPECT_EQ(invocation->global.config, "f");
    EXPECT_EQ(invocation->global.plugin_dirs, Words{"d"});
    EXPECT_TRUE(invocation->global.json);
    EXPECT_EQ(invocation->arguments.words, (Words{"a", "b"}));
  }
}

TEST(Arguments, PluginDirsAreRepeatedInOrder) {
  const auto invocation = parse({"--plugin-dir", "one", "plan", "--plugin-dir", "two"});
  ASSERT_TRUE(invocation);
  EXPECT_EQ(invocation->global.plugin_dirs, (Words{"one", "two"}));
}

TEST(Arguments, AMisspeltCommandIsNamedWithASuggestion) {
  const auto invocation = parse({"rolback", "latest"});
  ASSERT_FALSE(invocation);
  EXPECT_NE(invocation.error().what.find("rolback"), std::string::npos);
  EXPECT_NE(invocation.error().suggestion.find("`rollback`"), std::string::npos)
      << invocation.error().suggestion;
}

TEST(Arguments, AMisspeltOptionIsNamedWithASuggestion) {
  const auto invocation = parse({"run", "--yse"});
  ASSERT_FALSE(invocation);
  EXPECT_NE(invocation.error().what.find("`--yse`"), std::string::npos) << invocation.error().what;
  EXPECT_NE(invocation.error().suggestion.find("`--yes`"), std::string::npos)
      << invocation.error().suggestion;
  EXPECT_EQ(invocation.error().command, &kRun);
}

TEST(Arguments, AbbreviationsAreRefused) {
  EXPECT_FALSE(parse({"plan", "--detailed"}));
  EXPECT_FALSE(parse({"plan", "--stat", "d"}));
}

TEST(Arguments, WhatIsMissingTooMuchOrRepeatedIsRefused) {
  for (const Words& words :
       {Words{}, Words{"rollback"}, Words{"rollback", "a", "b"}, Words{"version", "x"}, Words{"--config"},
        Words{"plan", "--config"}, Words{"plan", "--config", "a", "--config", "b"}, Words{"plan", "--json=1"},
        Words{"plan", "--log-level", "loud"}, Words{"plan", "--quiet", "--verbose"},
        Words{"history", "-n", "many"}}) {
    const auto invocation = parse(words);
    ASSERT_FALSE(invocation) << (words.empty() ? "" : words.back());
    EXPECT_FALSE(invocation.error().what.empty());
  }
}

TEST(Arguments, WordsAfterADoubleDashAreNoOptions) {
  const auto invocation = parse({"plan", "--", "--json"});
  ASSERT_TRUE(invocation);
  EXPECT_FALSE(invocation->global.json);
  EXPECT_EQ(invocation->arguments.words, Words{"--json"});
}

TEST(Arguments, HelpIsACommandAndAnOption) {
  for (const Words& words :
       {Words{"help", "run"}, Words{"run", "--help"}, Words{"--help", "run"}, Words{"run", "-h"}}) {
    const auto invocation = parse(words);
    ASSERT_TRUE(invocation);
    EXPECT_TRUE(invocation->help);
    EXPECT_EQ(invocation->command, &kRun);
  }
  EXPECT_EQ(parse({"help"})->command, nullptr);
  EXPECT_TRUE(parse({"rollback", "--help"})) << "help needs no other argument";
  EXPECT_FALSE(parse({"help", "rnu"}));
  EXPECT_EQ(parse({"--version"})->command, &kVersion);
}

}  // namespace
}  // namespace freshet::cli
