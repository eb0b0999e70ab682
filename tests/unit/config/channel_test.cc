#include <gtest/gtest.h>

#include "config_files.h"
#include "runtime/config/config.h"

namespace freshet::config {
namespace {

// A channel whose root has these keys beside its path /r.
std::string root(std::string_view keys) {
  return "[channel.c]\nroots = [{ path = \"/r\", " + std::string(keys) + " }]\n";
}
std::string channel(std::string_view keys) {
  return "[channel.c]\nroots = [{ path = \"/r\" }]\n" + std::string(keys) + "\n";
}
std::string path(std::string_view value) {
  return "[channel.c]\nroots = [{ path = \"" + std::string(value) + "\" }]\n";
}

TEST(Channel, RootsMustBeAbsoluteAndNormal) {
  struct Case {
    std::string_view path, why, remedy;
  };
  for (const Case& c :
       {Case{"relative", "not absolute", "in full"}, Case{"~/x", "never expanded", "in full"},
        Case{"$HOME/x", "never expanded", "in full"}, Case{"", "empty", "absolute"},
        Case{"/a/../b", "`..` part", "`/b`"}, Case{"/a/./b", "`.` or", "`/a/b`"},
        Case{"/a//b", "`//`", "`/a/b`"}, Case{"/a/", "ends with `/`", "`/a`"}, Case{"//", "`//`", "`/`"},
        Case{"/..", "`..` part", "`/`"}, Case{"/a/b/..", "`..` part", "`/a`"}}) {
    const Diagnostic d = error(path(c.path));
    EXPECT_TRUE(has(d.what, c.why)) << format(d);
    EXPECT_TRUE(has(d.suggestion, c.remedy)) << format(d);
  }
  EXPECT_TRUE(has(error(path("/" + std::string(4095, 'a'))).what, "longer than 4095"));
  EXPECT_TRUE(has(error(path("/a\\u0000b")).what, "NUL"));
  for (const std::string_view fine : {"/", "/a", "/a/..b", "/a/...", "/with space/ü", "/a\\\\b"}) {
    EXPECT_EQ(good(path(fine)).channels.at("c").roots.size(), 1U) << fine;
  }
}

TEST(Channel, ExcludesMustLieBelowTheirRoot) {
  EXPECT_TRUE(has(error(root("exclude = [\"/x\"]")).what, "`/x` is not below its root `/r`"));
  EXPECT_TRUE(has(error(root("exclude = [\"/r\"]")).what, "is not below"));
  EXPECT_TRUE(has(error(root("exclude = [\"/r2/x\"]")).what, "is not below"));
  EXPECT_TRUE(has(error(root("exclude = [\"inner\"]")).what, "not absolute"));
  EXPECT_TRUE(has(error(root("exclude = [\"/r/x/\"]")).what, "ends with `/`"));
  EXPECT_TRUE(has(error(root("exclude = \"/r/x\"")).suggestion, "[\"/r/x\"]"));
  EXPECT_EQ(good("[channel.c]\nroots = [{ path = \"/\", exclude = [\"/x\"] }]\n")
                .channels.at("c")
                .roots[0]
                .exclude.size(),
            1U);
}

TEST(Channel, HasAtMostSoManyRootsAndExcludes) {
  const auto text = [](std::size_t roots, std::size_t excludes) {
    std::string out = "[channel.c]\nroots = [";
    for (std::size_t i = 0; i < roots; ++i) {
      const std::string path = "/r" + std::to_string(i);
      out += "\n{ path = \"" + path + "\", exclude = [";
      for (std::size_t k = 0; i == 0 && k < excludes; ++k) out += "\"" + path + "/" + std::to_string(k) + "\",";
      out += "] },";
    }
    return out + "]\n";
  };
  EXPECT_EQ(good(text(kMaxRoots, kMaxExcludes)).channels.at("c").roots[0].exclude.size(), kMaxExcludes);
  EXPECT_TRUE(has(error(text(kMaxRoots + 1, 0)).what, "more than 48 roots"));
  EXPECT_TRUE(has(error(text(1, kMaxExcludes + 1)).what, "more than 255 paths"));
}

TEST(Channel, AccessIsAListOfKnownWords) {
  EXPECT_EQ(good(root("access = []")).channels.at("c").roots[0].access,
            (Access{.list = true, .read = false, .remove = false}));
  EXPECT_EQ(good(root("access = [\"list\", \"read\"]")).channels.at("c").roots[0].access,
            (Access{.list = true, .read = true, .remove = false}));
  const Diagnostic word = error(root("access = [\"remvoe\"]"));
  EXPECT_TRUE(has(word.suggestion, "did you mean `remove`?")) << format(word);
  EXPECT_EQ(word.position.column, 35U);
  EXPECT_TRUE(has(error(root("access = \"remove\"")).what, "must be a list"));
  EXPECT_TRUE(has(error(root("access = [1]")).what, "strings only"));
}

TEST(Channel, ARootIsATable) {
  EXPECT_TRUE(has(error("[channel.c]\nroots = [\"/r\"]\n").suggestion, "{ path = \"/r\" }"));
  EXPECT_TRUE(has(error("[channel.c]\nroots = \"/r\"\n").suggestion, "[{ path = \"/r\" }]"));
  EXPECT_TRUE(has(error("[channel.c]\nroots = { path = \"/r\" }\n").suggestion, "[{"));
  EXPECT_TRUE(has(error("[channel.c]\nroots = []\n").what, "is empty"));
  EXPECT_TRUE(has(error("[channel.c]\nroots = [{ optional = true }]\n").what, "no `path`"));
  EXPECT_TRUE(has(error(root("optionl = true")).suggestion, "did you mean `optional`?"));
  EXPECT_TRUE(
      has(error(root("i_know_what_this_is = true")).suggestion, "did you mean `i-know-what-this-is`?"));
}

TEST(Channel, RootsOfOneChannelMustBeApart) {
  EXPECT_TRUE(
      has(error("[channel.c]\nroots = [{ path = \"/a\" }, { path = \"/a\" }]\n").what, "listed twice"));
  EXPECT_TRUE(has(error("[channel.c]\nroots = [{ path = \"/a/b\" }, { path = \"/a\" }]\n").what,
                  "`/a/b` lies below root `/a`"));
  const Config config =
      good("[channel.c]\nroots = [{ path = \"/a\", exclude = [\"/a/b\"] }, { path = \"/a/b\" }]\n");
  EXPECT_EQ(config.channels.at("c").roots.size(), 2U);
}

TEST(Channel, LimitsAreMoreThanZero) {
  for (const std::string_view limit :
       {"memory = \"0B\"", "cpu = \"0s\"", "wall = \"0s\"", "threads = 0", "fds = 0"}) {
    EXPECT_FALSE(errors(channel("limits = { " + std::string(limit) + " }")).empty()) << limit;
  }
  EXPECT_TRUE(has(error(channel("limits = { memory = 5 }")).what, "a size like \"256MiB\", not an integer"));
  EXPECT_TRUE(has(error(channel("limits = { wall = \"2 minutes\" }")).what, "2 minutes"));
  EXPECT_TRUE(has(error(channel("limits = { threads = 5000 }")).what, "from 1 to 4,096"));
  EXPECT_TRUE(has(error(channel("limits = { threads = -1 }")).what, "from 1 to 4,096"));
  EXPECT_TRUE(has(error(channel("limits = { threads = 1.5 }")).what, "whole number"));
  EXPECT_TRUE(has(error(channel("limits = 3")).what, "must be a table"));
}

TEST(Channel, NumbersThatDoNotFitAreRefusedNotWrapped) {
  for (const std::string_view number :
       {"99999999999999999999", "0xFFFFFFFFFFFFFFFFFFFF", "0o7777777777777777777777777777",
        "9223372036854775807", "-9223372036854775808"}) {
    EXPECT_TRUE(
        has(error(channel("budget = { entries = " + std::string(number) + " }")).what, "must be from 0"))
        << number;
  }
  EXPECT_EQ(good(channel("budget = { entries = 0x10 }")).channels.at("c").budget.entries, 16U);
  EXPECT_EQ(good(channel("budget = { entries = +1_000 }")).channels.at("c").budget.entries, 1000U);
}

TEST(Channel, AShareIsBetweenZeroAndOne) {
  EXPECT_DOUBLE_EQ(good(channel("budget = { share = 1 }")).channels.at("c").budget.share, 1);
  EXPECT_DOUBLE_EQ(good(channel("budget = { share = 0.25 }")).channels.at("c").budget.share, 0.25);
  for (const std::string_view share : {"1.1", "-0.1", "nan", "inf", "1e400", "2"}) {
    EXPECT_TRUE(
        has(error(channel("budget = { share = " + std::string(share) + " }")).what, "must be from 0 to 1"))
        << share;
  }
  EXPECT_TRUE(has(error(channel("budget = { over = \"trimm\" }")).suggestion, "did you mean `trim`?"));
}

TEST(Channel, QuarantineWordsAreChecked) {
  EXPECT_TRUE(has(error(channel("quarantine = { mode = \"non\" }")).suggestion, "did you mean `none`?"));
  EXPECT_TRUE(has(error(channel("quarantine = { at = \"inroot\" }")).suggestion, "did you mean `in-root`?"));
  EXPECT_TRUE(
      has(error(channel("quarantine = { keep = 7 }")).what, "a duration like \"7d\", not an integer"));
  EXPECT_TRUE(has(error(channel("quarantine = { kep = \"7d\" }")).suggestion, "did you mean `keep`?"));
  EXPECT_EQ(good(channel("quarantine.keep = \"0s\"")).channels.at("c").quarantine.keep_ns, 0);
}

TEST(Channel, HoursAreTwoTimesOfTheDay) {
  const auto hours = [](std::string_view text) {
    return good(channel("floors = { hours = \"" + std::string(text) + "\" }")).channels.at("c").floors.hours;
  };
  EXPECT_EQ(hours("00:00-24:00"), (std::pair<std::uint32_t, std::uint32_t>{0, 1440}));
  EXPECT_EQ(hours("23:59-00:01"), (std::pair<std::uint32_t, std::uint32_t>{1439, 1}));
  for (const std::string_view wrong :
       {"", "22:00", "22:00-", "22-6", "22:00-22:00", "24:00-06:00", "22:60-06:00", "25:00-06:00",
        "22:00-06:00-", "-1:00-02:00", "+1:00-02:00", "22:00 - 06:00", "aa:bb-cc:dd"}) {
    EXPECT_TRUE(
        has(error(channel("floors = { hours = \"" + std::string(wrong) + "\" }")).suggestion, "22:00-06:00"))
        << wrong;
  }
}

TEST(Channel, PinsAreAbsolute) {
  EXPECT_TRUE(has(error(channel("floors = { pins = [\"*.lock\"] }")).what, "must be absolute"));
  EXPECT_EQ(good(channel("floors = { pins = [\"/**/*.lock\"] }")).channels.at("c").floors.pins.size(), 1U);
}

TEST(Channel, WordsOfTheChannelAreChecked) {
  EXPECT_TRUE(has(error(channel("irreversible = \"allow\"")).suggestion, "did you mean `allowed`?"));
  EXPECT_TRUE(has(error(channel("irreversible = true")).what, "must be a string, not a boolean"));
  EXPECT_TRUE(has(error(channel("isolation = \"best_effort\"")).suggestion, "did you mean `best-effort`?"));
  EXPECT_TRUE(has(error(channel("budjet = {}")).suggestion, "did you mean `budget`?"));
}

TEST(Channel, NamesAreChecked) {
  for (const std::string_view name : {"\"\"", "\"a b\"", "\"a/b\"", "\"..\"", "\".\"", "\"ä\""}) {
    EXPECT_TRUE(
        has(error("[channel." + std::string(name) + "]\nroots = [{ path = \"/r\" }]\n").what, "bad name"))
        << name;
  }
  EXPECT_TRUE(has(error("[channel." + std::string(65, 'a') + "]\n").what, "bad name"));
  EXPECT_EQ(good("[channel." + std::string(64, 'a') + "]\nroots = [{ path = \"/r\" }]\n").channels.size(),
            1U);
  EXPECT_EQ(good("[channel.\"A.b_c-9\"]\nroots = [{ path = \"/r\" }]\n").channels.size(), 1U);
  EXPECT_TRUE(has(error("channel = 3\n").what, "must be a table"));
  EXPECT_TRUE(has(error("channel.c = 3\n").what, "must be a table"));
  EXPECT_TRUE(has(error("[chanel.c]\n").suggestion, "did you mean `channel`?"));
}

TEST(Top, SandboxPolicyAndLogAreChecked) {
  EXPECT_TRUE(has(error("[sandbox]\nuid-base = 1000\n").what, "must be from 65,536"));
  EXPECT_TRUE(has(error("[sandbox]\nuid-base = 4294967295\n").what, "must be from 65,536"));
  EXPECT_TRUE(has(error("[sandbox]\nuid_base = 100000\n").suggestion, "did you mean `uid-base`?"));
  EXPECT_TRUE(has(error("[policy]\nlockfile = \"on\"\n").suggestion, "possible: `off`, `require`"));
  EXPECT_TRUE(has(error("[policy]\nsignatures = \"warm\"\n").suggestion, "did you mean `warn`?"));
  EXPECT_TRUE(has(error("[policy]\nnative-tasks = false\n").what, "must be a string"));
  EXPECT_TRUE(has(error("[log]\nlevel = \"warning\"\n").suggestion, "`warn`"));
  EXPECT_TRUE(has(error("[log]\nfile = \"freshet.log\"\n").what, "not absolute"));
  EXPECT_TRUE(has(error("[log]\njson = 1\n").what, "true or false"));
}

}  // namespace
}  // namespace freshet::config
