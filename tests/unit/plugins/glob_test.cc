#include "plugins/expired-files/glob.h"

#include <gtest/gtest.h>

#include <chrono>
#include <freshet/plugin.hpp>
#include <string>

namespace expired_files {
namespace {

// As the plugin calls it: the name is the last part of the path.
bool matches(std::string_view pattern, std::string_view path, bool is_directory = false) {
  const auto slash = path.rfind('/');
  const auto name = slash == std::string_view::npos ? path : path.substr(slash + 1);
  return Glob(pattern).matches(name, path, is_directory);
}

TEST(Glob, PatternWithoutSlashIsForTheNameAtAnyDepth) {
  EXPECT_TRUE(matches("*.lock", "x.lock"));
  EXPECT_TRUE(matches("*.lock", "a/b/x.lock"));
  EXPECT_TRUE(matches("*.lock", ".lock"));
  EXPECT_FALSE(matches("*.lock", "x.lock.old"));
  EXPECT_FALSE(matches("*.lock", "x.lock/old"));
}

TEST(Glob, PatternWithSlashIsForTheWholePath) {
  EXPECT_TRUE(matches("a/*.log", "a/x.log"));
  EXPECT_FALSE(matches("a/*.log", "b/a/x.log"));
  EXPECT_FALSE(matches("a/*.log", "a/b/x.log"));
  EXPECT_TRUE(matches("/x", "x"));
  EXPECT_FALSE(matches("/x", "a/x"));
}

TEST(Glob, DoubleStarCrossesDirectories) {
  EXPECT_TRUE(matches("a/**", "a/b"));
  EXPECT_TRUE(matches("a/**", "a/b/c/d"));
  EXPECT_FALSE(matches("a/**", "a"));
  EXPECT_FALSE(matches("a/**", "ab/c"));
  EXPECT_TRUE(matches("**/x", "x"));
  EXPECT_TRUE(matches("**/x", "a/b/x"));
  EXPECT_FALSE(matches("**/x", "a/bx"));
  EXPECT_TRUE(matches("a/**/x", "a/x"));
  EXPECT_TRUE(matches("a/**/x", "a/b/c/x"));
  EXPECT_FALSE(matches("a/**/x", "a/bx"));
  EXPECT_TRUE(matches("a/**/**/***/x", "a/x"));
  EXPECT_TRUE(matches("a/**/**/***/x", "a/b/x"));
  EXPECT_TRUE(matches("**/*.log", "x.log"));
  EXPECT_TRUE(matches("**/*", ".x"));
  EXPECT_TRUE(matches("a**z", "abcz"));
  EXPECT_TRUE(matches("/a**z", "ab/c/z"));
}

TEST(Glob, QuestionMarkAndSetsTakeOneByteButNoSlash) {
  EXPECT_TRUE(matches("?", "a"));
  EXPECT_FALSE(matches("?", ""));
  EXPECT_FALSE(matches("?", "ab"));
  EXPECT_FALSE(matches("/a?b", "a/b"));
  EXPECT_TRUE(matches("[a-c]x", "bx"));
  EXPECT_FALSE(matches("[a-c]x", "dx"));
  EXPECT_TRUE(matches("[!a-c]x", "dx"));
  EXPECT_TRUE(matches("[^a-c]x", "dx"));
  EXPECT_FALSE(matches("[!a-c]x", "ax"));
  EXPECT_FALSE(matches("/a[!x]b", "a/b"));
  EXPECT_TRUE(matches("[]]", "]"));
  EXPECT_TRUE(matches("[a-]", "-"));
  EXPECT_TRUE(matches("[\\]a]", "]"));
}

TEST(Glob, BackslashTakesTheNextByteAsItIs) {
  EXPECT_TRUE(matches("\\*", "*"));
  EXPECT_FALSE(matches("\\*", "a"));
  EXPECT_TRUE(matches("a\\[b", "a[b"));
}

TEST(Glob, SlashAtTheEndMeansDirectoriesOnly) {
  EXPECT_TRUE(matches("keep/", "a/keep", true));
  EXPECT_FALSE(matches("keep/", "a/keep", false));
  EXPECT_TRUE(matches("a/b/", "a/b", true));
}

TEST(Glob, NamesAreBytes) {
  EXPECT_TRUE(matches("*\xff", "a\xff"));
  EXPECT_TRUE(matches("?", "\xff"));
  EXPECT_TRUE(matches("[\x80-\xff]", "\xc3"));
  EXPECT_TRUE(matches("*", "\n\t *"));
}

TEST(Glob, BadPatternsAreRefusedByName) {
  for (const char* pattern : {"", "/", "[a", "[", "[!", "a\\", "[z-a]", "[\\"}) {
    EXPECT_THROW(Glob{pattern}, freshet::Invalid) << pattern;
  }
  EXPECT_THROW(Glob(std::string(600, 'a')), freshet::Invalid);
  try {
    Glob("[a");
    FAIL();
  } catch (const freshet::Invalid& error) {
    EXPECT_NE(std::string(error.what()).find("`[a`"), std::string::npos) << error.what();
  }
}

TEST(Glob, LongPatternsMatchAcrossTheWordsOfTheStateSet) {
  for (const std::size_t length : {62U, 63U, 64U, 65U, 127U, 128U, 200U, 500U}) {
    const std::string name(length, 'a');
    EXPECT_TRUE(matches(name, name)) << length;
    EXPECT_FALSE(matches(name, name + "a")) << length;
    EXPECT_FALSE(matches(name, name.substr(1))) << length;
    EXPECT_TRUE(matches(name + "*", name + "xyz")) << length;
    EXPECT_TRUE(matches("*" + name, "xyz" + name)) << length;
  }
}

// The plainest matcher there can be, exponential but obviously right: the other one has to agree with it.
bool slow_matches(std::string_view pattern, std::string_view text, bool at_part) {
  if (pattern.empty()) return text.empty();
  if (at_part && pattern.substr(0, 3) == "**/") {
    if (slow_matches(pattern.substr(3), text, true)) return true;
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] == '/' && slow_matches(pattern.substr(3), text.substr(i + 1), true)) return true;
    }
    return false;
  }
  if (pattern[0] == '*') {
    const bool both = pattern.substr(0, 2) == "**";
    const auto rest = pattern.substr(both ? 2 : 1);
    for (std::size_t i = 0; i <= text.size(); ++i) {
      if (slow_matches(rest, text.substr(i), false)) return true;
      if (i < text.size() && text[i] == '/' && !both) return false;
    }
    return false;
  }
  if (text.empty() || (pattern[0] == '?' ? text[0] == '/' : pattern[0] != text[0])) return false;
  return slow_matches(pattern.substr(1), text.substr(1), text[0] == '/');
}

