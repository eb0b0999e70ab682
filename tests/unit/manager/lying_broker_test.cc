// A broker is believed as little as a worker: whatever it answers, the manager ends it, the task has failed, and what was
// not moved is not said to be.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/unit/manager/manager_fixture.h"

namespace freshet {
namespace {

#ifndef FRESHET_SANITIZED  // its roles have other filters

struct Lie {
  const char* how;
  std::vector<EndReason> ends;
};
void PrintTo(const Lie& lie, std::ostream* out) { *out << lie.how; }

class LyingBroker : public ManagerFixture, public ::testing::WithParamInterface<Lie> {};

TEST_P(LyingBroker, FailsItsTaskAndHasNoEffect) {
  const std::string role = dir_ / (std::string("lies-") + GetParam().how);
  std::filesystem::copy_file(FRESHET_LYING_ROLE, role);
  config_.channels.at("cache").limits.wall_ns = 2'000'000'000;
  add_task("old", "cache");
  for (const char* name : {"one", "two", "three"}) make_old_file(dir_ / ("root/" + std::string(name)));
  open(FRESHET_PLUGINS, role);
  const CleanupResult result = execute(handle("old"));
  EXPECT_NE(result.state, TaskState::committed) << result.note;
  EXPECT_NE(result.state, TaskState::verified) << result.note;
  EXPECT_TRUE(std::ranges::find(GetParam().ends, result.end) != GetParam().ends.end())
      << static_cast<int>(result.end) << ": " << result.note;
  EXPECT_TRUE(result.error.has_value());
  EXPECT_EQ(result.note.find('\x1b'), std::string::npos) << "its words are escaped";
  EXPECT_EQ(result.note.find('\n'), std::string::npos);
  EXPECT_FALSE(manager_.cleanup->verify_cleanup_completion(handle("old")).complete);
  for (const char* name : {"one", "two", "three"}) EXPECT_TRUE(exists(name)) << name;
}

using enum EndReason;
const std::vector<EndReason> kProtocol{protocol, breach};

INSTANTIATE_TEST_SUITE_P(
    Hostile, LyingBroker,
    ::testing::Values(Lie{"slots-more", kProtocol}, Lie{"slots-answered-by-outcomes", kProtocol}, Lie{"descriptor", kProtocol},
                      Lie{"hello", kProtocol}, Lie{"failed-with-escapes", {setup}}, Lie{"repeats", kProtocol},
                      Lie{"one-more", kProtocol}, Lie{"skips", kProtocol}, Lie{"backwards", kProtocol},
                      Lie{"more-entries", kProtocol}, Lie{"code-beyond", kProtocol}, Lie{"cut", kProtocol},
                      Lie{"bytes-behind", kProtocol}, Lie{"noise", kProtocol}, Lie{"empty", {protocol, setup, breach}},
                      Lie{"too-large", {protocol, setup, breach}}, Lie{"count-beyond-packet", kProtocol}, Lie{"events", kProtocol},
                      Lie{"finished-early", kProtocol}, Lie{"slots-again", kProtocol}, Lie{"silent", {timeout}},
                      Lie{"flood", {timeout, limit}}, Lie{"counts", kProtocol},
                      // All it says is in order, and nothing of it is true: only a look at the tree finds that.
                      Lie{"nothing-moved", {none}}),
    [](const auto& tested) {
      std::string name = tested.param.how;
      std::ranges::replace(name, '-', '_');
      return name;
    });

class SilentBroker : public ManagerFixture {
 protected:
  // The id of a run that moved one file.
  std::string run_with(const std::string& how) {
    role_ = dir_ / ("lies-" + how);
    std::filesystem::copy_file(FRESHET_LYING_ROLE, role_);
    add_task("old", "cache");
    make_old_file(dir_ / "root/one");
    open();
    const CleanupResult result = execute(handle("old"));
    EXPECT_EQ(result.state, TaskState::committed) << result.note;
    broker_patience_ns_ = 2'000'000'000;
    open(FRESHET_PLUGINS, role_);
    return result.run_id;
  }
  void open_honest() {
    broker_patience_ns_ = ManagerOptions().broker_patience_ns;
    open();
  }
  RunSummary row(const std::string& run) {
    auto found = manager_.history->find_run(run);
    EXPECT_TRUE(found && found->tasks.size() == 1);
    return found.value_or(RunSummary());
  }

  std::string role_;
};

TEST_F(SilentBroker, EndsARollbackThatCanBeRepeated) {
  const std::string run = run_with("silent-restore");
  const RollbackReport report = manager_.quarantine->rollback(run);
  EXPECT_FALSE(report.complete);
  ASSERT_EQ(report.conflicts.size(), 1U);
  EXPECT_NE(report.conflicts[0].reason.find("said nothing for 2s"), std::string::npos) << report.conflicts[0].reason;
  EXPECT_EQ(row(run).state, RunState::failed);
  EXPECT_EQ(row(run).tasks[0].state, TaskState::failed);
  EXPECT_NE(row(run).tasks[0].note.find("said nothing for 2s"), std::string::npos) << row(run).tasks[0].note;
  open_honest();
  EXPECT_TRUE(manager_.quarantine->rollback(run).complete);
  EXPECT_TRUE(exists("one"));
}

TEST_F(SilentBroker, EndsTheTidyingOfARollbackThatCanBeRepeated) {
  const std::string run = run_with("silent-purge");
  EXPECT_FALSE(manager_.quarantine->rollback(run).complete);
  EXPECT_TRUE(exists("one"));
  EXPECT_EQ(row(run).state, RunState::failed);
  EXPECT_EQ(row(run).tasks[0].state, TaskState::failed);
  open_honest();
  EXPECT_TRUE(manager_.quarantine->rollback(run).complete);
}

TEST_F(SilentBroker, EndsAPurgeThatCanBeRepeated) {
  const std::string run = run_with("silent-purge");
  const PurgeReport report = manager_.quarantine->purge(run);
  ASSERT_TRUE(report.error);
  EXPECT_NE(report.error->what.find("said nothing for 2s"), std::string::npos) << report.error->what;
  EXPECT_EQ(row(run).state, RunState::purging);
  EXPECT_NE(row(run).tasks[0].note.find("said nothing for 2s"), std::string::npos) << row(run).tasks[0].note;
  open_honest();
  EXPECT_FALSE(manager_.quarantine->purge(run).error);
  EXPECT_EQ(row(run).state, RunState::purged);
}

#endif

}  // namespace
}  // namespace freshet
