#include "plugins/keep-newest/pattern.h"

#include <gtest/gtest.h>

#include <freshet/plugin.hpp>

namespace keep_newest {
namespace {

std::string match(std::string_view pattern, std::string_view name) {
  const auto capture = Pattern(pattern).match(name);
  return capture ? "<" + std::string(*capture) + ">" : "no";
}

TEST(Pattern, TheWholeNameHasToMatch) {
  EXPECT_EQ(match("*.log", "a.log"), "<>");
  EXPECT_EQ(match("*.log", "a.log.1"), "no");
  EXPECT_EQ(match("a", ""), "no");
  EXPECT_EQ(match("*", ""), "<>");
  EXPECT_EQ(match("?", "ab"), "no");
}

TEST(Pattern, TheCaptureIsWhatTheParenthesesTook) {
  EXPECT_EQ(match("core.(*).[0-9]*", "core.nginx.33.1a2b"), "<nginx>");
  EXPECT_EQ(match("(*)-[0-9]*", "my-app-12-3"), "<my-app>");
  EXPECT_EQ(match("(*).log.*", "access.log.2.gz"), "<access>");
  EXPECT_EQ(match("[0-9]*-(*)", "2024-db"), "<db>");
  EXPECT_EQ(match("(a)", "a"), "<a>");
  EXPECT_EQ(match("()", ""), "<>");
}

TEST(Pattern, TheCaptureIsRightAfterGoingBack) {
  EXPECT_EQ(match("*(b*)d", "abxbcd"), "<bxbc>");
  EXPECT_EQ(match("*.(?)x", "a.yz.qx"), "<q>") << "the parenthesis stands behind the star that gave way";
  EXPECT_EQ(match("(*)*.gz", "a.b.gz"), "<>") << "as few bytes as will do";
}

TEST(Pattern, SetsAndBackslashes) {
  EXPECT_EQ(match("[a-c]?", "b/"), "<>");
  EXPECT_EQ(match("[!a-c]", "b"), "no");
  EXPECT_EQ(match("[]x]", "]"), "<>");
  EXPECT_EQ(match("\\*\\(", "*("), "<>");
  EXPECT_EQ(match("\\*", "x"), "no");
  EXPECT_EQ(match("[\xf0-\xff]", "\xf5"), "<>");
}

TEST(Pattern, WhatMakesNoSenseIsRefusedByName) {
  for (const char* bad : {"", "a/b", "(", "a)", "(a)(b)", "((a))", "[a", "[", "a\\", "[z-a]", "[a\\"}) {
    try {
      Pattern pattern{bad};
      ADD_FAILURE() << bad << " was taken";
    } catch (const freshet::Invalid& error) {
      EXPECT_NE(std::string(error.what()).find("`" + std::string(bad) + "`"), std::string::npos) << error.what();
    }
  }
  EXPECT_THROW(Pattern(std::string(513, 'x')), freshet::Invalid);
}

// With every star going back on its own this one would take longer than the universe has.
TEST(Pattern, NobodyCanChooseANameThatMatchesSlowly) {
  std::string pattern;
  for (int i = 0; i < 100; ++i) pattern += "*a";
  EXPECT_EQ(match(pattern + "b", std::string(255, 'a')), "no");
}

}  // namespace
}  // namespace keep_newest
