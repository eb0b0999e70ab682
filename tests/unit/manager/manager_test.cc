#include <fcntl.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <functional>
#include <thread>

#include "runtime/store/history.h"
#include "tests/unit/manager/manager_fixture.h"

namespace freshet {
namespace {

using ManagerTest = ManagerFixture;

TEST_F(ManagerTest, AChannelsTaskRunsIsVerifiedAndComesBack) {
  add_task("old", "cache");
  make_old_file(dir_ / "root/a/one");
  make_old_file(dir_ / "root/two");
  open();
  const CleanupHandle task = handle("old");
  EXPECT_TRUE(manager_.cleanup->validate_security_boundaries(task).passed);
  EXPECT_EQ(manager_.cleanup->track_cleanup_performance(task).state, TaskState::registered);

  const CleanupResult result = manager_.cleanup->execute_cleanup(task);
  ASSERT_FALSE(result.error) << result.error->what;
  EXPECT_EQ(result.state, TaskState::committed) << result.note;
  EXPECT_EQ(result.entries_removed, 2U);
  EXPECT_FALSE(result.trusted_in_process);
  EXPECT_GT(result.bytes_reclaimable_at_purge, 0U);
  EXPECT_FALSE(exists("a/one"));
  EXPECT_TRUE(exists("a")) << "it is young, and stays";

  const CompletionStatus status = manager_.cleanup->verify_cleanup_completion(task);
  EXPECT_TRUE(status.complete);
  EXPECT_EQ(status.units_in_place, 2U);
  const CleanupMetrics metrics = manager_.cleanup->track_cleanup_performance(task);
  EXPECT_EQ(metrics.entries, 2U);
  EXPECT_GT(metrics.scan_ns, 0);
  EXPECT_GT(metrics.peak_rss_bytes, 0U);

  EXPECT_TRUE(manager_.cleanup->rollback_cleanup(task));
  EXPECT_TRUE(exists("a/one"));
  EXPECT_FALSE(exists(".freshet")) << "an empty area goes";
  EXPECT_TRUE(manager_.cleanup->rollback_cleanup(task)) << "safe twice";
  struct stat info {};
  ASSERT_EQ(::stat((dir_ / "root/a/one").c_str(), &info), 0);
  EXPECT_EQ(info.st_mtim.tv_sec, 1'600'000'000);
  EXPECT_EQ(info.st_mtim.tv_nsec, 7);
}

// What a directory right below the root holds is shown with it, and so is itself.
TEST_F(ManagerTest, TheLargestDirectoriesOfAPlanAreAllOfIt) {
  add_task("old", "cache");
  make_old_file(dir_ / "root/a/b/one");
  make_old_file(dir_ / "root/a/two");
  make_old_file(dir_ / "root/a/b/three");
  std::filesystem::create_hard_link(dir_ / "root/a/b/three", dir_ / "root/a/link");
  const timespec times[2] = {{1'600'000'000, 5}, {1'600'000'000, 7}};
  for (const char* name : {"root/a/b", "root/a"}) ASSERT_EQ(::utimensat(AT_FDCWD, (dir_ / name).c_str(), times, 0), 0);
  open();
  const auto plan = manager_.runs->plan({handle("old")});
  ASSERT_TRUE(plan.has_value());
  const auto summary = manager_.runs->summary(*plan);
  ASSERT_TRUE(summary.has_value());
  const PlannedRoot& root = summary->tasks.at(0).roots.at(0);
  EXPECT_EQ(root.entries, 6U);
  std::uint64_t entries = 0;
  std::uint64_t bytes = 0;
  for (const PlannedDirectory& directory : root.largest) {
    entries += directory.entries;
    bytes += directory.bytes;
  }
  EXPECT_EQ(entries, root.entries);
  EXPECT_EQ(bytes, root.bytes);
}

TEST_F(ManagerTest, PeopleSeeHowFarARollbackAndAPurgeHaveCome) {
  add_task("old", "cache");
  // A young directory stays, so that every file goes by itself.
  for (int i = 0; i < 600; ++i) make_old_file(dir_ / ("root/a/" + std::to_string(i)));
  std::vector<Progress> steps;
  on_progress_ = [&](const Progress& step) {
    if (step.phase == "restore" || step.phase == "purge") steps.push_back(step);
  };
  open();
  const auto seen_in_the_middle = [&](const std::string& phase, std::uint64_t all) {
    EXPECT_EQ(steps.front().done, 0U);
    EXPECT_TRUE(std::ranges::any_of(steps, [&](const Progress& step) { return step.done > 0 && step.done < all; })) << steps.size();
    EXPECT_EQ(steps.back().done, all);
    for (const Progress& step : steps) EXPECT_EQ(step.phase + " " + step.task, phase + " old");
  };
  ASSERT_EQ(execute(handle("old")).entries_removed, 600U);
  ASSERT_TRUE(manager_.cleanup->rollback_cleanup(handle("old")));
  seen_in_the_middle("restore", 600);
  steps.clear();
  ASSERT_EQ(std::filesystem::exists(dir_ / "root/a/0"), true);
  ASSERT_EQ(::utimensat(AT_FDCWD, (dir_ / "root/a").c_str(), nullptr, 0), 0);
  const CleanupResult again = execute(handle("old"));
  ASSERT_EQ(again.entries_removed, 600U);
  ASSERT_FALSE(manager_.quarantine->purge(again.run_id).error);
  seen_in_the_middle("purge", 600);
  EXPECT_GT(steps.back().bytes, 0U);
}

TEST_F(ManagerTest, CompletionSeesWhatWasTakenOutOfTheQuarantine) {
  add_task("old", "cache");
  make_old_file(dir_ / "root/two");
  open();
  const CleanupResult result = manager_.cleanup->execute_cleanup(handle("old"));
  ASSERT_EQ(result.state, TaskState::committed) << result.note;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(dir_ / "root"))
    if (entry.path().filename() == "two") std::filesystem::remove(entry.path());
  const CompletionStatus status = manager_.cleanup->verify_cleanup_completion(handle("old"));
  EXPECT_FALSE(status.complete);
  ASSERT_EQ(status.wrong.size(), 1U);
  EXPECT_NE(status.wrong[0].path.find("root/two"), std::string::npos);
}

// A run whose broker was killed right after it had made the area in the root, and its manager with it.
class InterruptedRunTest : public ManagerFixture {
 protected:
  void interrupt() {
    add_task("old", "cache");
    make_old_file(dir_ / "root/a/one");
    const timespec times[2] = {{1'600'000'000, 5}, {1'600'000'000, 7}};
    ASSERT_EQ(::utimensat(AT_FDCWD, (dir_ / "root").c_str(), times, 0), 0);
    open();
    run_ = manager_.cleanup->execute_cleanup(handle("old")).run_id;
    ASSERT_TRUE(manager_.quarantine->rollback(run_).complete);
    manager_ = {};
    auto history = store::History::open(dir_ / "state/history.db");
    ASSERT_TRUE(history);
    const auto row = (*history)->find_run(run_);
    ASSERT_TRUE(row && *row);
    store::TaskRow task = (*row)->tasks.at(0);
    task.state = "executing";
    task.entries_removed = 0;
    ASSERT_TRUE((*history)->set_task(task, {}, store::Sync::now));
    ASSERT_TRUE((*history)->set_run_state(run_, "executing", 0, {}, store::Sync::now));
    ASSERT_EQ(::mkdir((dir_ / "root/.freshet").c_str(), 0700), 0);
    ASSERT_FALSE(root_is_as_before());
  }
  bool root_is_as_before() {
    struct stat info {};
    EXPECT_EQ(::stat((dir_ / "root").c_str(), &info), 0);
    return info.st_mtim.tv_sec == 1'600'000'000 && info.st_mtim.tv_nsec == 7;
  }

