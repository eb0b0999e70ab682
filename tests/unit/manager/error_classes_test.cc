#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "runtime/store/history.h"
#include "tests/unit/manager/manager_fixture.h"

namespace freshet {
namespace {

// After an error of any class the manager goes on working, and the same task runs once its cause is gone.
class ErrorClasses : public ManagerFixture {
 protected:
  std::atomic<int> runs_ = 0;
};

TEST_F(ErrorClasses, Registration) {
  open();
  ICleanupManager& manager = *manager_.cleanup;
  const auto cause = [&](const std::string& name, CleanupTask task, const std::optional<std::string>& channel = std::nullopt) {
    const auto handle = manager.register_cleanup_task(name, std::move(task), channel);
    EXPECT_FALSE(handle);
    EXPECT_FALSE(handle.error().what.empty());
    EXPECT_FALSE(advice(handle.error().cause).empty());
    return handle.error().cause;
  };
  EXPECT_EQ(cause("", {counting(runs_), {}, {}}), RegistrationCause::bad_name);
  EXPECT_EQ(cause("a", {NativeTask{}, {}, {}}), RegistrationCause::no_run_function);
  EXPECT_EQ(cause("a", {counting(runs_), {}, {"a"}}), RegistrationCause::self_dependency);
  EXPECT_EQ(cause("a", {counting(runs_), {}, {}}, "nowhere"), RegistrationCause::unknown_channel);
  EXPECT_EQ(cause("a", {PluginTask{"org.freshet.expired-files", ""}, {}, {}}, "cache"), RegistrationCause::not_configured);
  const CleanupHandle handle = add("a", {counting(runs_), {}, {}});
  EXPECT_EQ(cause("a", {counting(runs_), {}, {}}), RegistrationCause::duplicate_name);
  EXPECT_EQ(execute(handle).state, TaskState::committed);
}

TEST_F(ErrorClasses, Execution) {
  open();
  bool broken = true;
  NativeTask task;
  task.run = [&](TaskContext&) -> Status { return broken ? fail(ErrorKind::system, "the socket is gone") : Status(); };
  const CleanupHandle handle = add("a", {task, {}, {}});
  const CleanupResult failed = execute(handle);
  ASSERT_TRUE(failed.error);
  EXPECT_TRUE(failed.error->is(ExecutionCause::task_failed));
  EXPECT_EQ(failed.error->class_name(), "execution");
  EXPECT_NE(failed.error->what.find("the socket is gone"), std::string::npos);
  EXPECT_TRUE(execute({}).error->is(ExecutionCause::unknown_handle));
  broken = false;
  const CleanupResult good = execute(handle);
  EXPECT_EQ(good.state, TaskState::committed);
  EXPECT_FALSE(good.error);
}

TEST_F(ErrorClasses, ExecutionThatCannotBeRecorded) {
  if (::geteuid() == 0) {
    // Root may write anywhere: a directory that cannot be made stands for the full disk.
    open();
    const CleanupHandle handle = add("a", {counting(runs_), {}, {}});
    std::filesystem::rename(dir_ / "state/plans", dir_ / "state/away");
    const CleanupResult failed = execute(handle);
    ASSERT_TRUE(failed.error);
    EXPECT_TRUE(failed.error->is(ExecutionCause::not_recorded)) << failed.error->what;
    EXPECT_EQ(runs_, 0) << "what cannot be recorded does not begin";
    std::filesystem::rename(dir_ / "state/away", dir_ / "state/plans");
    EXPECT_EQ(execute(handle).state, TaskState::committed);
    return;
  }
  open();
  const CleanupHandle handle = add("a", {counting(runs_), {}, {}});
  std::filesystem::permissions(dir_ / "state/plans", std::filesystem::perms::owner_read);
  EXPECT_TRUE(execute(handle).error->is(ExecutionCause::not_recorded));
  EXPECT_EQ(runs_, 0);
  std::filesystem::permissions(dir_ / "state/plans", std::filesystem::perms::owner_all);
  EXPECT_EQ(execute(handle).state, TaskState::committed);
}

TEST_F(ErrorClasses, Dependency) {
  open();
  const CleanupHandle first = add("a", {counting(runs_), {}, {"b"}});
  const CleanupResult missing = execute(first);
  ASSERT_TRUE(missing.error);
  EXPECT_TRUE(missing.error->is(DependencyCause::missing));
  EXPECT_EQ(missing.error->code, "F1090");
  const CleanupHandle second = add("b", {counting(runs_), {}, {"a"}});
  const CleanupResult cycle = execute(second);
  ASSERT_TRUE(cycle.error);
  EXPECT_TRUE(cycle.error->is(DependencyCause::cycle));
  EXPECT_NE(cycle.error->what.find("b -> a -> b"), std::string::npos) << cycle.error->what;
  EXPECT_EQ(manager_.cleanup->validate_dependencies(first).cycle.size(), 3U);

  bool broken = true;
  NativeTask base;
  base.run = [&](TaskContext&) -> Status { return broken ? fail(ErrorKind::system, "not yet") : Status(); };
  (void)add("base", {base, {}, {}});
  const CleanupHandle upper = add("upper", {counting(runs_), {}, {"base"}});
  const CleanupResult failed = execute(upper);
  ASSERT_TRUE(failed.error);
  EXPECT_TRUE(failed.error->is(DependencyCause::failed));
  EXPECT_EQ(failed.state, TaskState::skipped);
  EXPECT_EQ(manager_.cleanup->validate_dependencies(upper).failed, std::vector<std::string>{"base"});
  broken = false;
  EXPECT_EQ(execute(upper).state, TaskState::committed);
}

TEST_F(ErrorClasses, Completion) {
  add_task("old", "cache");
  make_old_file(dir_ / "root/one");
  open();
  const CleanupHandle handle = this->handle("old");
  const auto cause = [&] {
    const CompletionStatus status = manager_.cleanup->verify_cleanup_completion(handle);
    EXPECT_FALSE(status.complete);
    EXPECT_TRUE(status.error);
    return status.error ? status.error->cause : CompletionCause::unknown_handle;
  };
  EXPECT_EQ(cause(), CompletionCause::never_ran);
  const CleanupResult result = execute(handle);
  ASSERT_EQ(result.state, TaskState::committed) << result.note;
  EXPECT_TRUE(manager_.cleanup->verify_cleanup_completion(handle).complete);

  const std::string record = dir_ / ("state/runs/" + result.run_id);
  std::filesystem::rename(record, record + ".away");
  EXPECT_EQ(cause(), CompletionCause::record_damaged);
  std::filesystem::rename(record + ".away", record);
  std::filesystem::rename(dir_ / "root", dir_ / "elsewhere");
  EXPECT_EQ(cause(), CompletionCause::root_gone);
  std::filesystem::rename(dir_ / "elsewhere", dir_ / "root");
  EXPECT_TRUE(manager_.cleanup->verify_cleanup_completion(handle).complete);
  EXPECT_TRUE(manager_.cleanup->rollback_cleanup(handle));
  EXPECT_EQ(cause(), CompletionCause::nothing_left);
  EXPECT_EQ(execute(handle).state, TaskState::committed);
}

TEST_F(ErrorClasses, Security) {
  add_task("old", "cache");
  make_old_file(dir_ / "root/one");
  std::filesystem::rename(dir_ / "root", dir_ / "real");
  std::filesystem::create_directory_symlink(dir_ / "real", dir_ / "root");
  open();
  const CleanupHandle handle = this->handle("old");
  const CleanupResult refused = execute(handle);
  EXPECT_EQ(refused.state, TaskState::refused);
  ASSERT_TRUE(refused.error);
  EXPECT_TRUE(refused.error->is(SecurityCause::violation));
  EXPECT_EQ(refused.error->code, "F1013");
  EXPECT_TRUE(exists("one"));
  std::filesystem::remove(dir_ / "root");
  std::filesystem::rename(dir_ / "real", dir_ / "root");
  EXPECT_EQ(execute(handle).state, TaskState::committed);
  EXPECT_EQ(manager_.cleanup->validate_security_boundaries({}).error->cause, SecurityCause::unknown_handle);
}

TEST_F(ErrorClasses, Isolation) {
  open();
  EXPECT_EQ(manager_.cleanup->verify_cleanup_isolation("nowhere").error->cause, IsolationCause::unknown_channel);
  std::filesystem::rename(dir_ / "root", dir_ / "away");
  const CleanupIsolationResult failed = manager_.cleanup->verify_cleanup_isolation("cache");
  ASSERT_TRUE(failed.error);
  EXPECT_EQ(failed.error->cause, IsolationCause::probe_failed);
  EXPECT_FALSE(failed.isolated);
  std::filesystem::rename(dir_ / "away", dir_ / "root");
  EXPECT_FALSE(manager_.cleanup->verify_cleanup_isolation("cache").error);
}

TEST_F(ErrorClasses, EveryCauseSaysWhatTheCallerDoesNow) {
  const auto all = [](auto last) {
    using Cause = decltype(last);
    for (int i = 0; i <= static_cast<int>(last); ++i) EXPECT_FALSE(advice(static_cast<Cause>(i)).empty()) << i;
  };
  all(RegistrationCause::not_configured);
  all(ExecutionCause::not_recorded);
  all(DependencyCause::edge_not_allowed);
  all(CompletionCause::leaked);
  all(SecurityCause::blocked);
  all(IsolationCause::breach);
}

TEST_F(ErrorClasses, EveryTransitionOfARunIsInTheHistoryWithItsTime) {
  add_task("old", "cache");
  make_old_file(dir_ / "root/one");
  open();
  const CleanupResult result = execute(handle("old"));
  ASSERT_EQ(result.state, TaskState::committed) << result.note;
  ASSERT_TRUE(manager_.cleanup->rollback_cleanup(handle("old")));
  const auto history = store::History::open(dir_ / "state/history.db");
  ASSERT_TRUE(history);
  const auto rows = (*history)->transitions(result.run_id);
  ASSERT_TRUE(rows);
  std::vector<std::string> states;
  std::int64_t last = 0;
  for (const store::TransitionRow& row : *rows) {
    states.push_back(row.state);
    EXPECT_GE(row.at_ns, last);
    last = row.at_ns;
  }
  EXPECT_EQ(states, (std::vector<std::string>{"registered", "validated", "planned", "admitted", "executing", "executed", "verified",
                                              "committed", "rolling-back", "rolled-back"}));
}

}  // namespace
}  // namespace freshet
