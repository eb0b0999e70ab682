// Tasks that end badly: what becomes of those that wait for them in other channels, and of what they had done.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <thread>

#include "tests/unit/manager/manager_fixture.h"

namespace freshet {
namespace {

struct BadEnd {
  const char* name;
  const char* plugin;
  const char* setting;  // "" or the one that makes it fail
  EndReason end;
};
void PrintTo(const BadEnd& bad, std::ostream* out) { *out << bad.name; }

class FailingEnds : public ManagerFixture {
 protected:
  void SetUp() override {
    std::filesystem::create_directory(dir_ / "elsewhere");
    add_channel("elsewhere", dir_ / "elsewhere");
    config_.channels.at("cache").limits.wall_ns = 1'000'000'000;
  }
  void open_with(const std::string& role = FRESHET_ROLE) {
    ManagerOptions options;
    options.state_dir = dir_ / "state";
    options.plugin_dirs = {FRESHET_PLUGINS, FRESHET_HOSTILE_PLUGINS};
    options.role_executable = role;
    options.on_progress = on_progress_;
    auto made = make_manager(config_, options);
    ASSERT_TRUE(made) << made.error().what;
    manager_ = std::move(*made);
  }
  // The role whose broker does that when its first units are done.
  std::string broker_that(const std::string& what) {
    const std::string role = dir_ / ("keeps-" + what);
    std::filesystem::copy_file(FRESHET_KEEPING_ROLE, role);
    return role;
  }
};

class InAnotherChannel : public FailingEnds, public ::testing::WithParamInterface<BadEnd> {};

TEST_P(InAnotherChannel, OnlyWhatRequiresItIsSkipped) {
  const BadEnd& bad = GetParam();
  config::TaskConfig task;
  task.name = "bad";
  task.plugin = std::string("org.freshet.test.") + bad.plugin;
  task.channel = "cache";
  if (*bad.setting != '\0') {
    task.kind = "gather";
    task.settings[bad.setting] = {true, {}};
  }
  config_.tasks.emplace("bad", task);
  for (const char* name : {"needs-it", "needs-that", "comes-after", "stranger"}) add_task(name, "elsewhere");
  config_.tasks.at("needs-it").requires_ = {"bad"};
  config_.tasks.at("needs-that").requires_ = {"needs-it"};
  config_.tasks.at("comes-after").after = {"bad"};
  config_.tasks.at("stranger").after = {"comes-after"};
  make_old_file(dir_ / "root/one");
  make_old_file(dir_ / "elsewhere/old");
  open_with();
  EXPECT_EQ(manager_.cleanup->validate_dependencies(handle("needs-it")).crossing, std::vector<std::string>{"needs-it -> bad"});
  const auto planned = manager_.runs->plan({});
  ASSERT_TRUE(planned) << planned.error().what;
  const RunResult run = manager_.runs->apply(*planned);
  std::map<std::string, const CleanupResult*> results;
  for (const CleanupResult& result : run.tasks) results[result.task] = &result;
  ASSERT_EQ(results.size(), 5U);
  EXPECT_EQ(results.at("bad")->state, TaskState::failed) << results.at("bad")->note;
  EXPECT_EQ(results.at("bad")->end, bad.end) << results.at("bad")->note;
  EXPECT_EQ(results.at("bad")->note.ends_with("; on its standard error: last words"), bad.end == EndReason::signal) << results.at("bad")->note;
  EXPECT_EQ(results.at("bad")->note.find("(plugin+0x") != std::string::npos, bad.end == EndReason::signal) << results.at("bad")->note;
  EXPECT_EQ(results.at("needs-it")->state, TaskState::skipped);
  EXPECT_NE(results.at("needs-it")->note.find("bad"), std::string::npos) << results.at("needs-it")->note;
  EXPECT_EQ(results.at("needs-that")->state, TaskState::skipped);
  EXPECT_NE(results.at("needs-that")->note.find("needs-it"), std::string::npos) << results.at("needs-that")->note;
  EXPECT_EQ(results.at("comes-after")->state, TaskState::committed) << results.at("comes-after")->note;
  EXPECT_EQ(results.at("comes-after")->entries_removed, 1U);
  EXPECT_EQ(results.at("stranger")->state, TaskState::committed) << results.at("stranger")->note;
  EXPECT_TRUE(exists("one"));
  EXPECT_EQ(run.state, RunState::partly);
  // The manager goes on, and the other channel's effects can be taken back.
  EXPECT_TRUE(manager_.cleanup->rollback_cleanup(handle("comes-after")));
  EXPECT_TRUE(std::filesystem::exists(dir_ / "elsewhere/old"));
}

INSTANTIATE_TEST_SUITE_P(Ends, InAnotherChannel,
                         ::testing::Values(BadEnd{"fails", "ordered", "fail", EndReason::plugin},
                                           BadEnd{"hangs", "spin", "", EndReason::timeout},
                                           BadEnd{"crashes", "crash", "", EndReason::signal}),
                         [](const auto& tested) { return std::string(tested.param.name); });

struct Midway {
  const char* broker;  // what it does when its first units are done
  EndReason end;
};
void PrintTo(const Midway& midway, std::ostream* out) { *out << midway.broker; }

class EndsMidway : public FailingEnds, public ::testing::WithParamInterface<Midway> {
 protected:
  CleanupResult run_it(config::OnFailure on_failure) {
    add_task("old", "cache");
    config_.tasks.at("old").on_failure = on_failure;
    for (int i = 0; i < 5; ++i) make_old_file(dir_ / ("root/f" + std::to_string(i)));
    std::ofstream(dir_ / "root/young") << "young";
    open_with(broker_that(GetParam().broker));
    return execute(handle("old"));
  }
  [[nodiscard]] int left() const {
    int out = 0;
    for (int i = 0; i < 5; ++i) out += exists("f" + std::to_string(i)) ? 1 : 0;
    return out;
  }
};

TEST_P(EndsMidway, AllOfItGoesBack) {
  const CleanupResult result = run_it(config::OnFailure::rollback);
  EXPECT_EQ(result.state, TaskState::rolled_back) << result.note;
  EXPECT_EQ(result.end, GetParam().end) << result.note;
  EXPECT_EQ(result.entries_removed, 0U);
  EXPECT_NE(result.note.find("everything it moved was put back"), std::string::npos) << result.note;
  ASSERT_TRUE(result.error);
  EXPECT_TRUE(result.error->is(ExecutionCause::task_failed) || result.error->is(ExecutionCause::timed_out) || result.error->is(ExecutionCause::setup_failed))
      << result.error->what;
  EXPECT_EQ(left(), 5);
  for (const auto& entry : std::filesystem::directory_iterator(dir_ / "root")) EXPECT_NE(entry.path().filename().string().front(), '.') << entry.path();
}

TEST_P(EndsMidway, WhatItDidStaysAndIsNamedWhereTheConfigurationSaysSo) {
  const CleanupResult result = run_it(config::OnFailure::keep);
  EXPECT_EQ(result.state, TaskState::failed) << result.note;
  EXPECT_EQ(result.end, GetParam().end) << result.note;
  EXPECT_EQ(left(), 0) << "its units were done before it ended";
  EXPECT_TRUE(exists("young"));
  EXPECT_NE(result.note.find("half done: 5 units of 5"), std::string::npos) << result.note;
  EXPECT_EQ(result.entries_removed, 5U);
  EXPECT_GT(result.bytes_reclaimable_at_purge, 0U);
  const auto run = manager_.history->find_run(result.run_id);
  ASSERT_TRUE(run);
  EXPECT_EQ(run->tasks.at(0).state, TaskState::failed);
  EXPECT_TRUE(manager_.cleanup->rollback_cleanup(handle("old"))) << "half done can be taken back";
  EXPECT_EQ(left(), 5);
}

INSTANTIATE_TEST_SUITE_P(Brokers, EndsMidway, ::testing::Values(Midway{"exits", EndReason::setup}, Midway{"hangs", EndReason::timeout}),
                         [](const auto& tested) { return std::string(tested.param.broker); });

// Caches live: others make, change and remove files below the root all the time.
TEST_F(FailingEnds, ATreeThatChangesAllTheTimeFailsNothing) {
  config_.channels.at("cache").limits.wall_ns = 60'000'000'000;
  add_task("old", "cache");
  constexpr int kFiles = 2000;
  const auto file = [&](int i) { return dir_ / ("root/d" + std::to_string(i % 40) + "/f" + std::to_string(i)); };
  for (int i = 0; i < kFiles; ++i) make_old_file(file(i));
  std::atomic<bool> stop = false;
  std::atomic<int> changed = 0;
  std::thread others([&] {
    for (int round = 0; !stop; ++round) {
      const std::string path = file((round * 7) % kFiles);
      if (round % 3 == 0) {
        std::filesystem::remove(path);
      } else if (std::ofstream out(path, round % 3 == 1 ? std::ios::app : std::ios::trunc); out) {
        out << "again " << round;
      }
      std::ofstream(dir_ / ("root/d" + std::to_string(round % 40) + "/new")) << round;
      ++changed;
    }
  });
  open_with();
  const CleanupResult result = execute(handle("old"));
  const CompletionStatus status = manager_.cleanup->verify_cleanup_completion(handle("old"));
  stop = true;
  others.join();
  EXPECT_GT(changed, 0);
  EXPECT_EQ(result.state, TaskState::committed) << result.note;
  EXPECT_GT(result.entries_removed, 0U);
  EXPECT_TRUE(status.wrong.empty()) << status.wrong.front().path << " " << status.wrong.front().reason;
#ifndef FRESHET_SANITIZED  // a sanitizer keeps memory of its own, which the resource checks see
  EXPECT_FALSE(result.error) << result.error->what;
  EXPECT_TRUE(status.complete);
#endif
  EXPECT_GT(result.changed_by_others + result.entries_kept + result.entries_refused, 0U) << "nobody was in the way: the test shows nothing";
}

}  // namespace
}  // namespace freshet
