#include "runtime/broker/trial.h"

#include <sys/mount.h>
#include <unistd.h>

#include "tests/unit/broker/broker_harness.h"

namespace freshet::broker::test {
namespace {

class Trials : public testing::Test {
 protected:
  void SetUp() override {
    make_dir(root_);
    write_file(root_ + "/file");
    age(root_);
    options_.roots = {root_};
  }
  void start(Broker& broker) {
    broker.send(begin_of(wire::BrokerPhase::trial));
    broker.send(wire::Trial{});
  }

  TempDir dir_;
  std::string root_ = dir_.path() + "/root";
  Options options_;
};

TEST_F(Trials, RenamesAndLeavesNothingBehind) {
  const Snapshot before = snapshot(root_, "");
  Broker broker(options_);
  start(broker);
  EXPECT_EQ(broker.expect<wire::Finished>().units, 3U);
  EXPECT_EQ(broker.wait(), 0);
  EXPECT_TRUE(same(before, snapshot(root_, "")));
}

TEST_F(Trials, AnAreaThatIsInUseStaysAsItIs) {
  Plan plan(root_);
  plan.add("file");
  remove_plan(options_, plan);
  Broker broker(options_);
  start(broker);
  EXPECT_EQ(broker.expect<wire::Finished>().units, 3U);
  EXPECT_EQ(names_in(root_ + "/.freshet"), (std::vector<std::string>{".freshet-area", "web"}));
  EXPECT_TRUE(exists(root_ + "/.freshet/web/r1/1/1/file"));
}

TEST_F(Trials, WhatAnInterruptedTrialLeftIsSwept) {
  make_dir(root_ + "/.freshet", 0700);
  write_file(root_ + "/.freshet/.freshet-area", "freshet quarantine 1\n");
  make_dir(root_ + "/.freshet/.trial");
  make_dir(root_ + "/.freshet/.trial/1");
  make_dir(root_ + "/.freshet/.trial/1/filled");
  write_file(root_ + "/.freshet/.trial/1/filled/file");
  Broker broker(options_);
  start(broker);
  EXPECT_EQ(broker.expect<wire::Finished>().units, 3U);
  EXPECT_FALSE(exists(root_ + "/.freshet"));
}

TEST_F(Trials, AReadOnlyRootIsNamedWithItsReason) {
  if (const std::string why = cannot_mount(); !why.empty()) GTEST_SKIP() << why;
  in_own_mount_namespace([&] {
    ASSERT_EQ(::mount(root_.c_str(), root_.c_str(), nullptr, MS_BIND, nullptr), 0);
    ASSERT_EQ(::mount("none", root_.c_str(), nullptr, MS_BIND | MS_REMOUNT | MS_RDONLY, nullptr), 0);
    Broker broker(options_);
    start(broker);
    const auto failed = broker.expect<wire::Failed>();
    EXPECT_EQ(failed.error_number, EROFS);
    EXPECT_NE(failed.what.find(root_), std::string::npos);
    EXPECT_EQ(broker.wait(), 1);
  });
}

}  // namespace
}  // namespace freshet::broker::test
