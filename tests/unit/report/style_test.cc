#include "runtime/report/style.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include "runtime/base/bytes.h"

namespace freshet::report {
namespace {

constexpr Style kUnicode{.colour = false, .unicode = true, .width = 80};
constexpr Style kAscii{};

TEST(Style, AStreamThatIsNoTerminalGetsNoColourAndEightyColumns) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const Style style = Style::of(ends[1], true);
  EXPECT_FALSE(style.colour);
  EXPECT_EQ(style.width, 80U);
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST(Style, ATerminalHasColourUnlessItOrTheEnvironmentSaysNo) {
  const int person = ::posix_openpt(O_RDWR | O_NOCTTY);
  ASSERT_TRUE(person >= 0 && ::grantpt(person) == 0 && ::unlockpt(person) == 0);
  const int terminal = ::open(::ptsname(person), O_RDWR | O_NOCTTY);
  ASSERT_GE(terminal, 0);
  ::setenv("TERM", "xterm", 1);
  ::unsetenv("NO_COLOR");
  EXPECT_TRUE(Style::of(terminal, true).colour);
  EXPECT_FALSE(Style::of(terminal, false).colour);
  ::setenv("NO_COLOR", "", 1);
  EXPECT_TRUE(Style::of(terminal, true).colour) << "an empty one says nothing";
  ::setenv("NO_COLOR", "1", 1);
  EXPECT_FALSE(Style::of(terminal, true).colour);
  ::unsetenv("NO_COLOR");
  ::setenv("TERM", "dumb", 1);
  EXPECT_FALSE(Style::of(terminal, true).colour);
  ::close(terminal);
  ::close(person);
}

TEST(Style, PaintIsNothingWithoutColour) {
  EXPECT_EQ(paint(kAscii, Paint::bad, "x"), "x");
  EXPECT_EQ(paint({.colour = true}, Paint::bad, "x"), "\x1b[31mx\x1b[0m");
  EXPECT_EQ(paint({.colour = true}, Paint::plain, "x"), "x");
}

TEST(Style, NamesNeverMoveTheCursorAndStayAsciiWhereTheLocaleIs) {
  EXPECT_EQ(show(kUnicode, "grün\n\x1b[2J\xff\\"), "grün\\n\\x1b[2J\\xff\\\\");
  EXPECT_EQ(show(kAscii, "grün"), "gr\\xc3\\xbcn");
  std::string back;
  ASSERT_TRUE(unescape_bytes(show(kAscii, "grün\xff"), back));
  EXPECT_EQ(back, "grün\xff");
}

TEST(Style, ProseKeepsTheEscapesItHas) {
  EXPECT_EQ(show_words(kUnicode, "moving a\\xff: \x1b[1m\\"), "moving a\\xff: \\x1b[1m\\");
}

TEST(Style, ColumnsCountWideAndCombiningCharacters) {
  EXPECT_EQ(columns_of("abc"), 3U);
  EXPECT_EQ(columns_of("日本"), 4U);
  EXPECT_EQ(columns_of("e\xcc\x81"), 1U);
  EXPECT_EQ(columns_of("🧹"), 2U);
}

TEST(Style, BarsGrowWithTheirPartAndNeverVanish) {
  EXPECT_EQ(bar(kAscii, 0, 10, 8), "");
  EXPECT_EQ(bar(kAscii, 1, 1'000'000, 8), "#");
  EXPECT_EQ(bar(kAscii, 5, 10, 8), "####");
  EXPECT_EQ(bar(kAscii, 10, 10, 8), "########");
  EXPECT_EQ(bar(kUnicode, 1, 1'000'000, 8), "▏");
  EXPECT_EQ(bar(kUnicode, 9, 16, 8), "████▌");
  EXPECT_EQ(bar(kUnicode, 20, 10, 4), "████") << "more than the whole";
}

TEST(Style, WrapKeepsToTheWidthAndCutsNoWord) {
  const Style narrow{.width = 12};
  EXPECT_EQ(wrap(narrow, "one two three", 4), "one two\n    three");
  EXPECT_EQ(wrap(narrow, "/a/very/long/path/stays", 4), "/a/very/long/path/stays");
  EXPECT_EQ(wrap(narrow, "", 4), "");
}

TEST(Style, WrapDoesNotBreakWhatStandsInBackticks) {
  const Style narrow{.width = 13};
  EXPECT_EQ(wrap(narrow, "see `a b c`, then go", 2), "see\n  `a b c`,\n  then go");
  EXPECT_EQ(wrap(narrow, "see `far too long for a line` so", 2), "see `far\n  too long\n  for a line`\n  so");
  EXPECT_EQ(wrap(narrow, "one ` alone stays one", 2), "one ` alone\n  stays one");
}

}  // namespace
}  // namespace freshet::report
