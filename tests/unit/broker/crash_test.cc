#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <map>
#include <random>
#include <thread>

#include "tests/unit/broker/broker_harness.h"

namespace freshet::broker::test {
namespace {

// The broker is killed at any moment. Law: every entry is at its origin or in exactly one slot, and a restore by another
// broker (which may be killed, too) brings all of it back as it was, times included.
class Crashes : public testing::TestWithParam<bool> {
 protected:
  static constexpr int kRounds = 25;

  void SetUp() override {
    if (GetParam() && ::geteuid() != 0) GTEST_SKIP() << "only root can become another user";
    make_dir(root_);
    for (int d = 0; d < 6; ++d) {
      const std::string dir = "d" + std::to_string(d);
      make_dir(path(dir));
      make_dir(path(dir + "/sub"));
      for (int f = 0; f < 6; ++f) {
        write_file(path(dir + "/f" + std::to_string(f)), "content of " + dir);
        write_file(path(dir + "/sub/f" + std::to_string(f)), "below " + dir);
      }
      ASSERT_EQ(::link(path(dir + "/f0").c_str(), path(dir + "/sub/hard").c_str()), 0);
      make_link("f1", path(dir + "/sub/link"));
    }
    write_file(path("top"), "top");
    options_.roots = {root_};
    if (GetParam()) {
      options_.run_as = kSomebody;
      chown_tree(root_, kSomebody);
    }
    age(root_);
    before_ = snapshot(root_);
    root_before_ = stat_of(root_);
    // d0 and d1 go as wholes, the others entry by entry, and some of them at last by themselves.
    plan_.add_whole("d0").add("top").add_whole("d1");
    for (int d = 2; d < 6; ++d) {
      const std::string dir = "d" + std::to_string(d);
      if (d == 2) {
        plan_.add_whole(dir + "/sub");
      } else {
        for (const std::string& name : names_in(path(dir + "/sub"))) plan_.add(dir + "/sub/" + name);
      }
      for (int f = 0; f < 6; ++f) plan_.add(dir + "/f" + std::to_string(f));
    }
    plan_.add("d3/sub").add("d4/sub").add("d3").add("d4");
  }

  [[nodiscard]] std::string path(const std::string& below) const { return root_ + "/" + below; }

  // How often each inode is found by name, in the whole root with its area.
  std::map<std::string, int> census() {
    std::map<std::string, int> count;
    for (const auto& [where, what] : snapshot(root_, "")) {
      const std::size_t at = what.find("inode ");
      if (what.find("mode 16") != 0) ++count[what.substr(at, what.find(' ', at + 6) - at)];
    }
    return count;
  }
  // Only what the plan's tree had: tables and markers come and go.
  void expect_nothing_lost(const std::map<std::string, int>& then) {
    const std::map<std::string, int> now = census();
    for (const auto& [inode, names] : then) {
      const auto found = now.find(inode);
      ASSERT_TRUE(found != now.end()) << inode << " is nowhere";
      ASSERT_EQ(found->second, names) << inode;
    }
  }
  // Sends everything without waiting and kills after a random while.
  void kill_midway(Broker& broker, const std::function<void()>& send) {
    send();
    std::this_thread::sleep_for(std::chrono::microseconds(random_() % 6000));
    broker.kill();
    broker.wait();
  }
  void expect_all_back() {
    const RestoreResult result = restore(options_);
    ASSERT_TRUE(result.conflicts.empty()) << result.conflicts[0].path;
    // Killed while the area was made, before any effect: the root's times may be those of that moment.
    if (!exists(path(".freshet/web/r1/1/table"))) set_times_like(root_, root_before_);
    ASSERT_TRUE(same(before_, snapshot(root_)));
    ASSERT_EQ(purge(options_, true).left, 0U);
    ASSERT_FALSE(exists(path(".freshet")));
  }

  TempDir dir_;
  std::string root_ = dir_.path() + "/root";
  Options options_;
  Plan plan_{root_};
  Snapshot before_;
  EntryStat root_before_;
  std::mt19937_64 random_{std::random_device{}()};
};

INSTANTIATE_TEST_SUITE_P(As, Crashes, testing::Bool(),
                         [](const auto& how) { return how.param ? "OrdinaryUser" : "ThisUser"; });

TEST_P(Crashes, ARemovalKilledAtAnyMomentIsRestoredAsItWas) {
  const auto then = census();
  for (int round = 0; round < kRounds; ++round) {
    {
      Broker broker(options_);
      kill_midway(broker, [&] {
        broker.send(begin_of(wire::BrokerPhase::remove, &plan_));
        broker.send(wire::Slots{plan_.slots, true});
        broker.send(wire::Units{plan_.units});
        broker.send(wire::Finish{});
      });
    }
    expect_nothing_lost(then);
    ASSERT_NO_FATAL_FAILURE(expect_all_back()) << "round " << round;
  }
}

TEST_P(Crashes, ARemovalKilledAfterAnyOutcomeIsRestoredAsItWas) {
  const auto then = census();
  for (std::size_t stop = 0; stop <= plan_.units.size(); stop += 5) {
    {
      Broker broker(options_);
      begin_removal(broker, plan_);
      for (std::size_t i = 0; i < stop; ++i)
        ASSERT_EQ(send_units(broker, {plan_.units[i]})[0].code, wire::OutcomeCode::removed) << i;
      broker.kill();
    }
    expect_nothing_lost(then);
    ASSERT_NO_FATAL_FAILURE(expect_all_back()) << "after unit " << stop;
  }
}

TEST_P(Crashes, ARestoreKilledAtAnyMomentIsFinishedByTheNext) {
  const auto then = census();
  for (int round = 0; round < kRounds; ++round) {
    ASSERT_EQ(remove_plan(options_, plan_).finished.units, plan_.units.size());
    for (int tries = 0; tries < 2; ++tries) {
      Broker broker(options_);
      kill_midway(broker, [&] {
        broker.send(begin_of(wire::BrokerPhase::restore));
        broker.send(wire::Restore{});
      });
      expect_nothing_lost(then);
    }
    ASSERT_NO_FATAL_FAILURE(expect_all_back()) << "round " << round;
  }
}

// What a killed purge leaves still knows where it came from, and the next purge ends it.
TEST_P(Crashes, APurgeKilledAtAnyMomentLeavesNoEntryWithoutALine) {
  for (int round = 0; round < 12; ++round) {
    const TempDir copy;
    const std::string root = copy.path() + "/root";
    ASSERT_EQ(::system(("cp -a " + root_ + " " + root).c_str()), 0);
    Options options = options_;
    options.roots = {root};
    Plan plan(root);
    for (const char* name : {"d0", "d1", "d2", "d3", "d4", "d5"}) plan.add_whole(name);
    ASSERT_EQ(remove_plan(options, plan).finished.units, 6U);
    {
      Broker broker(options);
      kill_midway(broker, [&] {
        broker.send(begin_of(wire::BrokerPhase::purge));
        broker.send(wire::Purge{});
      });
    }
    if (round % 2 == 0) {
      EXPECT_TRUE(restore(options).conflicts.empty());
      EXPECT_EQ(purge(options, true).left, 0U);
    } else {
      EXPECT_EQ(purge(options).left, 0U);
    }
    EXPECT_FALSE(exists(root + "/.freshet"));
    EXPECT_EQ(read_file(root + "/top"), "top");
  }
}

}  // namespace
}  // namespace freshet::broker::test
