#include <freshet/plugin.hpp>
#include <gtest/gtest.h>

#include <functional>
#include <map>

#include "tests/unit/plugins/fake_host.h"

namespace {

using freshet_test::FakeHost;
using freshet_test::FakeSettings;
using freshet_test::RunningTask;

// What the tasks below do in each callback.
std::function<void(const freshet::Settings&)> on_configure;
std::function<void(freshet::Host&)> on_scan;
std::function<bool(freshet::Host&)> on_verify;

class Plain final : public freshet::Task {
 public:
  explicit Plain(const freshet::Settings& settings) {
    if (on_configure) on_configure(settings);
  }
  void scan(freshet::Host& host) override {
    if (on_scan) on_scan(host);
  }
};

class Verifying final : public freshet::Task {
 public:
  explicit Verifying(const freshet::Settings&) {}
  void scan(freshet::Host&) override {}
  bool verify(freshet::Host& host) override { return on_verify(host); }
};

class PluginHpp : public testing::Test {
 protected:
  void SetUp() override {
    on_configure = nullptr;
    on_scan = nullptr;
    on_verify = nullptr;
  }
  void TearDown() override {
    EXPECT_TRUE(host_.broken_rules.empty()) << host_.broken_rules.front();
    EXPECT_EQ(host_.open_directories, 0U);
    EXPECT_EQ(host_.buffers_out, 0U);
  }
  freshet_status scan(std::function<void(freshet::Host&)> body) {
    on_scan = std::move(body);
    RunningTask task(host_, freshet_plugin_entry, "plain", FakeSettings());
    EXPECT_EQ(task.configured, FRESHET_OK);
    return task.scan();
  }
  FakeHost host_;
};

TEST_F(PluginHpp, SettingsAreReadByNameAndType) {
  on_configure = [](const freshet::Settings& settings) {
    EXPECT_TRUE(settings.boolean("flag"));
    EXPECT_EQ(settings.integer("count"), -7);
    EXPECT_EQ(settings.number("share"), 0.5);
    EXPECT_EQ(settings.string("text"), std::string("a\0b", 3));
    EXPECT_EQ(settings.duration("age"), 5);
    EXPECT_EQ(settings.size("bytes"), 6U);
    EXPECT_EQ(settings.strings("list"), (std::vector<std::string>{"x", "", "y"}));
    EXPECT_THROW((void)settings.integer("age"), freshet::Invalid) << "another type";
    EXPECT_THROW((void)settings.integer("missing"), freshet::Invalid);
  };
  FakeSettings settings;
  settings.boolean("flag", true).integer("count", -7).number("share", 0.5).string("text", std::string("a\0b", 3));
  settings.duration("age", 5).size("bytes", 6).strings("list", {"x", "", "y"});
  EXPECT_EQ(RunningTask(host_, freshet_plugin_entry, "plain", settings).configured, FRESHET_OK);
}

TEST_F(PluginHpp, SettingsOfANewerHostMayBeLonger) {
  struct Longer {
    freshet_setting setting;
    std::uint64_t more;
  };
  Longer settings[2]{};
  settings[0].setting = {sizeof(Longer), FRESHET_INTEGER, "a", 1, 0, {}, nullptr, 0};
  settings[1].setting = {sizeof(Longer), FRESHET_INTEGER, "b", 2, 0, {}, nullptr, 0};
  EXPECT_EQ(freshet::Settings(&settings[0].setting, 2).integer("b"), 2);
}

TEST_F(PluginHpp, NoExceptionCrossesTheBorder) {
  on_configure = [](const freshet::Settings&) { throw freshet::Invalid("these do not fit"); };
  EXPECT_EQ(RunningTask(host_, freshet_plugin_entry, "plain", {}).configured, FRESHET_INVALID);
  on_configure = [](const freshet::Settings&) { throw std::runtime_error("no luck"); };
  EXPECT_EQ(RunningTask(host_, freshet_plugin_entry, "plain", {}).configured, FRESHET_FAILED);
  on_configure = nullptr;
  EXPECT_EQ(scan([](freshet::Host&) { throw std::bad_alloc(); }), FRESHET_NO_MEMORY);
  EXPECT_EQ(scan([](freshet::Host&) { throw 42; }), FRESHET_FAILED);
  ASSERT_EQ(host_.log.size(), 3U) << "each with a line in the log, but for the one that may not be able to write it";
  EXPECT_EQ(host_.log[0], "these do not fit");
  EXPECT_EQ(host_.log[1], "no luck");
}

TEST_F(PluginHpp, DirectoriesAreRangesThatCloseThemselves) {
  auto& root = host_.add_root("/r");
  root.file("a");
  root.directory("d").file("b");
  std::vector<std::string> seen;
  EXPECT_EQ(scan([&](freshet::Host& host) {
              for (const freshet::Root& r : host.roots()) {
                freshet::Directory top = host.open(r);
                for (const freshet::Entry& entry : top) {
                  seen.emplace_back(entry.file_name());
                  if (!entry.is_directory()) continue;
                  freshet::Directory inner = top.open(entry);
                  for (const freshet::Entry& below : inner) seen.emplace_back(below.file_name());
                  EXPECT_TRUE(inner.complete());
                }
              }
            }),
            FRESHET_OK);
  EXPECT_EQ(seen, (std::vector<std::string>{"a", "d", "b"}));
}

TEST_F(PluginHpp, AnExceptionInTheMiddleOfAWalkClosesChildrenBeforeParents) {
  host_.add_root("/r").directory("a").directory("b").file("c");
  EXPECT_EQ(scan([](freshet::Host& host) {
              host.walk(host.roots().at(0), [](freshet::Directory&, const freshet::Entry&) { throw std::bad_alloc(); });
            }),
            FRESHET_NO_MEMORY);
}

TEST_F(PluginHpp, WalkComesToDirectoriesAfterWhatIsInThem) {
  auto& root = host_.add_root("/r");
  root.directory("a").directory("b").file("c");
  root.directory("mounted").flags = FRESHET_ENTRY_MOUNT_POINT;
  root.directory("closed").unreadable = true;
  std::vector<std::string> seen;
  EXPECT_EQ(scan([&](freshet::Host& host) {
              host.walk(host.roots().at(0),
                        [&](freshet::Directory&, const freshet::Entry& entry) { seen.emplace_back(entry.file_name()); });
            }),
            FRESHET_UNREADABLE)
      << "closed could not be read";
  EXPECT_EQ(seen, (std::vector<std::string>{"c", "b", "a", "mounted", "closed"}));
}

TEST_F(PluginHpp, AListingThatBreaksOffIsNoCompleteScan) {
  auto& root = host_.add_root("/r");
  root.file("a");
  root.breaks_off = true;
  EXPECT_EQ(scan([](freshet::Host& host) {
              freshet::Directory top = host.open(host.roots().at(0));
              for (const freshet::Entry& entry : top) EXPECT_EQ(entry.file_name(), "a");
              EXPECT_FALSE(top.complete());
            }),
            FRESHET_UNREADABLE);
}

TEST_F(PluginHpp, FindingsCarryEverything) {
  host_.add_root("/r").file("a");
  EXPECT_EQ(scan([](freshet::Host& host) {
              freshet::Directory top = host.open(host.roots().at(0));
              for (const freshet::Entry& entry : top)
                top.propose(entry, {"because", FRESHET_LEFTOVER, FRESHET_REDOWNLOADABLE, 77});
            }),
            FRESHET_OK);
  ASSERT_EQ(host_.findings.size(), 1U);
  EXPECT_EQ(host_.findings[0].path, "/r/a");
  EXPECT_EQ(host_.findings[0].reason, "because");
  EXPECT_EQ(host_.findings[0].kind, static_cast<freshet_finding_kind>(FRESHET_LEFTOVER));
  EXPECT_EQ(host_.findings[0].cost, static_cast<freshet_cost_class>(FRESHET_REDOWNLOADABLE));
  EXPECT_EQ(host_.findings[0].cost_bytes, 77U);
}

TEST_F(PluginHpp, CancelledEndsTheScan) {
  host_.add_root("/r").file("a");
  host_.cancel_after_findings = 0;
  EXPECT_EQ(scan([](freshet::Host& host) {
              freshet::Directory top = host.open(host.roots().at(0));
              for (const freshet::Entry& entry : top) top.propose(entry, {"x"});
              ADD_FAILURE() << "went on";
            }),
            FRESHET_CANCELLED);
  host_.cancelled = true;
  EXPECT_EQ(scan([](freshet::Host& host) { host.stop_if_cancelled(); }), FRESHET_CANCELLED);
}

TEST_F(PluginHpp, BuffersGoBack) {
  EXPECT_EQ(scan([&](freshet::Host& host) {
              const freshet::Buffer buffer = host.buffer(100);
              EXPECT_EQ(host_.buffers_out, 1U);
              buffer.data()[99] = std::byte{1};
              EXPECT_EQ(buffer.size(), 100U);
            }),
            FRESHET_OK);
}

TEST_F(PluginHpp, UnknownFeaturesAreNull) {
  EXPECT_EQ(scan([](freshet::Host& host) { EXPECT_EQ(host.feature<int>("org.example.none", 1), nullptr); }), FRESHET_OK);
}

TEST_F(PluginHpp, EveryKindIsDescribedAndMade) {
  freshet_plugin plugin{};
  plugin.size = sizeof plugin;
  ASSERT_EQ(freshet_plugin_entry(host_.table(), &plugin), FRESHET_OK);
  const char* name = nullptr;
  EXPECT_EQ(plugin.describe(0, &name), FRESHET_OK);
  EXPECT_STREQ(name, "plain");
  EXPECT_EQ(plugin.describe(1, &name), FRESHET_OK);
  EXPECT_STREQ(name, "verifying");
  EXPECT_EQ(plugin.describe(2, &name), FRESHET_END);
  EXPECT_EQ(RunningTask(host_, freshet_plugin_entry, "other", {}).configured, FRESHET_UNKNOWN);
}

TEST_F(PluginHpp, VerifyTellsWhetherTheWorldIsRight) {
  RunningTask task(host_, freshet_plugin_entry, "verifying", {});
  ASSERT_TRUE(task.has_verify());
  on_verify = [](freshet::Host&) { return true; };
  EXPECT_EQ(task.verify(), FRESHET_OK);
  on_verify = [](freshet::Host&) { return false; };
  EXPECT_EQ(task.verify(), FRESHET_FAILED);
  on_verify = [](freshet::Host&) -> bool { throw std::runtime_error("x"); };
  EXPECT_EQ(task.verify(), FRESHET_FAILED);
  RunningTask other(host_, freshet_plugin_entry, "plain", {});
  EXPECT_EQ(other.verify(), FRESHET_OK) << "a kind without one has nothing to say against it";
}

TEST_F(PluginHpp, AHostOfAnotherVersionIsRefused) {
  freshet_host other = *host_.table();
  freshet_plugin plugin{};
  plugin.size = sizeof plugin;
  other.abi.minor = FRESHET_ABI_MINOR + 1;
  EXPECT_EQ(freshet_plugin_entry(&other, &plugin), FRESHET_OK) << "a later minor version";
  other.abi.major = FRESHET_ABI_MAJOR + 1;
  EXPECT_EQ(freshet_plugin_entry(&other, &plugin), FRESHET_FAILED);
  plugin.size = 8;
  EXPECT_EQ(freshet_plugin_entry(host_.table(), &plugin), FRESHET_FAILED) << "no room for the table";
}

}  // namespace

FRESHET_PLUGIN(freshet::kind<Plain>("plain"), freshet::kind<Verifying>("verifying"))
