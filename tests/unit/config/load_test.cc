#include <gtest/gtest.h>

#include "config_files.h"
#include "runtime/config/config.h"

namespace freshet::config {
namespace {

constexpr std::int64_t kDay = 24LL * 3600 * 1'000'000'000;

constexpr std::string_view kFull = R"(# everything
isolation = "best-effort"

[sandbox]
uid-base = 2000000000

[policy]
lockfile = "require"
signatures = "warn"
native-tasks = "deny"

[log]
level = "debug"
file = "/var/log/freshet.log"
json = true

[channel.web-cache]
roots = [{ path = "/var/cache/web", access = ["read", "remove"], exclude = ["/var/cache/web/live"], optional = true, i-know-what-this-is = true }]
limits = { memory = "128MiB", cpu = "30s", wall = "2m", threads = 2, fds = 32 }
budget = { entries = 100000, bytes = "20GiB", share = 0.5, over = "trim" }
quarantine = { mode = "none", keep = "3d", max = "10GiB", at = "mount-top" }
floors = { min-age = "1d", keep-newest = 3, pins = ["/var/cache/web/**/keep"], hours = "22:00-06:30", spare-in-use = false }
isolation = "strict"
irreversible = "allowed"

[task.expired-web-cache]
plugin = "org.freshet.expired-files"
task = "expired-files"
channel = "web-cache"
enabled = false
after = ["first"]
requires = ["second"]
settings = { older-than = "30d", age-by = ["mtime", "atime"], deep = true, share = 0.5, count = 7 }
quarantine = { mode = "keep" }
on-failure = "keep"
)";

TEST(Load, EveryKeyOfTheContractArrives) {
  const Config config = good(kFull);
  EXPECT_EQ(config.isolation, Isolation::best_effort);
  EXPECT_EQ(config.uid_base, 2'000'000'000U);
  EXPECT_EQ(config.uid_base_position.line, 5U);
  EXPECT_EQ(config.policy.lockfile, LockfilePolicy::require);
  EXPECT_EQ(config.policy.signatures, SignaturePolicy::warn);
  EXPECT_FALSE(config.policy.native_tasks);
  EXPECT_EQ(config.log.level, "debug");
  EXPECT_EQ(config.log.file, "/var/log/freshet.log");
  EXPECT_TRUE(config.log.json);

  ASSERT_TRUE(config.channels.contains("web-cache"));
  const ChannelConfig& channel = config.channels.at("web-cache");
  EXPECT_EQ(channel.name, "web-cache");
  EXPECT_FALSE(channel.generated);
  ASSERT_EQ(channel.roots.size(), 1U);
  const RootConfig& root = channel.roots[0];
  EXPECT_EQ(root.path, "/var/cache/web");
  EXPECT_EQ(root.access, (Access{.list = true, .read = true, .remove = true}));
  EXPECT_EQ(root.exclude, std::vector<std::string>{"/var/cache/web/live"});
  EXPECT_TRUE(root.optional);
  EXPECT_TRUE(root.i_know_what_this_is);
  EXPECT_EQ(channel.limits.memory_bytes, 128ULL << 20);
  EXPECT_EQ(channel.limits.cpu_ns, 30'000'000'000);
  EXPECT_EQ(channel.limits.wall_ns, 120'000'000'000);
  EXPECT_EQ(channel.limits.threads, 2U);
  EXPECT_EQ(channel.limits.fds, 32U);
  EXPECT_EQ(channel.budget.entries, 100'000U);
  EXPECT_EQ(channel.budget.bytes, 20ULL << 30);
  EXPECT_DOUBLE_EQ(channel.budget.share, 0.5);
  EXPECT_EQ(channel.budget.over, OverBudget::trim);
  EXPECT_EQ(channel.quarantine.mode, QuarantineMode::none);
  EXPECT_EQ(channel.quarantine.keep_ns, 3 * kDay);
  EXPECT_EQ(channel.quarantine.max_bytes, 10ULL << 30);
  EXPECT_EQ(channel.quarantine.at, QuarantineAt::mount_top);
  EXPECT_EQ(channel.floors.min_age_ns, kDay);
  EXPECT_EQ(channel.floors.keep_newest, 3U);
  EXPECT_EQ(channel.floors.pins, std::vector<std::string>{"/var/cache/web/**/keep"});
  EXPECT_EQ(channel.floors.hours, (std::pair<std::uint32_t, std::uint32_t>{22 * 60, 6 * 60 + 30}));
  EXPECT_FALSE(channel.floors.spare_in_use);
  EXPECT_EQ(channel.isolation, Isolation::strict);
  EXPECT_TRUE(channel.irreversible_allowed);

  ASSERT_TRUE(config.tasks.contains("expired-web-cache"));
  const TaskConfig& task = config.tasks.at("expired-web-cache");
  EXPECT_EQ(task.plugin, "org.freshet.expired-files");
  EXPECT_EQ(task.kind, "expired-files");
  EXPECT_EQ(task.channel, "web-cache");
  EXPECT_TRUE(task.roots.empty());
  EXPECT_FALSE(task.enabled);
  EXPECT_EQ(task.after, std::vector<std::string>{"first"});
  EXPECT_EQ(task.requires_, std::vector<std::string>{"second"});
  EXPECT_EQ(task.quarantine_mode, QuarantineMode::keep);
  EXPECT_EQ(task.on_failure, OnFailure::keep);
  EXPECT_EQ(std::get<std::string>(task.settings.at("older-than").value), "30d");
  EXPECT_EQ(std::get<std::vector<SettingValue>>(task.settings.at("age-by").value).size(), 2U);
  EXPECT_TRUE(std::get<bool>(task.settings.at("deep").value));
  EXPECT_DOUBLE_EQ(std::get<double>(task.settings.at("share").value), 0.5);
  EXPECT_EQ(std::get<std::int64_t>(task.settings.at("count").value), 7);
}

TEST(Load, DefaultsAreTheContracts) {
  const Config config = good(R"([task.a]
plugin = "org.freshet.expired-files"
roots = [{ path = "/a" }]
settings = { older-than = "30d" }
)");
  EXPECT_EQ(config.isolation, Isolation::strict);
  EXPECT_EQ(config.uid_base, 1879048192U);
  EXPECT_EQ(config.policy.lockfile, LockfilePolicy::off);
  EXPECT_TRUE(config.policy.native_tasks);
  EXPECT_EQ(config.log.level, "warn");
  const ChannelConfig& channel = config.channels.at("a");
  EXPECT_TRUE(channel.generated);
  EXPECT_EQ(channel.roots.at(0).access, (Access{.list = true, .read = false, .remove = true}));
  EXPECT_FALSE(channel.roots.at(0).optional);
  EXPECT_EQ(channel.limits, LimitsConfig{});
  EXPECT_EQ(channel.limits.memory_bytes, 256ULL << 20);
  EXPECT_EQ(channel.limits.cpu_ns, 300'000'000'000);
  EXPECT_EQ(channel.limits.wall_ns, 600'000'000'000);
  EXPECT_EQ(channel.budget.entries, 1'000'000U);
  EXPECT_FALSE(channel.budget.bytes.has_value());
  EXPECT_DOUBLE_EQ(channel.budget.share, 0.9);
  EXPECT_EQ(channel.budget.over, OverBudget::refuse);
  EXPECT_EQ(channel.quarantine.mode, QuarantineMode::keep);
  EXPECT_EQ(channel.quarantine.keep_ns, 7 * kDay);
  EXPECT_FALSE(channel.quarantine.max_bytes.has_value());
  EXPECT_EQ(channel.quarantine.at, QuarantineAt::in_root);
  EXPECT_TRUE(channel.floors.spare_in_use);
  EXPECT_EQ(channel.floors.min_age_ns, 0);
  EXPECT_FALSE(channel.irreversible_allowed);
  EXPECT_FALSE(channel.isolation.has_value());
  const TaskConfig& task = config.tasks.at("a");
  EXPECT_EQ(task.channel, "a");
  EXPECT_EQ(task.roots, channel.roots);
  EXPECT_TRUE(task.enabled);
  EXPECT_EQ(task.on_failure, OnFailure::rollback);
  EXPECT_FALSE(task.quarantine_mode.has_value());
}

TEST(Load, TablesAndInlineTablesMeanTheSame) {
  const Config inline_form = good(R"([channel.c]
roots = [{ path = "/a", access = ["list"] }, { path = "/b" }]
quarantine = { keep = "1d" }
)");
  const Config table_form = good(R"([[channel.c.roots]]
path = "/a"
access = ["list"]
[[channel.c.roots]]
path = "/b"
[channel.c.quarantine]
keep = "1d"
)");
  const Config dotted_form = good(R"(channel.c.roots = [{ path = "/a", access = ["list"] }, { path = "/b" }]
channel.c.quarantine.keep = "1d"
)");
  for (const Config* config : {&table_form, &dotted_form}) {
    EXPECT_EQ(config->channels.at("c").roots, inline_form.channels.at("c").roots);
    EXPECT_EQ(config->channels.at("c").quarantine, inline_form.channels.at("c").quarantine);
  }
}

TEST(Load, AnEmptyFileIsAnEmptyConfiguration) {
  EXPECT_TRUE(good("").tasks.empty());
  EXPECT_TRUE(good("# only a comment").tasks.empty());
  EXPECT_TRUE(good("\xEF\xBB\xBF# with a byte order mark\n").tasks.empty());
}

TEST(Load, AnErrorNamesFileLineColumnAndDrawsACaret) {
  ConfigFiles files;
  const std::string file =
      files.write("freshet.toml", "[task.a]\nplugin = \"p\"\nroots = [{ path = \"/a\" }]\nenabeld = true\n");
  const auto loaded = files.load_all();
  ASSERT_FALSE(loaded);
  ASSERT_EQ(loaded.error().size(), 1U) << describe(loaded.error());
  EXPECT_EQ(format(loaded.error()[0]), file +
                                           ":4:1: error: unknown key `enabeld` in task `a`\n"
                                           "  4 | enabeld = true\n"
                                           "    | ^\n"
                                           "  = help: did you mean `enabled`?");
}

TEST(Load, ColumnsCountCharactersAndTheCaretStandsBelow) {
  const Diagnostic d = error("[task.a]\nplugin = \"p\"\nroots = [{ path = \"/ä/ö\", acess = [\"list\"] }]\n");
  EXPECT_EQ(d.position.line, 3U);
  EXPECT_EQ(d.position.column, 27U);
  const std::size_t line_end = d.excerpt.find('\n');
  const std::string second = d.excerpt.substr(line_end + 1);
  // Two two-byte letters stand before the key.
  EXPECT_EQ(second.find('^') + 2, d.excerpt.find("acess"));
}

TEST(Load, AllErrorsOfMeaningInAllFilesComeAtOnce) {
  ConfigFiles files;
  files.write("freshet.toml", R"(isolation = "stric"
[channel.web]
roots = [{ path = "relative" }]
limits = { memory = "256XiB", threads = 0 }
budget = { share = 1.5, bytes = 3 }
[task.a]
plugin = "p"
chanel = "web"
settings = { when = 2020-01-01 }
)");
  files.write("b.toml", "[task.b]\nplugin = \"Not An Id\"\nchannel = \"web\"\nenabled = \"yes\"\n");
  const auto loaded = files.load_all();
  ASSERT_FALSE(loaded);
  const std::string all = describe(loaded.error());
  for (const std::string_view part :
       {"cannot be `stric`", "did you mean `strict`?", "`relative` is not absolute", "unknown unit \"XiB\"",
        "`threads`", "`share`", "`bytes`", "unknown key `chanel`", "did you mean `channel`?",
        "a date or time", "no plugin id", "`enabled`", "has no `roots` and no `channel`"}) {
    EXPECT_TRUE(has(all, part)) << part << " is not in:\n" << all;
  }
  // In the order of the files and lines.
  for (std::size_t i = 1; i < loaded.error().size(); ++i) {
    const Position& before = loaded.error()[i - 1].position;
    const Position& here = loaded.error()[i].position;
    EXPECT_TRUE(before.file != here.file ? has(before.file, "freshet.toml") : before.line <= here.line);
  }
}

TEST(Load, ASyntaxErrorEndsItsFileOnly) {
  ConfigFiles files;
  files.write(
      "freshet.toml",
      "[task.a]\nplugin = \"p\"\nroots = [{ path = \"/a\" }\nenabled = maybe\n[task.b]\nnonsense = 1\n");
  files.write("b.toml", "[task.c]\nplugin = \"p\"\nroots = [{ path = \"/c\" }]\nnonsense = 1\n");
  const auto loaded = files.load_all();
  ASSERT_FALSE(loaded);
  ASSERT_EQ(loaded.error().size(), 2U) << describe(loaded.error());
  EXPECT_TRUE(has(loaded.error()[0].what, "syntax: ")) << describe(loaded.error());
  EXPECT_EQ(loaded.error()[0].position.line, 4U);
  EXPECT_TRUE(has(loaded.error()[1].position.file, "b.toml"));
}

TEST(Load, ACutFileHidesNoChannelFromTheOthers) {
  ConfigFiles files;
  files.write("freshet.toml", "[channel.web\n");
  files.write("b.toml", "[task.c]\nplugin = \"p\"\nchannel = \"web\"\n");
  const auto loaded = files.load_all();
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().size(), 1U) << "the channel may stand in the broken file\n"
                                       << describe(loaded.error());
}

TEST(Load, SyntaxErrorsPointAtThePlaceAndSayWhatIsWrong) {
  struct Case {
    std::string_view text;
    std::uint32_t line, column;
    std::string_view part;
  };
  for (const Case& c :
       {Case{"a = 1\nb = ", 2, 5, "missing value"}, Case{"a = 1\n\nb = 1 c = 2\n", 3, 7, "expected newline"},
        Case{"x = 1\na = yes\n", 2, 5, "unknown value"},
        Case{"[a]\nb = 1\n[a]\nc = 1\n", 3, 1, "already exists"},
        Case{"a = 1\na = 2\n", 2, 5, "already exists"},
        Case{"# c\na b = 1\n", 2, 2, "invalid format for key"}, Case{"a = \"x\nb = 1\n", 1, 5, "has no end"},
        Case{"a = 1979-13-45\n", 1, 15, "date"}}) {
    const Diagnostic d = error(c.text);
    EXPECT_EQ(d.position.line, c.line) << c.text << "\n" << format(d);
    EXPECT_EQ(d.position.column, c.column) << c.text << "\n" << format(d);
    EXPECT_TRUE(has(d.what, c.part)) << format(d);
    EXPECT_FALSE(has(d.what, "toml::")) << format(d);
  }
}

TEST(Load, ABrokenLineInBracesIsExplained) {
  const Diagnostic d = error("[channel.c]\nroots = [{ path = \"/a\",\n  optional = true }]\n");
  EXPECT_EQ(d.position.line, 2U);
  EXPECT_TRUE(has(d.suggestion, "must stand on one line")) << format(d);
}

TEST(Load, DuplicatesOverFilesNameBothPlaces) {
  ConfigFiles files;
  const std::string first =
      files.write("freshet.toml",
                  "isolation = \"strict\"\n[channel.c]\nroots = [{ path = \"/a\" }]\n[task.t]\nplugin = "
                  "\"p\"\nchannel = \"c\"\n[log]\nlevel = \"info\"\n");
  const std::string second =
      files.write("b.toml",
                  "isolation = \"strict\"\n[channel.c]\nroots = [{ path = \"/b\" }]\n[task.t]\nplugin = "
                  "\"p\"\nchannel = \"c\"\n[log]\nlevel = \"warn\"\njson = true\n");
  const auto loaded = files.load_all();
  ASSERT_FALSE(loaded);
  const std::string all = describe(loaded.error());
  ASSERT_EQ(loaded.error().size(), 4U) << all;
  EXPECT_TRUE(has(all, second + ":1:1: error: `isolation` is defined twice; first at " + first + ":1:1"))
      << all;
  EXPECT_TRUE(has(all, second + ":2:10: error: channel `c` is defined twice; first at " + first + ":2:10"))
      << all;
  EXPECT_TRUE(has(all, second + ":4:7: error: task `t` is defined twice; first at " + first + ":4:7")) << all;
  EXPECT_TRUE(has(all, second + ":8:1: error: `log.level` is defined twice; first at " + first + ":8:1"))
      << all;
}

TEST(Load, FilesAreMerged) {
  ConfigFiles files;
  files.write("freshet.toml", "[channel.c]\nroots = [{ path = \"/a\" }]\n[log]\nlevel = \"info\"\n");
  files.write("b.toml", "[task.t]\nplugin = \"p\"\nchannel = \"c\"\n[log]\njson = true\n");
  const auto loaded = files.load_all();
  ASSERT_TRUE(loaded) << describe(loaded.error());
  EXPECT_EQ(loaded->tasks.at("t").channel, "c");
  EXPECT_EQ(loaded->log.level, "info");
  EXPECT_TRUE(loaded->log.json);
  EXPECT_EQ(loaded->files.size(), 2U);
}

TEST(Load, AMissingFileIsNamed) {
  const auto loaded = load({{"/nonexistent/freshet.toml"}});
  ASSERT_FALSE(loaded);
  EXPECT_EQ(format(loaded.error().at(0)),
            "/nonexistent/freshet.toml: error: cannot be opened: No such file or directory");
}

TEST(Load, WhatIsNoFileIsRefusedWithoutWaiting) {
  const auto folder = load({{"/tmp"}});
  ASSERT_FALSE(folder);
  EXPECT_TRUE(has(folder.error().at(0).what, "not a regular file"));
  const auto device = load({{"/dev/zero"}});
  ASSERT_FALSE(device);
  EXPECT_TRUE(has(device.error().at(0).what, "not a regular file"));
}

TEST(Load, AFileBeyondOneMebibyteIsRefused) {
  for (const std::size_t size : {(1U << 20) + 1, 3U << 20}) {
    ConfigFiles files;
    files.write("freshet.toml", std::string(size, '\n'));
    const auto loaded = files.load_all();
    ASSERT_FALSE(loaded);
    EXPECT_TRUE(has(loaded.error().at(0).what, "larger than 1 MiB"));
  }
  EXPECT_TRUE(has(error(std::string((1 << 20) + 1, '\n')).what, "larger than 1 MiB"));
  ConfigFiles files;
  files.write("freshet.toml", std::string(1 << 20, '\n'));
  EXPECT_TRUE(files.load_all());
}

TEST(Load, TheParserNeverSeesWhatWouldOverflowItsStack) {
  EXPECT_TRUE(has(error("a = " + std::string(32 * 1024, '[')).what, "16 KiB"));
  std::string brackets = "a = ";
  for (int i = 0; i < 32 * 1024; ++i) brackets += "[\n";
  EXPECT_TRUE(has(error(brackets).what, "nested deeper than 32"));
  std::string braces = "a = ";
  for (int i = 0; i < 1000; ++i) braces += "{a=";
  EXPECT_TRUE(has(error(braces).what, "nested deeper than 32"));
  std::string dotted = "a";
  for (int i = 0; i < 8000; ++i) dotted += ".a";
  EXPECT_TRUE(has(error(dotted + " = 1\n").what, "more than 32 names"));
  EXPECT_TRUE(has(error("[" + dotted + "]\n").what, "more than 32 names"));
  EXPECT_EQ(error("a = 1\n" + brackets).position.line, 34U);
}

TEST(Load, BracketsInStringsAndCommentsAreNoNesting) {
  const std::string many(100, '[');
  const Config config =
      good("# " + many + "\n[task.t]\nplugin = \"p\"\nroots = [{ path = \"/a\" }]\nsettings = { x = \"" +
           many + "\\\"" + many + "\", y = '" + many + "', z = \"\"\"" + many + "\n\"" + many + "\"\"\" }\n");
  EXPECT_EQ(config.tasks.at("t").settings.size(), 3U);
}

TEST(Load, BytesThatAreNoTextAreRefusedWithTheirPlace) {
  const Diagnostic nul = error(std::string_view("a = 1\nb\0 = 2\n", 13));
  EXPECT_TRUE(has(nul.what, "NUL"));
  EXPECT_EQ(nul.position.line, 2U);
  const Diagnostic latin = error("# ok\n# \xE9t\xE9\n");
  EXPECT_TRUE(has(latin.what, "not UTF-8"));
  EXPECT_EQ(latin.position.line, 2U);
  EXPECT_EQ(latin.position.column, 3U);
  EXPECT_FALSE(has(format(latin), "\xE9"));
}

TEST(Load, ManyErrorsAreCutWithTheirCount) {
  std::string text;
  for (int i = 0; i < 1000; ++i) text += "key" + std::to_string(i) + " = 1\n";
  const auto all = errors(text);
  ASSERT_EQ(all.size(), 501U);
  EXPECT_EQ(all.back().what, "and 500 more errors");
}

// The twin of every good file: each of its prefixes is a configuration or has errors, and never ends the
// process.
TEST(Load, EveryPrefixOfAGoodFileIsReadOrRefused) {
  int refused = 0;
  for (std::size_t length = 0; length < kFull.size(); ++length) {
    const auto loaded = load_texts({{"freshet.toml", std::string(kFull.substr(0, length))}});
    if (loaded) continue;
    ++refused;
    ASSERT_FALSE(loaded.error().empty());
    for (const Diagnostic& d : loaded.error()) {
      EXPECT_FALSE(d.what.empty());
      EXPECT_GT(d.position.line, 0U) << format(d);
    }
  }
  EXPECT_GT(refused, 500);
}

TEST(Load, EveryFlippedByteOfAGoodFileIsReadOrRefused) {
  constexpr std::string_view kBytes = "\xFF\"[\n=";
  for (std::size_t at = 0; at < kFull.size(); ++at) {
    std::string text(kFull);
    text[at] = kBytes[at % kBytes.size()];
    const auto loaded = load_texts({{"freshet.toml", text}});
    EXPECT_TRUE(loaded || !loaded.error().empty());
  }
}

TEST(LoadInPart, WhatCouldBeReadIsThereToLookForMore) {
  ConfigFiles files;
  const std::string file = files.write("freshet.toml", R"(isolation = "best-effort"
[channel.web]
rots = 1
[task.whole]
plugin = "org.example.x"
channel = "nowhere"
after = ["doubtful", "whole"]
settings = { older-than = "30d" }
[task.doubtful]
plugin = 7
roots = [{ path = "/a" }]
)");
  const auto loaded = load_in_part({.files = {file}});
  ASSERT_FALSE(loaded);
  EXPECT_GE(loaded.error().diagnostics.size(), 4U);
  const Config& rest = loaded.error().rest;
  EXPECT_EQ(rest.isolation, Isolation::best_effort);
  ASSERT_EQ(rest.tasks.size(), 2U);
  EXPECT_TRUE(rest.tasks.at("whole").settings.contains("older-than"));
  EXPECT_EQ(rest.tasks.at("whole").after, std::vector<std::string>{"doubtful"}) << "but not itself";
  EXPECT_EQ(loaded.error().doubtful, std::set<std::string>{"doubtful"});
  for (const auto& [name, task] : rest.tasks) {
    EXPECT_TRUE(task.roots.empty());
    EXPECT_TRUE(rest.channels.at(task.channel).roots.empty()) << "it grants nothing";
  }
}

TEST(LoadInPart, AFileThatCouldNotBeReadMayHoldTheOtherTask) {
  ConfigFiles files;
  const std::string file = files.write("freshet.toml", R"([task.a]
plugin = "org.example.x"
roots = [{ path = "/a" }]
after = ["b"]
)");
  const std::string broken = files.write("broken.toml", "[task.b");
  const auto loaded = load_in_part({.files = {file, broken}});
  ASSERT_FALSE(loaded);
  EXPECT_TRUE(loaded.error().rest.tasks.at("a").after.empty());
}

}  // namespace
}  // namespace freshet::config
