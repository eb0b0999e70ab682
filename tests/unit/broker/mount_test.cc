#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include "tests/unit/broker/broker_harness.h"

namespace freshet::broker::test {
namespace {

using wire::OutcomeCode;

enum class Source { shared_to_a_slave, private_in_one_namespace };
enum class Moment { before_the_broker, behind_its_slots };

class Mounts : public testing::TestWithParam<std::tuple<Source, Moment>> {
 protected:
  void SetUp() override {
    if (const std::string why = cannot_mount(); !why.empty()) GTEST_SKIP() << why;
  }
};

INSTANTIATE_TEST_SUITE_P(
    On, Mounts,
    testing::Combine(testing::Values(Source::shared_to_a_slave, Source::private_in_one_namespace),
                     testing::Values(Moment::before_the_broker, Moment::behind_its_slots)),
    [](const auto& how) {
      return std::string(std::get<0>(how.param) == Source::shared_to_a_slave ? "SharedSource" : "PrivateSource") +
             (std::get<1>(how.param) == Moment::before_the_broker ? "BeforeTheBroker" : "BehindItsSlots");
    });

// What the host mounts on planned entries is neither moved nor detached, whatever kind of unit it stands on, and
// whichever way the broker sees the host's mounts: a slave of a shared source, or the host's own namespace.
TEST_P(Mounts, OnPlannedEntriesAreRefused) {
  const Source source = std::get<0>(GetParam());
  const Moment moment = std::get<1>(GetParam());
  const TempDir dir;
  in_own_mount_namespace([&] {
    const std::string root = dir.path() + "/root";
    make_dir(root);
    ASSERT_EQ(::mount(root.c_str(), root.c_str(), nullptr, MS_BIND, nullptr), 0);
    ASSERT_EQ(::mount("none", root.c_str(), nullptr, source == Source::shared_to_a_slave ? MS_SHARED : MS_PRIVATE, nullptr), 0);
    for (const char* name : {"/empty", "/whole", "/deep", "/deep/x", "/deep/x/y", "/origin", "/filed", "/free"}) make_dir(root + name);
    for (const char* name : {"/whole/file", "/deep/x/file", "/origin/file", "/file", "/filed/file", "/free/file"})
      write_file(root + name);
    age(root);
    const Snapshot before = snapshot(root);
    Plan plan(root);
    plan.add("empty").add_whole("whole").add_whole("deep").add("origin/file").add("file").add_whole("filed").add_whole("free");
    const auto mount_all = [&] {
      for (const char* name : {"/empty", "/whole", "/deep/x/y", "/origin"})
        ASSERT_EQ(::mount("none", (root + name).c_str(), "tmpfs", 0, nullptr), 0) << name;
      for (const char* name : {"/file", "/filed/file"})
        ASSERT_EQ(::mount("/etc/hostname", (root + name).c_str(), nullptr, MS_BIND, nullptr), 0) << name;
    };
    Options options;
    options.roots = {root};
    if (source == Source::shared_to_a_slave) {
      options.prepare = [] {
        if (::unshare(CLONE_NEWNS) != 0 || ::mount("none", "/", nullptr, MS_REC | MS_SLAVE, nullptr) != 0) ::_exit(98);
      };
    }
    if (moment == Moment::before_the_broker) mount_all();
    Broker broker(options);
    begin_removal(broker, plan);
    if (moment == Moment::behind_its_slots) mount_all();
    const std::vector<wire::Outcome> outcomes = send_units(broker, plan.units);
    ASSERT_EQ(outcomes.size(), 7U);
    for (std::size_t i = 0; i < 6; ++i) EXPECT_EQ(outcomes[i].code, OutcomeCode::mount_point) << plan.units[i].name;
    EXPECT_EQ(outcomes[6].code, OutcomeCode::removed) << "the control: a directory without a mount goes";
    broker.send(wire::Finish{});
    EXPECT_EQ(broker.expect<wire::Finished>().units, 1U);
    for (const char* name : {"/empty", "/whole", "/deep/x/y", "/origin", "/file", "/filed/file"})
      EXPECT_EQ(::umount((root + name).c_str()), 0) << name << " is mounted no more";
    EXPECT_TRUE(restore(options).conflicts.empty());
    EXPECT_TRUE(same(before, snapshot(root)));
  });
}

TEST(MountsOnAnOrigin, StopTheRestoreIntoIt) {
  if (const std::string why = cannot_mount(); !why.empty()) GTEST_SKIP() << why;
  const TempDir dir;
  in_own_mount_namespace([&] {
    const std::string root = dir.path() + "/root";
    make_dir(root);
    make_dir(root + "/a");
    write_file(root + "/a/file");
    Options options;
    options.roots = {root};
    Plan plan(root);
    plan.add("a/file");
    remove_plan(options, plan);
    ASSERT_EQ(::mount("none", (root + "/a").c_str(), "tmpfs", 0, nullptr), 0);
    const RestoreResult result = restore(options);
    ASSERT_EQ(result.conflicts.size(), 1U);
    EXPECT_EQ(result.conflicts[0].code, wire::RestoreCode::parent_changed);
    EXPECT_TRUE(names_in(root + "/a").empty());
    ASSERT_EQ(::umount((root + "/a").c_str()), 0);
    EXPECT_TRUE(restore(options).conflicts.empty());
    EXPECT_TRUE(exists(root + "/a/file"));
  });
}

// Two mounts of one file system have one st_dev; only the mount id tells them apart.
TEST(MountsOfOneFileSystem, AreNotCrossedEither) {
  if (const std::string why = cannot_mount(); !why.empty()) GTEST_SKIP() << why;
  const TempDir dir;
  in_own_mount_namespace([&] {
    const std::string root = dir.path() + "/root";
    make_dir(root);
    make_dir(root + "/tree");
    make_dir(root + "/tree/x");
    make_dir(dir.path() + "/other");
    write_file(dir.path() + "/other/precious");
    ASSERT_EQ(::mount((dir.path() + "/other").c_str(), (root + "/tree/x").c_str(), nullptr, MS_BIND, nullptr), 0);
    Plan plan(root);  // planned by somebody who looked through the mount
    plan.add_whole("tree").add("tree/x/precious");
    Options options;
    options.roots = {root};
    const RemovalResult result = remove_plan(options, plan);
    EXPECT_EQ(result.code(0), OutcomeCode::mount_point);
    EXPECT_EQ(result.code(1), OutcomeCode::mount_point);
    EXPECT_TRUE(exists(dir.path() + "/other/precious"));
  });
}

}  // namespace
}  // namespace freshet::broker::test
