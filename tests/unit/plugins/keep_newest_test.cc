#include <gtest/gtest.h>

#include "plugins/keep-newest/groups.h"
#include "tests/unit/plugins/fake_host.h"
#include "tests/unit/plugins/manifest_defaults.h"

namespace freshet_test {
namespace {

using Paths = std::vector<std::string>;

// The manifest's defaults (a test below holds them against the manifest).
FakeSettings defaults() {
  FakeSettings out;
  out.strings("patterns", {"(*).log.*"})
      .integer("keep", 2)
      .duration("min-age", 0)
      .size("max-bytes", 0)
      .string("order-by", "mtime")
      .integer("max-depth", 1000000)
      .string("cost-class", "unique");
  return out;
}

class KeepNewest : public testing::Test {
 public:
  void TearDown() override {
    EXPECT_EQ(host_.broken_rules, Paths{});
    EXPECT_EQ(host_.open_directories, 0U);
  }

  freshet_status scan(const FakeSettings& settings) {
    host_.findings.clear();
    RunningTask task(host_, freshet_plugin_entry, "keep-newest", settings);
    EXPECT_EQ(task.configured, FRESHET_OK);
    return task.configured == FRESHET_OK ? task.scan() : task.configured;
  }

  FakeHost host_;
  FakeEntry& root_ = host_.add_root("/r");
};

TEST_F(KeepNewest, OfEachGroupTheNewestStay) {
  for (int i = 1; i <= 4; ++i) root_.file("a.log." + std::to_string(i), i);
  for (int i = 1; i <= 2; ++i) root_.file("b.log." + std::to_string(i), 100 * i);
  root_.file("other", 1000);
  EXPECT_EQ(scan(defaults()), FRESHET_OK);
  EXPECT_EQ(host_.proposed(), (Paths{"/r/a.log.3", "/r/a.log.4"}));
  EXPECT_EQ(host_.reason_of("/r/a.log.3"), "no. 3 of 4 in the group a, 2 stay, mtime 3 d");
  ASSERT_EQ(host_.findings.size(), 2U);
  EXPECT_EQ(host_.findings[0].kind, FRESHET_OVER_QUOTA);
  EXPECT_EQ(host_.findings[0].cost, FRESHET_UNIQUE);
}

TEST_F(KeepNewest, TheOrderOfTheListingSaysNothing) {
  for (const int age : {3, 1, 4, 2}) root_.file("a.log." + std::to_string(age), age);
  host_.backwards = true;
  EXPECT_EQ(scan(defaults()), FRESHET_OK);
  EXPECT_EQ(host_.proposed(), (Paths{"/r/a.log.3", "/r/a.log.4"}));
}

TEST_F(KeepNewest, AGroupIsOfOneDirectory) {
  for (const char* name : {"x", "y"}) {
    FakeEntry& d = root_.directory(name);
    d.file("a.log.1", 1);
    d.file("a.log.2", 2);
  }
  EXPECT_EQ(scan(defaults()), FRESHET_OK);
  EXPECT_EQ(host_.proposed(), Paths{});
  EXPECT_EQ(scan(defaults().integer("keep", 1)), FRESHET_OK);
  EXPECT_EQ(host_.proposed(), (Paths{"/r/x/a.log.2", "/r/y/a.log.2"}));
}

TEST_F(KeepNewest, TheFirstPatternThatMatchesNamesTheGroup) {
  root_.file("a.log.1", 1);
  root_.file("a.log.2", 2);
  root_.file("b.log.3", 3);
  EXPECT_EQ(scan(defaults().integer("keep", 1).strings("patterns", {"a.*", "(*).log.*"})), FRESHET_OK);
  EXPECT_EQ(host_.proposed(), (Paths{"/r/a.log.2"}));
}

TEST_F(KeepNewest, OnlyRegularFilesAreMembers) {
  root_.file("a.log.1", 1);
  root_.symlink("a.log.2", 2);
  root_.add("a.log.3", FRESHET_FIFO, 3);
  root_.add("a.log.4", FRESHET_CHAR_DEVICE, 4);
  EXPECT_EQ(scan(defaults().integer("keep", 1)), FRESHET_OK);
  EXPECT_EQ(host_.proposed(), Paths{});
}

TEST_F(KeepNewest, WhatIsYoungStaysAndSoDoesAllThatIsNewer) {
  for (int i = 1; i <= 5; ++i) root_.file("a.log." + std::to_string(i), i);
  EXPECT_EQ(scan(defaults().duration("min-age", 4 * kDay)), FRESHET_OK);
  EXPECT_EQ(host_.proposed(), (Paths{"/r/a.log.4", "/r/a.log.5"}));
  // By name the young one may stand anywhere: what is above it stays, so that no hole is left.
  root_.find("a.log.1")->aged(0);
  EXPECT_EQ(scan(defaults().string("order-by", "name").duration("min-age", kDay)), FRESHET_OK);
  EXPECT_EQ(host_.proposed(), Paths{});
  root_.find("a.log.1")->aged(9);
  root_.find("a.log.2")->aged(0);
  EXPECT_EQ(scan(defaults().string("order-by", "name").duration("min-age", kDay)), FRESHET_OK);
  EXPECT_EQ(host_.proposed(), (Paths{"/r/a.log.1"}));
}

TEST_F(KeepNewest, ATimeOfTheFutureIsNewAndNeverGoes) {
  root_.file("a.log.1", 1);
  root_.file("a.log.2", -2);
  root_.file("a.log.3", -3);
  EXPECT_EQ(scan(defaults().integer("keep", 1)), FRESHET_OK);
  EXPECT_EQ(host_.proposed(), (Paths{"/r/a.log.1"}));
}

TEST_F(KeepNewest, NoMoreBytesThanAllowedStayAndTheNewestAlways) {
  for (int i = 1; i <= 4; ++i) root_.file("a.log." + std::to_string(i), i).allocated = 1000;
  EXPECT_EQ(scan(defaults().integer("keep", 3).size("max-bytes", 2000)), FRESHET_OK);
  EXPECT_EQ(host_.proposed(), (Paths{"/r/a.log.3", "/r/a.log.4"}));
  EXPECT_EQ(host_.reason_of("/r/a.log.3"), "no. 3 of 4 in the group a, 1 KiB stay, mtime 3 d");
  EXPECT_EQ(host_.reason_of("/r/a.log.4"), "no. 4 of 4 in the group a, 3 stay, mtime 4 d");
  EXPECT_EQ(scan(defaults().integer("keep", 3).size("max-bytes", 1)), FRESHET_OK);
  EXPECT_EQ(host_.proposed(), (Paths{"/r/a.log.2", "/r/a.log.3", "/r/a.log.4"}));
  EXPECT_EQ(scan(defaults().integer("keep", 9).size("max-bytes", INT64_MAX)), FRESHET_OK);
  EXPECT_EQ(host_.proposed(), Paths{});
}

TEST_F(KeepNewest, ASmallOldOneDoesNotStayBehindALargeOneThatGoes) {
  root_.file("a.log.1", 1).allocated = 1000;
  root_.file("a.log.2", 2).allocated = 5000;
  root_.file("a.log.3", 3).allocated = 1;
  EXPECT_EQ(scan(defaults().integer("keep", 9).size("max-bytes", 2000)), FRESHET_OK);
  EXPECT_EQ(host_.proposed(), (Paths{"/r/a.log.2", "/r/a.log.3"})) << "contiguous in time";
}

TEST_F(KeepNewest, SizesThatDoNotAddUpDoNotOverflow) {
  root_.file("a.log.1", 1).allocated = UINT64_MAX;
  root_.file("a.log.2", 2).allocated = UINT64_MAX;
  EXPECT_EQ(scan(defaults().integer("keep", 9).size("max-bytes", INT64_MAX)), FRESHET_OK);
  EXPECT_EQ(host_.proposed(), (Paths{"/r/a.log.2"}));
}

TEST_F(KeepNewest, ByNameNumbersCountAsNumbers) {
  for (const char* name : {"v1.9.tar", "v1.10.tar", "v1.2.tar", "v2.tar"}) root_.file(name, 5);
  EXPECT_EQ(scan(defaults().strings("patterns", {"v*.tar"}).string("order-by", "name")), FRESHET_OK);
  EXPECT_EQ(host_.proposed(), (Paths{"/r/v1.2.tar", "/r/v1.9.tar"}));
  EXPECT_EQ(host_.reason_of("/r/v1.9.tar"), "no. 3 of 4 by name, 2 stay, mtime 5 d");
}

TEST_F(KeepNewest, AListingThatBrokeOffTakesNothing) {
  FakeEntry& d = root_.directory("d");
  for (int i = 1; i <= 4; ++i) d.file("a.log." + std::to_string(i), i);
  d.breaks_off = true;
  root_.file("a.log.1", 1);
  root_.file("a.log.2", 2);
  EXPECT_EQ(scan(defaults().integer("keep", 1)), FRESHET_UNREADABLE);
  EXPECT_EQ(host_.proposed(), (Paths{"/r/a.log.2"})) << "other directories are not concerned";
}

TEST_F(KeepNewest, DepthIsCountedFromTheRootsOwnEntries) {
  FakeEntry* at = &root_;
  for (int depth = 1; depth <= 3; ++depth, at = &at->directory("d")) {
    at->file("a.log.1", 1);
    at->file("a.log.2", 2);
  }
  EXPECT_EQ(scan(defaults().integer("keep", 1).integer("max-depth", 2)), FRESHET_OK);
  EXPECT_EQ(host_.proposed(), (Paths{"/r/a.log.2", "/r/d/a.log.2"}));
}

TEST_F(KeepNewest, NoPatternOrABadOneIsRefused) {
  for (const Paths& patterns : {Paths{}, Paths{"(a)(b)"}}) {
    RunningTask task(host_, freshet_plugin_entry, "keep-newest", defaults().strings("patterns", patterns));
    EXPECT_EQ(task.configured, FRESHET_INVALID);
    EXPECT_NE(host_.log.back().find("pattern"), std::string::npos);
  }
}

TEST_F(KeepNewest, CancellingEndsTheScan) {
  for (int i = 1; i <= 9; ++i) root_.file("a.log." + std::to_string(i), i);
  host_.cancel_after_findings = 3;
  EXPECT_EQ(scan(defaults()), FRESHET_CANCELLED);
  EXPECT_EQ(host_.findings.size(), 3U);
}

TEST(KeepNewestOrder, IsAnOrder) {
  const std::vector<std::string> names = {"", "1", "01", "9", "10", "1a", "a", "a1", "a01", "a2", "a10", "b", "\xff"};
  for (const auto& a : names) {
    EXPECT_FALSE(keep_newest::is_below(a, a));
    for (const auto& b : names) {
      if (a != b) {
        EXPECT_NE(keep_newest::is_below(a, b), keep_newest::is_below(b, a)) << a << " and " << b;
      }
      for (const auto& c : names) {
        if (keep_newest::is_below(a, b) && keep_newest::is_below(b, c)) {
          EXPECT_TRUE(keep_newest::is_below(a, c)) << a << ", " << b << ", " << c;
        }
      }
    }
  }
}

TEST(KeepNewestManifest, ReadsFromTheFileAndHasTheDefaultsOfTheseTests) {
  expect_the_manifests_defaults(KEEP_NEWEST_SO, "org.freshet.keep-newest", "keep-newest", defaults(), {"patterns", "keep"});
}

}  // namespace
}  // namespace freshet_test