  std::string run_;
};

TEST_F(InterruptedRunTest, ItsRollbackGivesTheRootItsTimesBack) {
  interrupt();
  open();
  EXPECT_TRUE(manager_.quarantine->rollback(run_).complete);
  EXPECT_FALSE(exists(".freshet"));
  EXPECT_TRUE(root_is_as_before());
}

TEST_F(InterruptedRunTest, TheNextRunAndItsRollbackGiveTheRootItsTimesBack) {
  interrupt();
  open();
  const CleanupResult next = manager_.cleanup->execute_cleanup(handle("old"));
  EXPECT_EQ(next.state, TaskState::committed) << next.note;
  EXPECT_TRUE(root_is_as_before());
  EXPECT_TRUE(manager_.quarantine->rollback(next.run_id).complete);
  EXPECT_FALSE(exists(".freshet"));
  EXPECT_TRUE(root_is_as_before());
}

TEST_F(InterruptedRunTest, WhatAnotherChangedInTheRootSinceKeepsItsTime) {
  interrupt();
  std::this_thread::sleep_for(std::chrono::milliseconds(1100));  // more than a mkdir takes
  std::ofstream(dir_ / "root/another's") << "";
  open();
  EXPECT_TRUE(manager_.quarantine->rollback(run_).complete);
  EXPECT_FALSE(exists(".freshet"));
  EXPECT_FALSE(root_is_as_before());
}

TEST_F(ManagerTest, RollbackNeverOverwritesAndNamesTheConflict) {
  add_task("old", "cache");
  make_old_file(dir_ / "root/one");
  make_old_file(dir_ / "root/two");
  open();
  const CleanupResult result = manager_.cleanup->execute_cleanup(handle("old"));
  ASSERT_EQ(result.state, TaskState::committed) << result.note;
  std::ofstream(dir_ / "root/two") << "somebody else's";
  const RollbackReport report = manager_.quarantine->rollback(result.run_id);
  EXPECT_FALSE(report.complete);
  ASSERT_EQ(report.conflicts.size(), 1U);
  EXPECT_NE(report.conflicts[0].path.find("two"), std::string::npos);
  EXPECT_TRUE(exists("one"));
  std::string text;
  std::getline(std::ifstream(dir_ / "root/two"), text);
  EXPECT_EQ(text, "somebody else's");
  std::filesystem::remove(dir_ / "root/two");
  EXPECT_TRUE(manager_.quarantine->rollback(result.run_id).complete);
  std::getline(std::ifstream(dir_ / "root/two"), text);
  EXPECT_EQ(text, "content of " + (dir_ / "root/two"));
}

#ifndef FRESHET_SANITIZED  // a sanitizer's role has another filter

TEST_F(ManagerTest, IsolationIsShownByChecksThatAllPass) {
  if (config_.isolation != config::Isolation::strict) GTEST_SKIP() << "this host grants no strict isolation";
  add_task("old", "cache");
  open();
  const CleanupIsolationResult result = manager_.cleanup->verify_cleanup_isolation("cache");
  ASSERT_FALSE(result.error) << result.error->what;
  for (const IsolationCheck& check : result.checks) EXPECT_TRUE(check.passed) << check.name << ": " << check.seen;
  EXPECT_TRUE(result.isolated);
  EXPECT_GE(result.checks.size(), 10U);
  EXPECT_TRUE(manager_.cleanup->verify_cleanup_isolation("no-such").error.has_value());
}

#endif

TEST_F(ManagerTest, NativeTasksRunOnceInTheirOrderAndAreNeverCalledIsolated) {
  open();
  std::atomic<int> first = 0;
  std::atomic<int> second = 0;
  CleanupTask later{counting(second), {}, {"first"}};
  const auto second_handle = manager_.cleanup->register_cleanup_task("second", later);
  ASSERT_TRUE(second_handle);
  EXPECT_FALSE(manager_.cleanup->validate_dependencies(*second_handle).valid) << "its dependency comes later";
  ASSERT_TRUE(manager_.cleanup->register_cleanup_task("first", {counting(first), {}, {}}));
  const DependencyValidationResult order = manager_.cleanup->validate_dependencies(*second_handle);
  EXPECT_TRUE(order.valid);
  EXPECT_EQ(order.order, (std::vector<std::string>{"first", "second"}));
  const CleanupResult result = manager_.cleanup->execute_cleanup(*second_handle);
  EXPECT_EQ(result.state, TaskState::committed) << result.note;
  EXPECT_TRUE(result.trusted_in_process);
  ASSERT_EQ(result.others.size(), 1U);
  EXPECT_EQ(result.others[0].task, "first");
  EXPECT_EQ(first, 1);
  EXPECT_EQ(second, 1);
  EXPECT_EQ(result.entries_removed, 3U);
}

TEST_F(ManagerTest, AFailedRequirementSkipsItsDependentAndCompensatesTheFailure) {
  open();
  std::atomic<int> compensated = 0;
  std::atomic<int> ran = 0;
  NativeTask failing;
  failing.run = [](TaskContext&) -> Status { return fail(ErrorKind::system, "the pool does not close"); };
  failing.compensate = [&](TaskContext&) -> Status {
    ++compensated;
    return {};
  };
  NativeTask throwing;
  throwing.run = [](TaskContext&) -> Status { throw std::runtime_error("thrown"); };
  ASSERT_TRUE(manager_.cleanup->register_cleanup_task("failing", {failing, {}, {}}));
  ASSERT_TRUE(manager_.cleanup->register_cleanup_task("throwing", {throwing, {}, {}}));
  const auto handle = manager_.cleanup->register_cleanup_task("last", {counting(ran), {"throwing"}, {"failing"}});
  const CleanupResult result = manager_.cleanup->execute_cleanup(*handle);
  EXPECT_EQ(result.state, TaskState::skipped);
  EXPECT_NE(result.note.find("the pool does not close"), std::string::npos);
  EXPECT_EQ(ran, 0);
  EXPECT_EQ(compensated, 1);
}

TEST_F(ManagerTest, ANativeTaskIsTakenBackByItsCompensateInAChannelToo) {
  open();
  std::atomic<int> ran = 0;
  std::atomic<int> compensated = 0;
  NativeTask task = counting(ran);
  task.compensate = [&](TaskContext&) -> Status {
    ++compensated;
    return {};
  };
  const auto with_channel = manager_.cleanup->register_cleanup_task("in-channel", {task, {}, {}}, "cache");
  const auto without = manager_.cleanup->register_cleanup_task("alone", {task, {}, {}});
  const auto one_way = manager_.cleanup->register_cleanup_task("one-way", {counting(ran), {}, {}}, "cache");
  for (const auto& handle : {with_channel, without, one_way}) {
    ASSERT_TRUE(handle);
    EXPECT_EQ(manager_.cleanup->execute_cleanup(*handle).state, TaskState::committed);
  }
  EXPECT_TRUE(manager_.cleanup->rollback_cleanup(*with_channel));
  EXPECT_TRUE(manager_.cleanup->rollback_cleanup(*without));
  EXPECT_EQ(compensated, 2);
  EXPECT_FALSE(manager_.cleanup->rollback_cleanup(*one_way)) << "nothing can take it back";
}

TEST_F(ManagerTest, WhatCannotBeRecordedIsNotDone) {
  add_task("old", "cache");
  make_old_file(dir_ / "root/two");
  config_.tasks.at("old").after = {"breaks-history"};
  open();
  NativeTask task;
  task.run = [&](TaskContext&) -> Status {
    sqlite3* database = nullptr;
    if (::sqlite3_open((dir_ / "state/history.db").c_str(), &database) != SQLITE_OK ||
        ::sqlite3_exec(database, "ALTER TABLE tasks RENAME TO gone", nullptr, nullptr, nullptr) != SQLITE_OK)
      ADD_FAILURE() << ::sqlite3_errmsg(database);
    ::sqlite3_close(database);
    return {};
  };
  ASSERT_TRUE(manager_.cleanup->register_cleanup_task("breaks-history", {task, {}, {}}));
  const CleanupResult result = manager_.cleanup->execute_cleanup(handle("old"));
  EXPECT_EQ(result.state, TaskState::failed);
  EXPECT_NE(result.note.find("cannot be recorded"), std::string::npos) << result.note;
  EXPECT_TRUE(exists("two")) << "no rollback would know of it";
  EXPECT_FALSE(exists(".freshet"));
}

TEST_F(ManagerTest, BadRegistrationsSayWhatIsWrong) {
  open();
  std::atomic<int> count = 0;
  ICleanupManager& manager = *manager_.cleanup;
  EXPECT_FALSE(manager.register_cleanup_task("", {counting(count), {}, {}}));
  EXPECT_FALSE(manager.register_cleanup_task("a b", {counting(count), {}, {}}));
  EXPECT_FALSE(manager.register_cleanup_task(std::string(65, 'x'), {counting(count), {}, {}}));
  EXPECT_FALSE(manager.register_cleanup_task("self", {counting(count), {"self"}, {}}));
  EXPECT_FALSE(manager.register_cleanup_task("empty", {NativeTask{}, {}, {}}));
  EXPECT_EQ(manager.register_cleanup_task("lost", {counting(count), {}, {}}, "no-channel").error().kind, ErrorKind::missing);
  EXPECT_TRUE(manager.register_cleanup_task("good", {counting(count), {}, {}}));
  EXPECT_FALSE(manager.register_cleanup_task("good", {counting(count), {}, {}}));
}

TEST_F(ManagerTest, ForeignAndMadeUpHandlesAreErrorsEverywhere) {
  open();
  for (const CleanupHandle bad : {CleanupHandle{}, CleanupHandle{1, 2, 3}, CleanupHandle{~0ULL, ~0ULL, ~0ULL}}) {
    EXPECT_TRUE(manager_.cleanup->execute_cleanup(bad).error.has_value());
    EXPECT_TRUE(manager_.cleanup->validate_security_boundaries(bad).error.has_value());
    EXPECT_TRUE(manager_.cleanup->track_cleanup_performance(bad).error.has_value());
    EXPECT_TRUE(manager_.cleanup->validate_dependencies(bad).error.has_value());
    EXPECT_TRUE(manager_.cleanup->verify_cleanup_completion(bad).error.has_value());
    EXPECT_FALSE(manager_.cleanup->rollback_cleanup(bad));
  }
}

TEST_F(ManagerTest, EveryViolationIsNamedAtOnce) {
  add_channel("etc", "/etc");
  config_.channels.at("etc").roots[0].access.remove = false;
  add_task("bad", "etc", "not an age");
  open();
  const SecurityValidationResult result = manager_.cleanup->validate_security_boundaries(handle("bad"));
  std::vector<std::string> codes;
  for (const BoundaryViolation& violation : result.violations) codes.push_back(violation.code);
  for (const char* code : {"F1011", "F1001", "F2012"}) EXPECT_NE(std::ranges::find(codes, code), codes.end()) << code;
  const CleanupResult run = manager_.cleanup->execute_cleanup(handle("bad"));
  EXPECT_EQ(run.state, TaskState::refused);
}

// Worst case for the order: the task whose plugin could run at once comes first, the broken ones last.
TEST_F(ManagerTest, EveryTaskIsValidatedBeforeAnyPluginRunsAndAdmittedBeforeAnyEffect) {
  std::filesystem::create_directory(dir_ / "large");
  add_channel("large", dir_ / "large");
  add_channel("zz", dir_ / "missing");
  add_task("a", "cache");
  add_task("b", "large");
  add_task("z", "zz");
  make_old_file(dir_ / "root/one");
  for (int i = 0; i < 30; ++i) make_old_file(dir_ / ("large/" + std::to_string(i)));
  config_.channels.at("large").budget.entries = 29;
  std::atomic<int> scans = 0;
  std::atomic<int> removals = 0;
  std::atomic<bool> too_early = false;
  on_progress_ = [&](const Progress& step) {
    const auto seen = [&](const char* name) { return manager_.cleanup->track_cleanup_performance(handle(name)); };
    if (step.phase == "scan") {  // told first before the worker is started
      ++scans;
      if (seen("z").state == TaskState::registered || !exists("one")) too_early = true;
    } else if (step.phase == "remove") {
      ++removals;
      if (seen("b").state != TaskState::refused || seen("z").state != TaskState::refused) too_early = true;
    }
  };
  open();
  const auto plan = manager_.runs->plan({});
  ASSERT_TRUE(plan) << plan.error().what;
  EXPECT_GE(scans, 2);
  EXPECT_FALSE(too_early);
  EXPECT_TRUE(exists("one"));
  const RunResult run = manager_.runs->apply(*plan, false);
  ASSERT_EQ(run.tasks.size(), 3U);
  EXPECT_EQ(run.state, RunState::partly);
  EXPECT_EQ(run.tasks[0].state, TaskState::committed);
  EXPECT_EQ(run.tasks[1].state, TaskState::refused) << run.tasks[1].note;
  EXPECT_EQ(run.tasks[2].state, TaskState::refused);
  EXPECT_GT(removals, 0);
  EXPECT_FALSE(too_early);
  EXPECT_TRUE(std::filesystem::exists(dir_ / "large/0"));
}

TEST_F(ManagerTest, ARunIsOpenedFromHistoryByAnotherManager) {
  add_task("old", "cache");
  make_old_file(dir_ / "root/two");
  open();
  const std::string run = manager_.cleanup->execute_cleanup(handle("old")).run_id;
  manager_ = {};
  config_.tasks.clear();
  config_.channels.clear();
  open();
  const auto handles = manager_.runs->open(run);
  ASSERT_TRUE(handles);
  ASSERT_EQ(handles->size(), 1U);
  EXPECT_TRUE(manager_.cleanup->verify_cleanup_completion(handles->front()).complete);
  EXPECT_TRUE(manager_.cleanup->rollback_cleanup(handles->front()));
  EXPECT_TRUE(exists("two"));
}

TEST_F(ManagerTest, ManyThreadsRunManyTasksEachOnce) {
  open();
  constexpr int kTasks = 40;
  std::vector<std::atomic<int>> counts(kTasks);
  std::vector<CleanupHandle> handles;
  for (int i = 0; i < kTasks; ++i)
    handles.push_back(*manager_.cleanup->register_cleanup_task("t" + std::to_string(i), {counting(counts[static_cast<std::size_t>(i)]), {}, {}}));
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 8; ++t)
      threads.emplace_back([&, t] {
        for (int i = t; i < kTasks; i += 8) {
          EXPECT_EQ(manager_.cleanup->execute_cleanup(handles[static_cast<std::size_t>(i)]).state, TaskState::committed);
          (void)manager_.cleanup->get_cleanup_metrics();
          (void)manager_.cleanup->track_cleanup_performance(handles[0]);
        }
      });
  }
  for (const auto& count : counts) EXPECT_EQ(count, 1);
}

}  // namespace
}  // namespace freshet
