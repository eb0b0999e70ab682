#include "runtime/config/toml_guard.h"

#include <gtest/gtest.h>

#include <string>

namespace freshet::config {
namespace {

std::string many(std::size_t count, std::string_view what) {
  std::string out;
  for (std::size_t i = 0; i < count; ++i) out += what;
  return out;
}

TEST(TomlGuard, NestingIsTakenUpToTheLimitAndNotBeyond) {
  EXPECT_FALSE(guard_toml("a = " + many(32, "[") + many(32, "]")));
  EXPECT_TRUE(guard_toml("a = " + many(33, "[") + many(33, "]")));
  EXPECT_TRUE(guard_toml("a = " + many(33, "[\n")));
  EXPECT_TRUE(guard_toml("a = " + many(17, "[{a=")));
  EXPECT_FALSE(guard_toml(many(32, "a.").substr(0, 63) + " = 1"));
  EXPECT_TRUE(guard_toml(many(40, "a.") + "a = 1"));
  EXPECT_TRUE(guard_toml(many(40, "\"a\" . ") + "a = 1"));
  // Closed brackets make room again; stray ones make none.
  EXPECT_FALSE(guard_toml(many(1000, "a = [[]]\n")));
  EXPECT_TRUE(guard_toml(many(100, "]") + many(33, "[")));
}

TEST(TomlGuard, StringsAndCommentsHideBrackets) {
  const std::string deep(100, '[');
  EXPECT_FALSE(guard_toml("# " + deep + "\n"));
  EXPECT_FALSE(guard_toml("a = \"" + deep + "\\\"" + deep + "\""));
  EXPECT_FALSE(guard_toml("a = '" + deep + "\\'"));
  EXPECT_FALSE(guard_toml("a = \"\"\"" + deep + "\n\"\"" + deep + "\\\"\"\"" + deep + "\"\"\""));
  EXPECT_FALSE(guard_toml("a = '''" + deep + "\n''" + deep + "'''''\n"));
  EXPECT_FALSE(guard_toml("\"" + deep + "\" = 1"));
}

TEST(TomlGuard, BracketsBehindAStringCountAgain) {
  const std::string deep(33, '[');
  EXPECT_TRUE(guard_toml("a = \"x\"" + deep));
  EXPECT_TRUE(guard_toml("a = \"\"" + deep));
  EXPECT_TRUE(guard_toml("a = \"\\\\\"" + deep));
  EXPECT_TRUE(guard_toml("a = '\\'" + deep));
  EXPECT_TRUE(guard_toml("a = \"\"\"x\"\"\"\"\"" + deep));
  EXPECT_TRUE(guard_toml("# x\n" + deep));
}

TEST(TomlGuard, AStringWithoutAnEndIsRefusedWhereItStarts) {
  for (const std::string_view text : {"a = \"x", "a = \"x\nb = 1\"", "a = 'x\n'", "a = \"\"\"x\n",
                                      "a = '''x''", "a = \"x\\", "a = \"x\\\n\""}) {
    const auto found = guard_toml(text);
    ASSERT_TRUE(found) << text;
    EXPECT_EQ(found->offset, 4U) << text;
  }
}

TEST(TomlGuard, LinesHaveALimit) {
  EXPECT_FALSE(guard_toml("a = 1\n" + std::string(kMaxTomlLine, ' ') + "\n"));
  const auto found = guard_toml("a = 1\n" + std::string(kMaxTomlLine + 1, ' '));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->offset, 6U);
}

TEST(TomlGuard, TheFirstBadByteIsFound) {
  for (std::size_t at = 0; at < 50; ++at) {
    std::string text = "# äöü €𝄞 äöü €𝄞 äöü €𝄞 äöü €𝄞 äöü €𝄞 äöü €𝄞\n";
    while (at > 0 && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) ++at;
    text.insert(at, "\xFF");
    const auto found = guard_toml(text);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->offset, at);
  }
  EXPECT_TRUE(guard_toml("\x80"));
  EXPECT_TRUE(guard_toml(std::string(100, '\x80')));
  EXPECT_EQ(guard_toml(std::string_view("ab\0cd", 5))->offset, 2U);
}

}  // namespace
}  // namespace freshet::config