TEST(Glob, AgreesWithTheObviousMatcher) {
  std::uint32_t state = 12345;
  const auto random = [&](std::uint32_t below) {
    state = state * 1664525 + 1013904223;
    return (state >> 16) % below;
  };
  for (int round = 0; round < 20000; ++round) {
    std::string pattern = "/";  // the whole path
    for (std::uint32_t i = 0, n = 1 + random(8); i < n; ++i) {
      const std::uint32_t kind = random(7);
      if (kind < 2) pattern += static_cast<char>('a' + kind);
      else if (kind == 2) pattern += '?';
      else if (kind == 3 && pattern.back() != '/') pattern += '/';
      else if (kind == 4 && pattern.back() != '*') pattern += '*';
      else if (kind == 5 && pattern.back() == '/') pattern += "**/";
      else if (kind == 6 && pattern.back() != '*') pattern += "**";
    }
    while (pattern.size() > 1 && pattern.back() == '/') pattern.pop_back();
    if (pattern.size() == 1) continue;
    std::string path;
    for (std::uint32_t i = 0, n = 1 + random(9); i < n; ++i) path += "aab/"[random(4)];
    const bool expected = slow_matches(std::string_view(pattern).substr(1), path, true);
    EXPECT_EQ(matches(pattern, path, true), expected) << pattern << " on " << path;
    // The same behind a literal that is longer than one word of states.
    const std::string before(70, 'p');
    EXPECT_EQ(matches("/" + before + pattern, before + "/" + path, true), expected) << "long " << pattern << " on " << path;
  }
}

TEST(Glob, NoNameMakesAPatternSlow) {
  std::string pattern = "/";
  for (int i = 0; i < 30; ++i) pattern += "**a*";
  pattern += "b";
  const std::string path(4000, 'a');
  const Glob glob(pattern);
  const auto time_of = [&](std::string_view text) {
    const auto start = std::chrono::steady_clock::now();
    EXPECT_FALSE(glob.matches(text, text, false));
    return std::chrono::steady_clock::now() - start;
  };
  time_of(path);  // warm
  // A backtracking matcher would not come back from either. Growth of four may cost four times, and some noise.
  const auto small = time_of(std::string_view(path).substr(0, 1000));
  EXPECT_LT(time_of(path), small * 40 + std::chrono::milliseconds(50));
}

}  // namespace
}  // namespace expired_files
