#include <freshet/ipc.h>
#include <gtest/gtest.h>

#include "tests/unit/plugins/fake_host.h"
#include "tests/unit/plugins/manifest_defaults.h"

namespace freshet_test {
namespace {

// The manifest's defaults (a test below holds them against the manifest), with a limit of 7 days.
FakeSettings defaults() {
  FakeSettings out;
  out.duration("min-age", 7 * kDay).boolean("unread-messages", false).boolean("owner-gone", true);
  return out;
}

// An orphan: a segment that nobody is attached to, of nobody who lives, unused for a hundred days.
freshet_ipc_object orphan() {
  freshet_ipc_object out{};
  out.kind = FRESHET_IPC_SHM;
  out.changed = kNow - 200 * kDay;
  out.used = kNow - 100 * kDay;
  out.bytes = 4096;
  return out;
}

class OrphanedIpc : public testing::Test {
 public:
  void TearDown() override { EXPECT_EQ(host_.broken_rules, std::vector<std::string>{}); }

  // The indexes of the objects that are proposed.
  std::vector<std::uint64_t> proposed(std::vector<freshet_ipc_object> objects, const FakeSettings& settings = defaults()) {
    host_.ipc_findings.clear();
    host_.grant_ipc(std::move(objects));
    RunningTask task(host_, freshet_plugin_entry, "orphaned-ipc", settings);
    EXPECT_EQ(task.configured, FRESHET_OK);
    EXPECT_EQ(task.scan(), FRESHET_OK);
    std::vector<std::uint64_t> out;
    for (const auto& finding : host_.ipc_findings) out.push_back(finding.index);
    return out;
  }
  bool goes(const freshet_ipc_object& object, const FakeSettings& settings = defaults()) { return !proposed({object}, settings).empty(); }

  FakeHost host_;
};
using Indexes = std::vector<std::uint64_t>;

TEST_F(OrphanedIpc, SharedMemoryOfNobodyGoes) {
  freshet_ipc_object posix = orphan();
  posix.kind = FRESHET_IPC_POSIX_SHM;
  EXPECT_EQ(proposed({orphan(), posix}), (Indexes{0, 1}));
  EXPECT_EQ(host_.ipc_findings[0].kind, FRESHET_ORPHAN);
  EXPECT_EQ(host_.ipc_findings[0].reason, "owner and creator are gone, unused for 100 d, limit 7 d");
  EXPECT_TRUE(host_.findings.empty());
}

TEST_F(OrphanedIpc, WhatIsAttachedStays) {
  freshet_ipc_object object = orphan();
  object.count = 1;
  EXPECT_FALSE(goes(object));
}

TEST_F(OrphanedIpc, WhoeverLivesKeepsIt) {
  freshet_ipc_object object = orphan();
  object.alive = FRESHET_IPC_PROCESS_LIVES;
  EXPECT_FALSE(goes(object));
  EXPECT_FALSE(goes(object, defaults().boolean("owner-gone", false))) << "its own processes always do";
  object.alive = FRESHET_IPC_OWNER_LIVES;
  EXPECT_FALSE(goes(object));
  EXPECT_TRUE(goes(object, defaults().boolean("owner-gone", false)));
  EXPECT_EQ(host_.ipc_findings[0].reason, "its processes are gone, unused for 100 d, limit 7 d");
}

TEST_F(OrphanedIpc, TheNewestOfItsTimesIsItsAge) {
  freshet_ipc_object object = orphan();
  object.used = kNow - 7 * kDay + 1;
  EXPECT_FALSE(goes(object));
  object.used = kNow - 7 * kDay;
  EXPECT_TRUE(goes(object));
  object.used = 0;
  EXPECT_TRUE(goes(object)) << "never used";
  object.changed = kNow - kDay;
  EXPECT_FALSE(goes(object));
  object.changed = kNow + 1;
  EXPECT_FALSE(goes(object, defaults().duration("min-age", 0))) << "of the future";
}

TEST_F(OrphanedIpc, APosixQueueOfNobodyGoesWhenNoMessageIsInIt) {
  freshet_ipc_object queue = orphan();
  queue.kind = FRESHET_IPC_POSIX_MSG;
  EXPECT_TRUE(goes(queue));
  queue.alive = FRESHET_IPC_PROCESS_LIVES;
  EXPECT_FALSE(goes(queue, defaults().boolean("owner-gone", false).boolean("unread-messages", true))) << "open in a process";
  queue.alive = FRESHET_IPC_OWNER_LIVES;
  EXPECT_FALSE(goes(queue));
  queue.alive = 0;
  queue.count = 2;
  EXPECT_FALSE(goes(queue)) << "its messages would be lost";
  EXPECT_TRUE(goes(queue, defaults().boolean("unread-messages", true)));
  EXPECT_EQ(host_.ipc_findings[0].reason, "owner and creator are gone, unused for 100 d, limit 7 d, with unread messages");
  freshet_ipc_object attached = orphan();
  attached.count = 1;
  EXPECT_FALSE(goes(attached, defaults().boolean("unread-messages", true))) << "a segment has no messages";
}

TEST_F(OrphanedIpc, SemaphoresAndSystemVQueuesStay) {
  for (const freshet_ipc_kind kind : {FRESHET_IPC_SEM, FRESHET_IPC_MSG, FRESHET_IPC_POSIX_SEM}) {
    freshet_ipc_object object = orphan();
    object.kind = kind;
    EXPECT_FALSE(goes(object)) << kind;
  }
}

TEST_F(OrphanedIpc, WithoutAGrantItSaysSo) {
  RunningTask task(host_, freshet_plugin_entry, "orphaned-ipc", defaults());
  EXPECT_EQ(task.scan(), FRESHET_FAILED);
  EXPECT_NE(host_.log.back().find("`ipc`"), std::string::npos);
}

TEST(OrphanedIpcManifest, ReadsFromTheFileAndHasTheDefaultsOfTheseTests) {
  expect_the_manifests_defaults(ORPHANED_IPC_SO, "org.freshet.orphaned-ipc", "orphaned-ipc", defaults(), {"min-age"});
}

}  // namespace
}  // namespace freshet_test
