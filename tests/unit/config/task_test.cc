#include <gtest/gtest.h>

#include "config_files.h"
#include "runtime/config/config.h"

namespace freshet::config {
namespace {

// A task on its own roots; `keys` are further lines.
std::string task(std::string_view name, std::string_view path, std::string_view keys = "") {
  return "[task." + std::string(name) + "]\nplugin = \"p\"\nroots = [{ path = \"" + std::string(path) +
         "\" }]\n" + std::string(keys) + "\n";
}
constexpr std::string_view kChannel = "[channel.c]\nroots = [{ path = \"/r\" }]\n";

TEST(Task, NeedsAPluginAndAPlace) {
  EXPECT_TRUE(has(error("[task.t]\nroots = [{ path = \"/r\" }]\n").what, "no `plugin`"));
  EXPECT_TRUE(has(error("[task.t]\nplugin = \"p\"\n").what, "no `roots` and no `channel`"));
  EXPECT_TRUE(has(error(std::string(kChannel) +
                        "[task.t]\nplugin = \"p\"\nchannel = \"c\"\nroots = [{ path = \"/x\" }]\n")
                      .what,
                  "both `channel` and `roots`"));
  EXPECT_TRUE(has(error(task("t", "/r", "plugn = 1")).suggestion, "did you mean `plugin`?"));
}

TEST(Task, AnUnknownChannelIsNamedWithTheNearest) {
  const Diagnostic d = error(
      "[channel.web-cache]\nroots = [{ path = \"/r\" }]\n[task.t]\nplugin = \"p\"\nchannel = "
      "\"web-cahce\"\n");
  EXPECT_TRUE(has(d.what, "`web-cahce`, which is not declared"));
  EXPECT_TRUE(has(d.suggestion, "did you mean `web-cache`?"));
  EXPECT_EQ(d.position.line, 5U);
}

TEST(Task, AGeneratedChannelCannotBeJoinedByName) {
  const Diagnostic d = error(task("a", "/a") + "[task.b]\nplugin = \"p\"\nchannel = \"a\"\n");
  EXPECT_TRUE(has(d.what, "not declared")) << format(d);
}

TEST(Task, AChannelWithoutRootsIsForNativeTasksOnly) {
  EXPECT_EQ(good("[channel.c]\n").channels.size(), 1U);
  EXPECT_TRUE(has(error("[channel.c]\n[task.t]\nplugin = \"p\"\nchannel = \"c\"\n").what, "has no `roots`"));
  EXPECT_EQ(
      errors("[channel.c]\nroots = [{ path = \"x\" }]\n[task.t]\nplugin = \"p\"\nchannel = \"c\"\n").size(),
      1U)
      << "a wrong root is reported once";
}

TEST(Task, KeysOfItsChannelBelongThere) {
  for (const std::string_view key : {"limits = {}", "budget = {}", "floors = {}", "isolation = \"strict\"",
                                     "irreversible = \"allowed\""}) {
    const Diagnostic d = error(std::string(kChannel) + "[task.t]\nplugin = \"p\"\nchannel = \"c\"\n" +
                               std::string(key) + "\n");
    EXPECT_TRUE(has(d.what, "belongs to its channel")) << format(d);
    EXPECT_TRUE(has(d.suggestion, "[channel.c]")) << format(d);
    EXPECT_EQ(d.position.line, 6U);
  }
  const Diagnostic keep =
      error(std::string(kChannel) +
            "[task.t]\nplugin = \"p\"\nchannel = \"c\"\nquarantine = { mode = \"none\", keep = \"1d\" }\n");
  EXPECT_TRUE(has(keep.suggestion, "a task may change `mode` only")) << format(keep);
  const Config config = good(std::string(kChannel) +
                             "[task.t]\nplugin = \"p\"\nchannel = \"c\"\nquarantine = { mode = \"none\" }\n");
  EXPECT_EQ(config.tasks.at("t").quarantine_mode, QuarantineMode::none);
  EXPECT_EQ(config.channels.at("c").quarantine.mode, QuarantineMode::keep);
}

TEST(Task, DependenciesAreNames) {
  EXPECT_TRUE(has(error(task("t", "/r", "after = [\"t\"]")).what, "names the task itself"));
  EXPECT_TRUE(has(error(task("t", "/r", "requires = [\"a\", \"a\"]")).what, "twice"));
  EXPECT_TRUE(has(error(task("t", "/r", "requires = [\"a b\"]")).what, "cannot hold `a b`"));
  EXPECT_TRUE(has(error(task("t", "/r", "after = \"a\"")).suggestion, "[\"a\"]"));
  EXPECT_TRUE(has(error(task("t", "/r", "after = [1]")).what, "strings only"));
}

TEST(Task, SettingsMayBeValuesAndListsOnly) {
  const Config config = good(task("t", "/r", "settings = { list = [[\"a\"], [1]] }"));
  const auto& outer = std::get<std::vector<SettingValue>>(config.tasks.at("t").settings.at("list").value);
  EXPECT_EQ(std::get<std::vector<SettingValue>>(outer.at(0).value).size(), 1U);
  EXPECT_TRUE(has(error(task("t", "/r", "settings = { inner = { a = 1 } }")).what, "cannot be a table"));
  EXPECT_TRUE(has(error(task("t", "/r", "settings = { when = 2020-01-01T00:00:00Z }")).what,
                  "cannot be a date or time"));
  EXPECT_TRUE(has(error(task("t", "/r", "settings = { big = 99999999999999999999 }")).what, "too large"));
  EXPECT_TRUE(has(error(task("t", "/r", "settings = 3")).what, "must be a table"));
}

TEST(Task, ASettingPointsAtItsKey) {
  const Config config = good(task("t", "/r", "settings = { a = 1, older-than = \"30d\" }"));
  const Position& position = config.tasks.at("t").settings.at("older-than").position;
  EXPECT_EQ(position.line, 4U);
  EXPECT_EQ(position.column, 21U);
  EXPECT_EQ(excerpt(position),
            "  4 | settings = { a = 1, older-than = \"30d\" }\n    |                     ^");
}

TEST(Task, KeyPositionsAreThoseOfTheFile) {
  const Config config = good(task("t", "/r", "enabled = false\n[task.t.settings]\nx = 1"));
  const auto& positions = config.tasks.at("t").key_positions;
  EXPECT_EQ(positions.at("plugin").line, 2U);
  EXPECT_EQ(positions.at("roots").line, 3U);
  EXPECT_EQ(positions.at("enabled").line, 4U);
  EXPECT_EQ(positions.at("settings").line, 5U);
  EXPECT_EQ(positions.at("settings").column, 9U);
  EXPECT_FALSE(positions.contains("channel"));
}

TEST(GeneratedChannel, TasksWithEqualOrNestedRootsShareOneNamedAfterTheFirst) {
  const Config config =
      good(task("b", "/c/x") + task("a", "/c") + task("z", "/c/x/y") + task("d", "/other") + task("B", "/c"));
  // Bytewise, "B" is before "a".
  for (const std::string name : {"B", "a", "b", "z"}) EXPECT_EQ(config.tasks.at(name).channel, "B") << name;
  EXPECT_EQ(config.tasks.at("d").channel, "d");
  EXPECT_EQ(config.channels.size(), 2U);
  const ChannelConfig& shared = config.channels.at("B");
  EXPECT_TRUE(shared.generated);
  EXPECT_EQ(shared.roots.size(), 3U);
  EXPECT_EQ(config.tasks.at("z").roots.at(0).path, "/c/x/y") << "each task keeps its own roots";
  EXPECT_EQ(config.tasks.at("z").roots.size(), 1U);
}

TEST(GeneratedChannel, SharingIsTransitive) {
  const Config config = good("[task.m]\nplugin = \"p\"\nroots = [{ path = \"/a\" }, { path = \"/b\" }]\n" +
                             task("n", "/a/x") + task("k", "/b/y"));
  EXPECT_EQ(config.channels.size(), 1U);
  EXPECT_EQ(config.tasks.at("m").channel, "k");
}

TEST(GeneratedChannel, NeighboursDoNotShare) {
  const Config config = good(task("a", "/c") + task("b", "/c-d") + task("d", "/c.d") + task("e", "/cc"));
  EXPECT_EQ(config.channels.size(), 4U);
}

TEST(GeneratedChannel, AnExcludedInnerRootIsApart) {
  const Config config = good("[task.a]\nplugin = \"p\"\nroots = [{ path = \"/c\", exclude = [\"/c/x\"] }]\n" +
                             task("b", "/c/x", "limits = { threads = 1 }"));
  EXPECT_EQ(config.channels.size(), 2U);
}

TEST(GeneratedChannel, TasksThatShareMustAgreeAndBothAreNamed) {
  struct Case {
    std::string_view key, text;
  };
  for (const Case& c :
       {Case{"limits", "limits = { threads = 1 }"}, Case{"budget", "budget = { entries = 5 }"},
        Case{"quarantine", "quarantine = { keep = \"1d\" }"}, Case{"floors", "floors = { keep-newest = 2 }"},
        Case{"isolation", "isolation = \"best-effort\""},
        Case{"irreversible", "irreversible = \"allowed\""}}) {
    const Diagnostic d = error(task("a", "/c", c.text) + task("b", "/c/x"));
    EXPECT_TRUE(has(d.what, "`a`") && has(d.what, "`b`") &&
                has(d.what, "agree on `" + std::string(c.key) + "`"))
        << format(d);
    EXPECT_TRUE(has(d.what, "freshet.toml:4:1")) << "where the first wrote it: " << format(d);
    EXPECT_EQ(d.position.line, 5U) << "the second has no such key, so its header is shown: " << format(d);
    EXPECT_EQ(good(task("a", "/c", c.text) + task("b", "/c/x", c.text)).channels.size(), 1U);
  }
  // Written out or left at its default is the same.
  EXPECT_EQ(good(task("a", "/c", "limits = { threads = 4 }") + task("b", "/c/x")).channels.size(), 1U);
}

TEST(GeneratedChannel, TheQuarantineModeIsEachTasksOwn) {
  const Config config = good(task("a", "/c", "quarantine = { mode = \"none\" }\nirreversible = \"allowed\"") +
                             task("b", "/c/x", "irreversible = \"allowed\""));
  EXPECT_EQ(config.tasks.at("a").quarantine_mode, QuarantineMode::none);
  EXPECT_FALSE(config.tasks.at("b").quarantine_mode.has_value());
  EXPECT_EQ(config.channels.at("a").quarantine.mode, QuarantineMode::keep);
}

TEST(GeneratedChannel, OneRootCannotMeanTwoThings) {
  const Diagnostic d =
      error(task("a", "/c") + "[task.b]\nplugin = \"p\"\nroots = [{ path = \"/c\", optional = true }]\n");
  EXPECT_TRUE(has(d.what, "differs from the same root at")) << format(d);
}

TEST(GeneratedChannel, ItsNameMustBeFree) {
  const Diagnostic d = error(std::string(kChannel) + task("c", "/other"));
  EXPECT_TRUE(has(d.what, "name of the channel at")) << format(d);
}

}  // namespace
}  // namespace freshet::config
