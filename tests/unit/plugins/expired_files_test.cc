#include <gtest/gtest.h>
#include <pthread.h>

#include "runtime/base/units.h"
#include "tests/unit/plugins/fake_host.h"
#include "tests/unit/plugins/manifest_defaults.h"

namespace freshet_test {
namespace {

using Paths = std::vector<std::string>;

// The manifest's defaults (a test below holds them against the manifest), with a limit of 30 days.
FakeSettings defaults() {
  FakeSettings out;
  out.duration("older-than", 30 * kDay)
      .strings("age-by", {"mtime", "atime", "ctime", "btime"})
      .strings("keep", {})
      .strings("only", {})
      .strings("types", {"file", "symlink", "fifo", "socket"})
      .size("min-size", 0)
      .strings("owner", {})
      .boolean("empty-directories", false)
      .integer("max-depth", 1000000);
  return out;
}

class ExpiredFiles : public testing::Test {
 public:
  void TearDown() override {
    EXPECT_EQ(host_.broken_rules, Paths{});
    EXPECT_EQ(host_.open_directories, 0U);
  }

  freshet_status scan(const FakeSettings& settings) {
    RunningTask task(host_, freshet_plugin_entry, "expired-files", settings);
    EXPECT_EQ(task.configured, FRESHET_OK);
    return task.configured == FRESHET_OK ? task.scan() : task.configured;
  }

