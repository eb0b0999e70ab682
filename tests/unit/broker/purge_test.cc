#include "runtime/broker/purge.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/broker/broker_harness.h"

namespace freshet::broker::test {
namespace {

class Purges : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    if (GetParam() && ::geteuid() != 0) GTEST_SKIP() << "only root can become another user";
    make_dir(root_);
    make_dir(path("tree"));
    make_dir(path("tree/x"));
    make_dir(path("tree/x/empty"));
    write_file(path("tree/one"), std::string(10'000, '1'));
    write_file(path("tree/x/two"), std::string(20'000, '2'));
    make_link(dir_.path() + "/outside", path("tree/x/out"));
    write_file(path("file"), std::string(5000, 'f'));
    make_dir(dir_.path() + "/outside");
    write_file(dir_.path() + "/outside/precious");
    options_.roots = {root_};
    if (GetParam()) {
      options_.run_as = kSomebody;
      chown_tree(root_, kSomebody);
    }
    age(root_);
  }
  std::uint64_t remove_everything() {
    Plan plan(root_);
    plan.add_whole("tree").add("file");
    EXPECT_EQ(remove_plan(options_, plan).finished.units, 2U);
    return plan.units[0].bytes + plan.units[1].bytes;
  }
  [[nodiscard]] std::string path(const std::string& below) const { return root_ + "/" + below; }

  TempDir dir_;
  std::string root_ = dir_.path() + "/root";
  Options options_;
};

INSTANTIATE_TEST_SUITE_P(As, Purges, testing::Bool(),
                         [](const auto& how) { return how.param ? "OrdinaryUser" : "ThisUser"; });

// What binds ordinary users only; root's twin is the test with mounts.
class PurgesAsSomebody : public Purges {};
INSTANTIATE_TEST_SUITE_P(As, PurgesAsSomebody, testing::Values(true));

TEST_P(Purges, SaysHowFarItHasComeAndNoMoreThanIsTrue) {
  for (int i = 0; i < 600; ++i) write_file(path("tree/x/empty/" + std::to_string(i)));
  if (GetParam()) chown_tree(root_, kSomebody);
  age(root_);
  remove_everything();
  std::vector<wire::Working> steps;
  const wire::Finished finished = purge(options_, false, {}, &steps);
  ASSERT_FALSE(steps.empty()) << "not even the first";
  EXPECT_EQ(steps.front().done, 256U);
  EXPECT_GT(steps.front().bytes, 0U);
  EXPECT_LT(steps.back().done, finished.entries);
  EXPECT_LE(steps.back().bytes, finished.bytes);
}

TEST_P(Purges, EverythingIsUnlinkedAndCountedAndTheAreaGoesWithTheLastRun) {
  const EntryStat root = stat_of(root_);
  const std::uint64_t bytes = remove_everything();
  const wire::Finished finished = purge(options_);
  EXPECT_EQ(finished.entries, 7U);
  EXPECT_EQ(finished.bytes, bytes);
  EXPECT_EQ(finished.left, 0U);
  EXPECT_TRUE(names_in(root_).empty());
  EXPECT_EQ(stat_of(root_).mtime_ns, root.mtime_ns);
  EXPECT_EQ(stat_of(root_).atime_ns, root.atime_ns);
}

TEST_P(Purges, NoLinkIsFollowed) {
  remove_everything();
  purge(options_);
  EXPECT_TRUE(exists(dir_.path() + "/outside/precious"));
}

TEST_P(Purges, IsSafeTwice) {
  remove_everything();
  purge(options_);
  const wire::Finished again = purge(options_);
  EXPECT_EQ(again.entries, 0U);
  EXPECT_EQ(again.left, 0U);
}

TEST_P(Purges, OtherRunsAndTheirTasksStay) {
  Plan plan(root_);
  plan.add("file");
  remove_plan(options_, plan, [](wire::Begin& begin) { begin.run = "r0"; });
  Plan other(root_);
  other.add("tree/one");
  remove_plan(options_, other, [](wire::Begin& begin) { begin.task = 2; });
  Plan mine(root_);
  mine.add("tree/x/two");
  remove_plan(options_, mine);
  EXPECT_EQ(purge(options_).entries, 1U);
  EXPECT_TRUE(exists(path(".freshet/web/r0/1/1/file")));
  EXPECT_TRUE(exists(path(".freshet/web/r1/2/1/one")));
  EXPECT_FALSE(exists(path(".freshet/web/r1/1")));
  EXPECT_TRUE(exists(path(".freshet/.freshet-area")));
}

TEST_P(Purges, AHardLinkFreesItsBytesWithItsLastLinkOnly) {
  ASSERT_EQ(::link(path("file").c_str(), path("outer").c_str()), 0);
  ASSERT_EQ(::link(path("tree/one").c_str(), path("tree/x/same").c_str()), 0);
  if (GetParam()) chown_tree(root_, kSomebody);
  const std::uint64_t outer = stat_of(path("file")).allocated;
  const std::uint64_t inner = stat_of(path("tree/one")).allocated;
  const std::uint64_t both = remove_everything();  // counts every name
  const wire::Finished finished = purge(options_);
  EXPECT_EQ(finished.bytes, both - outer - inner);
  EXPECT_EQ(finished.entries, 8U);
  EXPECT_EQ(read_file(path("outer")), std::string(5000, 'f'));
}

TEST_P(Purges, TidyingRemovesNoEntry) {
  remove_everything();
  const Snapshot before = snapshot(root_, "");
  const wire::Finished finished = purge(options_, true);
  EXPECT_EQ(finished.entries, 0U);
  EXPECT_EQ(finished.bytes, 0U);
  EXPECT_TRUE(exists(path(".freshet/web/r1/1/table")));
  EXPECT_TRUE(exists(path(".freshet/web/r1/1/1/tree/x/two")));
  EXPECT_TRUE(same(before, snapshot(root_, "")));
}

TEST_P(PurgesAsSomebody, WhatIsLeftKeepsItsTable) {
  ASSERT_EQ(::chmod(path("tree/x").c_str(), 0555), 0);
  remove_everything();
  const wire::Finished finished = purge(options_);
  EXPECT_EQ(finished.entries, 2U) << "file and tree/one";
  EXPECT_EQ(finished.left, 5U) << "what is in x, x itself and what holds it";
  EXPECT_TRUE(exists(path(".freshet/web/r1/1/table")));
  ASSERT_EQ(::chmod(path(".freshet/web/r1/1/1/tree/x").c_str(), 0755), 0);
  EXPECT_EQ(purge(options_).left, 0U);
  EXPECT_FALSE(exists(path(".freshet")));
}

TEST_P(Purges, AnInterruptedPurgeLeavesEntriesThatStillCanBeRestored) {
  Plan plan(root_);
  plan.add("tree/one").add("file");
  remove_plan(options_, plan);
  // As if the purge had been killed between its two slots.
  ASSERT_EQ(::unlink(path(".freshet/web/r1/1/1/one").c_str()), 0);
  ASSERT_EQ(::rmdir(path(".freshet/web/r1/1/1").c_str()), 0);
  const RestoreResult result = restore(options_);
  EXPECT_TRUE(result.conflicts.empty());
  EXPECT_EQ(result.finished.units, 1U);
  EXPECT_EQ(read_file(path("file")), std::string(5000, 'f'));
}

TEST_P(Purges, AProcessMadeForAreasOnlyDoesNothingElse) {
  remove_everything();
  Options options = options_;
  options.area_only = true;
  Broker broker(options);
  broker.send(begin_of(wire::BrokerPhase::restore));
  broker.send(wire::Restore{});
  EXPECT_EQ(broker.expect<wire::Failed>().code, kNotPermitted);
  EXPECT_EQ(purge(options).left, 0U);
}

// A comb in the quarantine, deeper than the descriptors of the process.
TEST_P(Purges, TreesOfAnyDepthGo) {
  make_dir(path("tree/comb"));
  Fd at(::open(path("tree/comb").c_str(), O_RDONLY | O_DIRECTORY));
  for (int i = 0; i < 150; ++i) {
    for (const char* name : {"x", "y", "z"}) ASSERT_EQ(::mkdirat(at.get(), name, 0755), 0);
    at.reset(::openat(at.get(), "y", O_RDONLY | O_DIRECTORY));
  }
  Plan plan(root_);
  plan.add("file");
  remove_plan(options_, plan);
  ASSERT_EQ(::rename(path("tree").c_str(), path(".freshet/web/r1/1/1/tree").c_str()), 0);
  if (GetParam()) {
    ASSERT_EQ(::system(("chown -R " + std::to_string(kSomebody) + " " + root_).c_str()), 0);
  }
  const wire::Finished finished = purge(options_);
  EXPECT_EQ(finished.entries, 1U + 7U + 450U);
  EXPECT_EQ(finished.left, 0U);
}

TEST_P(Purges, MountsInTheQuarantineAreRefusedAndWhatTheyCoverStays) {
  if (const std::string why = cannot_mount(); !why.empty()) GTEST_SKIP() << why;
  remove_everything();
  in_own_mount_namespace([&] {
    const std::string slot = path(".freshet/web/r1/1/1/");
    ASSERT_EQ(::mount("none", (slot + "tree/x/empty").c_str(), "tmpfs", 0, nullptr), 0);
    write_file(slot + "tree/x/empty/mounted");
    ::chmod((slot + "tree/x/empty").c_str(), 0777);
    ASSERT_EQ(::mount((dir_.path() + "/outside/precious").c_str(), (slot + "tree/one").c_str(), nullptr, MS_BIND, nullptr), 0);
    const wire::Finished finished = purge(options_);
    EXPECT_EQ(finished.entries, 3U) << "two, out and file";
    EXPECT_EQ(finished.left, 4U) << "both mounts, x and tree";
    EXPECT_TRUE(exists(slot + "tree/x/empty/mounted"));
    EXPECT_EQ(read_file(dir_.path() + "/outside/precious"), "x");
    EXPECT_TRUE(exists(path(".freshet/web/r1/1/table")));
    ASSERT_EQ(::umount((slot + "tree/x/empty").c_str()), 0);
    ASSERT_EQ(::umount((slot + "tree/one").c_str()), 0);
    EXPECT_EQ(purge(options_).left, 0U);
  });
  EXPECT_FALSE(exists(path(".freshet")));
}

TEST_P(Purges, AMountOnTheAreaMakesItForeign) {
  if (const std::string why = cannot_mount(); !why.empty()) GTEST_SKIP() << why;
  remove_everything();
  in_own_mount_namespace([&] {
    ASSERT_EQ(::mount("none", path(".freshet").c_str(), "tmpfs", 0, "mode=0700"), 0);
    Broker broker(options_);
    broker.send(begin_of(wire::BrokerPhase::purge));
    broker.send(wire::Purge{});
    EXPECT_EQ(broker.expect<wire::Failed>().code, kForeignArea);
  });
  EXPECT_TRUE(exists(path(".freshet/web/r1/1/table")));
}

}  // namespace
}  // namespace freshet::broker::test