  FakeHost host_;
  FakeEntry& root_ = host_.add_root("/r");
};

TEST_F(ExpiredFiles, OldFilesGoAndYoungOnesStay) {
  root_.file("old", 41);
  root_.file("young", 29);
  root_.file("just", 30);
  root_.directory("d").file("deep", 31);
  EXPECT_EQ(scan(defaults()), FRESHET_OK);
  EXPECT_EQ(host_.proposed(), (Paths{"/r/d/deep", "/r/just", "/r/old"}));
}

TEST_F(ExpiredFiles, OneSecondBelowTheLimitStays) {
  FakeEntry& entry = root_.file("f");
  entry.mtime = kNow - 30 * kDay + kSecond;
  EXPECT_EQ(scan(defaults()), FRESHET_OK);
  EXPECT_EQ(host_.proposed(), Paths{});
}

TEST_F(ExpiredFiles, AllNamedStampsHaveToBeOld) {
  root_.file("m").mtime = kNow;
  root_.file("a").atime = kNow;
  root_.file("c").ctime = kNow;
  root_.file("b").btime = kNow;
  root_.file("none");
  EXPECT_EQ(scan(defaults()), FRESHET_OK);
  EXPECT_EQ(host_.proposed(), (Paths{"/r/none"}));
  host_.findings.clear();
  EXPECT_EQ(scan(defaults().strings("age-by", {"mtime", "atime"})), FRESHET_OK);
  EXPECT_EQ(host_.proposed(), (Paths{"/r/b", "/r/c", "/r/none"}));
  host_.findings.clear();
  EXPECT_EQ(scan(defaults().strings("age-by", {"btime"})), FRESHET_OK);
  EXPECT_EQ(host_.proposed(), (Paths{"/r/a", "/r/c", "/r/m", "/r/none"}));
}

TEST_F(ExpiredFiles, FutureStampsAreNeverOld) {
  root_.file("future").mtime = kNow + kSecond;
  root_.file("now", 0);
  root_.file("far").mtime = INT64_MAX;
  EXPECT_EQ(scan(defaults().duration("older-than", 0)), FRESHET_OK);
  EXPECT_EQ(host_.proposed(), (Paths{"/r/now"}));
}

TEST_F(ExpiredFiles, StampsFarInThePastDoNotOverflow) {
  root_.file("ancient").mtime = INT64_MIN;
  EXPECT_EQ(scan(defaults()), FRESHET_OK);
  EXPECT_EQ(host_.proposed(), (Paths{"/r/ancient"}));
}

TEST_F(ExpiredFiles, WithoutBirthTimesTheOtherStampsDecide) {
  root_.file("f").btime = 0;
  EXPECT_EQ(scan(defaults()), FRESHET_OK);
  EXPECT_EQ(host_.proposed(), (Paths{"/r/f"}));
  host_.findings.clear();
  EXPECT_EQ(scan(defaults().strings("age-by", {"btime"})), FRESHET_OK);
  EXPECT_EQ(host_.proposed(), Paths{}) << "nothing is known of its age";
}

TEST_F(ExpiredFiles, AgeByNothingIsRefused) {
  RunningTask task(host_, freshet_plugin_entry, "expired-files", defaults().strings("age-by", {}));
  EXPECT_EQ(task.configured, FRESHET_INVALID);
  ASSERT_EQ(host_.log.size(), 1U);
  EXPECT_NE(host_.log[0].find("age-by"), std::string::npos);
}

TEST_F(ExpiredFiles, KeptEntriesKeepTheirParentsAndAllBelow) {
  FakeEntry& d = root_.directory("d");
  d.file("x.lock");
  d.file("x");
  FakeEntry& kept = root_.directory("kept");
  kept.file("a");
  kept.directory("b").file("c");
  FakeEntry& free = root_.directory("free");
  free.file("a");
  EXPECT_EQ(scan(defaults().strings("keep", {"*.lock", "kept/"}).boolean("empty-directories", true)), FRESHET_OK);
  EXPECT_EQ(host_.proposed(), (Paths{"/r/d/x", "/r/free", "/r/free/a"}));
}

TEST_F(ExpiredFiles, KeepWithPathsSeesTheWholePath) {
  root_.directory("a").directory("live").file("x.log");
  root_.directory("b").file("x.log");
  EXPECT_EQ(scan(defaults().strings("keep", {"**/live/*.log"})), FRESHET_OK);
  EXPECT_EQ(host_.proposed(), (Paths{"/r/b/x.log"}));
}

TEST_F(ExpiredFiles, PathsAreRightAfterComingBackFromADirectory) {
  FakeEntry& a = root_.directory("a");
  a.directory("deep").directory("deeper").file("x");
  a.file("x");
  root_.file("x");
  EXPECT_EQ(scan(defaults().strings("only", {"a/x"})), FRESHET_OK);
  EXPECT_EQ(host_.proposed(), (Paths{"/r/a/x"}));
}

TEST_F(ExpiredFiles, OnlyHoldsForDirectoriesToo) {
  FakeEntry& cache = root_.directory("cache");
  cache.file("a.tmp");
  root_.directory("other");
  EXPECT_EQ(scan(defaults().strings("only", {"*.tmp", "cache"}).boolean("empty-directories", true)), FRESHET_OK);
  EXPECT_EQ(host_.proposed(), (Paths{"/r/cache", "/r/cache/a.tmp"}));
}

TEST_F(ExpiredFiles, OnlyNamedTypesGo) {
  root_.file("link").type = FRESHET_SYMLINK;
  root_.file("fifo").type = FRESHET_FIFO;
  root_.file("socket").type = FRESHET_SOCKET;
  root_.file("file");
  root_.file("char").type = FRESHET_CHAR_DEVICE;
  root_.file("block").type = FRESHET_BLOCK_DEVICE;
  root_.file("unknown").type = FRESHET_TYPE_UNKNOWN;
  root_.file("new kind").type = 99;
  EXPECT_EQ(scan(defaults()), FRESHET_OK);
  EXPECT_EQ(host_.proposed(), (Paths{"/r/fifo", "/r/file", "/r/link", "/r/socket"}));
  host_.findings.clear();
  EXPECT_EQ(scan(defaults().strings("types", {"symlink"})), FRESHET_OK);
  EXPECT_EQ(host_.proposed(), (Paths{"/r/link"}));
}

TEST_F(ExpiredFiles, TypeDirectoryAloneTakesEmptyDirectoriesOnly) {
  root_.directory("empty");
  root_.directory("full").file("f");
  EXPECT_EQ(scan(defaults().strings("types", {"directory"})), FRESHET_OK);
  EXPECT_EQ(host_.proposed(), (Paths{"/r/empty"}));
}

TEST_F(ExpiredFiles, MountPointsAreNeitherEnteredNorProposed) {
  FakeEntry& mounted = root_.directory("mounted");
  mounted.flags = FRESHET_ENTRY_MOUNT_POINT;
  mounted.file("inside");
  root_.file("bind").flags = FRESHET_ENTRY_MOUNT_POINT;
  EXPECT_EQ(scan(defaults().boolean("empty-directories", true)), FRESHET_OK);
  EXPECT_EQ(host_.proposed(), Paths{});
}

TEST_F(ExpiredFiles, MinSizeLeavesRegularFilesOfThatSize) {
  root_.file("small").bytes = 999;
  root_.file("large").bytes = 1000;
  FakeEntry& link = root_.file("link");
  link.type = FRESHET_SYMLINK;
  link.bytes = 5000;
  EXPECT_EQ(scan(defaults().size("min-size", 1000)), FRESHET_OK);
  EXPECT_EQ(host_.proposed(), (Paths{"/r/large"}));
}

TEST_F(ExpiredFiles, OwnerLeavesTheirEntriesOnly) {
  root_.file("a").uid = 33;
  root_.file("b").uid = 1000;
  root_.file("c").uid = 0;
  root_.directory("d").uid = 33;
  root_.directory("e").uid = 5;
  EXPECT_EQ(scan(defaults().strings("owner", {"33", "1000"}).boolean("empty-directories", true)), FRESHET_OK);
  EXPECT_EQ(host_.proposed(), (Paths{"/r/a", "/r/b", "/r/d"}));
}

TEST_F(ExpiredFiles, OwnerByNameIsRefusedWithAHint) {
  for (const char* owner : {"www-data", "", "-1", "33x", "4294967296"}) {
    host_.log.clear();
    RunningTask task(host_, freshet_plugin_entry, "expired-files", defaults().strings("owner", {owner}));
    EXPECT_EQ(task.configured, FRESHET_INVALID) << owner;
    ASSERT_EQ(host_.log.size(), 1U);
    EXPECT_NE(host_.log[0].find("id -u"), std::string::npos);
  }
}

TEST_F(ExpiredFiles, BadPatternIsRefusedByName) {
  RunningTask task(host_, freshet_plugin_entry, "expired-files", defaults().strings("keep", {"ok", "[broken"}));
  EXPECT_EQ(task.configured, FRESHET_INVALID);
  ASSERT_EQ(host_.log.size(), 1U);
  EXPECT_NE(host_.log[0].find("[broken"), std::string::npos);
}

TEST_F(ExpiredFiles, DirectoriesGoOnlyWhenAskedFor) {
  root_.directory("empty");
  root_.directory("full").file("f");
  EXPECT_EQ(scan(defaults()), FRESHET_OK);
  EXPECT_EQ(host_.proposed(), (Paths{"/r/full/f"}));
}

TEST_F(ExpiredFiles, DirectoriesWhoseEntriesAllGoGoAfterThem) {
  FakeEntry& a = root_.directory("a");
  a.file("1");
  a.directory("b").file("2");
  FakeEntry& half = root_.directory("half");
  half.file("old");
  half.file("young", 1);
  half.directory("inner").file("3");
  root_.directory("young", 1).file("4");
  EXPECT_EQ(scan(defaults().boolean("empty-directories", true)), FRESHET_OK);
  EXPECT_EQ(host_.proposed(), (Paths{"/r/a", "/r/a/1", "/r/a/b", "/r/a/b/2", "/r/half/inner", "/r/half/inner/3",
                                     "/r/half/old", "/r/young/4"}));
}

TEST_F(ExpiredFiles, TheRootItselfNeverGoes) {
  EXPECT_EQ(scan(defaults().boolean("empty-directories", true)), FRESHET_OK);
  EXPECT_EQ(host_.proposed(), Paths{});
}

TEST_F(ExpiredFiles, AtimeAndCtimeOfADirectoryAreNotItsAge) {
  FakeEntry& looked_at = root_.directory("looked-at");
  looked_at.atime = looked_at.ctime = kNow;
  root_.directory("new").btime = kNow;
  root_.directory("changed").mtime = kNow;
  EXPECT_EQ(scan(defaults().boolean("empty-directories", true)), FRESHET_OK);
  EXPECT_EQ(host_.proposed(), (Paths{"/r/looked-at"}));
  host_.findings.clear();
  EXPECT_EQ(scan(defaults().boolean("empty-directories", true).strings("age-by", {"atime"})), FRESHET_OK);
  EXPECT_EQ(host_.proposed(), (Paths{"/r/looked-at", "/r/new"})) << "by mtime where no stamp of a directory is named";
}

TEST_F(ExpiredFiles, MaxDepthLooksNoDeeper) {
  FakeEntry& a = root_.directory("a");
  a.file("2");
  a.directory("b").file("3");
  root_.file("1");
  root_.directory("empty");
  EXPECT_EQ(scan(defaults().integer("max-depth", 1).boolean("empty-directories", true)), FRESHET_OK);
  EXPECT_EQ(host_.proposed(), (Paths{"/r/1"})) << "a directory that is not looked into is not known to be empty";
  host_.findings.clear();
  EXPECT_EQ(scan(defaults().integer("max-depth", 2)), FRESHET_OK);
  EXPECT_EQ(host_.proposed(), (Paths{"/r/1", "/r/a/2"}));
}

TEST_F(ExpiredFiles, WhatCannotBeReadStaysAndIsTold) {
  FakeEntry& d = root_.directory("d");
  d.directory("closed").unreadable = true;
  d.file("f");
  EXPECT_EQ(scan(defaults().boolean("empty-directories", true)), FRESHET_UNREADABLE);
  EXPECT_EQ(host_.proposed(), (Paths{"/r/d/f"}));
}

TEST_F(ExpiredFiles, AListingThatBreaksOffKeepsItsDirectory) {
  FakeEntry& d = root_.directory("d");
  d.file("f");
  d.breaks_off = true;
  EXPECT_EQ(scan(defaults().boolean("empty-directories", true)), FRESHET_UNREADABLE);
  EXPECT_EQ(host_.proposed(), (Paths{"/r/d/f"}));
}

TEST_F(ExpiredFiles, EveryRootIsScanned) {
  root_.file("a");
  host_.add_root("/s").file("b");
  EXPECT_EQ(scan(defaults()), FRESHET_OK);
  EXPECT_EQ(host_.proposed(), (Paths{"/r/a", "/s/b"}));
}

TEST_F(ExpiredFiles, CancelledByTheHostEndsAtOnceAndClosesEverything) {
  FakeEntry& d = root_.directory("d");
  for (int i = 0; i < 10; ++i) d.file(std::to_string(i));
  host_.cancel_after_findings = 3;
  EXPECT_EQ(scan(defaults()), FRESHET_CANCELLED);
  EXPECT_EQ(host_.findings.size(), 3U);
}

TEST_F(ExpiredFiles, CancelledIsSeenWithoutFindings) {
  for (int i = 0; i < 5000; ++i) root_.file(std::to_string(i), 1);
  host_.cancelled = true;
  EXPECT_EQ(scan(defaults()), FRESHET_CANCELLED);
}

TEST_F(ExpiredFiles, ReasonsAreInPlainWords) {
  FakeEntry& f = root_.file("f");
  f.mtime = kNow - 41 * kDay;
  f.atime = kNow - 39 * kDay;
  FakeEntry& d = root_.directory("d", 41);
  d.file("1");
  d.file("2");
  root_.directory("empty", 41);
  EXPECT_EQ(scan(defaults().strings("age-by", {"atime", "mtime"}).boolean("empty-directories", true)), FRESHET_OK);
  EXPECT_EQ(host_.reason_of("/r/f"), "mtime 41 d, atime 39 d, limit 30 d");
  EXPECT_EQ(host_.reason_of("/r/d"), "all 2 entries go, mtime 41 d, limit 30 d");
  EXPECT_EQ(host_.reason_of("/r/empty"), "empty directory, mtime 41 d, limit 30 d");
}

TEST_F(ExpiredFiles, AgesInReasonsReadLikeThoseOfFreshet) {
  FakeEntry& f = root_.file("f");
  for (const std::int64_t age : {0L, kSecond - 1, 59 * kSecond, 60 * kSecond, 3600 * kSecond - 1, 3600 * kSecond,
                                 kDay - 1, kDay, 400 * kDay + 5}) {
    host_.findings.clear();
    f.mtime = kNow - age;
    scan(defaults().strings("age-by", {"mtime"}).duration("older-than", 0));
    EXPECT_EQ(host_.reason_of("/r/f"), "mtime " + freshet::format_age(age) + ", limit 0 s");
  }
}

TEST_F(ExpiredFiles, TheLimitIsShownExactly) {
  root_.file("f");
  const std::pair<std::int64_t, const char*> kCases[] = {
      {36 * 3600 * kSecond, "36 h"}, {90 * 60 * kSecond, "90 min"}, {kDay, "1 d"}, {61 * kSecond, "61 s"}};
  for (const auto& [limit, text] : kCases) {
    host_.findings.clear();
    scan(defaults().strings("age-by", {"mtime"}).duration("older-than", limit));
    EXPECT_EQ(host_.reason_of("/r/f"), std::string("mtime 100 d, limit ") + text);
  }
}

TEST_F(ExpiredFiles, TheLogSaysHowManyOldFilesOnlyCtimeOrBtimeSpared) {
  root_.file("a").ctime = kNow;
  root_.file("b").btime = kNow;
  root_.file("c").mtime = kNow;
  EXPECT_EQ(scan(defaults()), FRESHET_OK);
  ASSERT_EQ(host_.log.size(), 1U);
  EXPECT_EQ(host_.log[0].substr(0, 12), "2 old files ");
}

TEST_F(ExpiredFiles, UnknownKindIsRefused) {
  RunningTask task(host_, freshet_plugin_entry, "other", defaults());
  EXPECT_EQ(task.configured, FRESHET_UNKNOWN);
}

// A tree deeper than 4096 levels, on a stack of 256 KiB.
TEST_F(ExpiredFiles, DeepTreesNeedNoStack) {
  constexpr std::size_t kDepth = 6000;
  FakeEntry* at = &root_;
  for (std::size_t i = 0; i < kDepth; ++i) at = &at->directory("directory");
  at->file("f");
  struct Job {
    ExpiredFiles* test;
    freshet_status status;
  } job{this, FRESHET_FAILED};
  pthread_attr_t attributes;
  ASSERT_EQ(pthread_attr_init(&attributes), 0);
  ASSERT_EQ(pthread_attr_setstacksize(&attributes, 256 * 1024), 0);
  pthread_t thread;
  const auto body = [](void* argument) -> void* {
    auto& mine = *static_cast<Job*>(argument);
    mine.status = mine.test->scan(defaults().strings("keep", {"no/such"}).boolean("empty-directories", true));
    return nullptr;
  };
  ASSERT_EQ(pthread_create(&thread, &attributes, body, &job), 0);
  ASSERT_EQ(pthread_join(thread, nullptr), 0);
  pthread_attr_destroy(&attributes);
  EXPECT_EQ(job.status, FRESHET_OK);
  EXPECT_EQ(host_.findings.size(), kDepth + 1);
}

TEST(ExpiredFilesManifest, ReadsFromTheFileAndHasTheDefaultsOfTheseTests) {
  expect_the_manifests_defaults(EXPIRED_FILES_SO, "org.freshet.expired-files", "expired-files", defaults(), {"older-than"});
}

}  // namespace
}  // namespace freshet_test
