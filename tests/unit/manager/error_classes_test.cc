#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <optional>

#include "runtime/store/history.h"
#include "runtime/store/root_locks.h"
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

TEST_F(ErrorClasses, DependencyThatIsSwitchedOff) {
  add_task("off", "cache");
  add_task("needs", "cache");
  config_.tasks.at("off").enabled = false;
  config_.tasks.at("needs").requires_ = {"off"};
  make_old_file(dir_ / "root/one");
  open();
  const CleanupResult result = execute(handle("needs"));
  ASSERT_TRUE(result.error);
  EXPECT_TRUE(result.error->is(DependencyCause::disabled)) << result.error->what;
  EXPECT_EQ(result.error->code, "F1092");
  EXPECT_TRUE(exists("one"));
  config_.tasks.at("off").enabled = true;
  open();
  EXPECT_EQ(execute(handle("needs")).state, TaskState::committed);
}

// What a manifest says holds between the tasks of its plugin in one channel, and can never reach into another.
TEST_F(ErrorClasses, DependencyThatAManifestMakes) {
  std::filesystem::create_directory(dir_ / "elsewhere");
  add_channel("elsewhere", dir_ / "elsewhere");
  const auto ordered = [&](const std::string& name, const std::string& kind, const std::string& channel) {
    config::TaskConfig task;
    task.name = name;
    task.plugin = "org.freshet.test.ordered";
    task.kind = kind;
    task.channel = channel;
    config_.tasks.emplace(name, task);
  };
  ordered("z-gather", "gather", "cache");
  ordered("a-sweep", "sweep", "cache");
  ordered("b-sweep", "sweep", "elsewhere");
  ordered("0-polish", "polish", "cache");
  config_.tasks.at("z-gather").settings["fail"] = {true, {}};
  open(FRESHET_HOSTILE_PLUGINS);
  const DependencyValidationResult inside = manager_.cleanup->validate_dependencies(handle("a-sweep"));
  EXPECT_EQ(inside.order, (std::vector<std::string>{"z-gather", "a-sweep"}));
  EXPECT_TRUE(inside.crossing.empty());
  EXPECT_EQ(manager_.cleanup->validate_dependencies(handle("b-sweep")).order, std::vector<std::string>{"b-sweep"});
  EXPECT_EQ(manager_.cleanup->validate_dependencies(handle("0-polish")).order,
            (std::vector<std::string>{"z-gather", "a-sweep", "0-polish"}));

  const auto plan = manager_.runs->plan({});
  ASSERT_TRUE(plan);
  std::map<std::string, CleanupResult> results;
  for (const CleanupResult& result : manager_.runs->apply(*plan).tasks) results[result.task] = result;
  EXPECT_EQ(results.at("z-gather").end, EndReason::plugin);
  EXPECT_EQ(results.at("a-sweep").state, TaskState::skipped);
  ASSERT_TRUE(results.at("a-sweep").error);
  EXPECT_TRUE(results.at("a-sweep").error->is(DependencyCause::failed));
  EXPECT_EQ(results.at("0-polish").state, TaskState::committed) << "it only comes after: " << results.at("0-polish").note;
  EXPECT_EQ(results.at("b-sweep").state, TaskState::committed) << results.at("b-sweep").note;
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

TEST_F(ErrorClasses, CompletionOfWhatIsNotAsTheBrokerSaid) {
  add_task("old", "cache");
  make_old_file(dir_ / "root/one");
  make_old_file(dir_ / "root/two");
  on_progress_ = [&](const Progress& step) {
    if (step.phase != "remove") return;
    std::error_code error;  // behind everybody's back, between the broker's word and the look at the world
    for (const auto& entry : std::filesystem::recursive_directory_iterator(dir_ / "root"))
      if (entry.path().filename() == "one") std::filesystem::remove(entry.path(), error);
  };
  open();
  const CleanupResult result = execute(handle("old"));
  ASSERT_TRUE(result.error);
  EXPECT_TRUE(result.error->is(CompletionCause::incomplete)) << result.error->what;
  EXPECT_NE(result.note.find("root/one"), std::string::npos) << result.note;
  EXPECT_TRUE(exists("two")) << "the rest was put back";
  on_progress_ = {};
  open();
  EXPECT_EQ(execute(handle("old")).state, TaskState::committed);
}

TEST_F(ErrorClasses, CompletionOfARunThatIsAtWork) {
  add_task("old", "cache");
  make_old_file(dir_ / "root/one");
  std::optional<CompletionStatus> seen;
  on_progress_ = [&](const Progress& step) {
    if (step.phase == "remove" && !seen) seen = manager_.cleanup->verify_cleanup_completion(handle("old"));
  };
  open();
  const CleanupHandle old = handle("old");
  ASSERT_EQ(execute(old).state, TaskState::committed);
  ASSERT_TRUE(manager_.cleanup->rollback_cleanup(old));
  seen.reset();
  const CleanupResult again = execute(old);
  ASSERT_EQ(again.state, TaskState::committed) << again.note;
  ASSERT_TRUE(seen);
  EXPECT_EQ(seen->error->cause, CompletionCause::nothing_left) << "a handle means the last run until this one has ended";
  on_progress_ = {};
  std::optional<CompletionStatus> alive;
  {
    // Somebody is at work on that run: a purge, a rollback, in this or another process.
    const auto lock = store::RootLock::take(dir_ / "state/locks", again.run_id, {dir_ / "root"}, false, {});
    ASSERT_TRUE(lock);
    alive = manager_.cleanup->verify_cleanup_completion(old);
  }
  ASSERT_TRUE(alive->error);
  EXPECT_EQ(alive->error->cause, CompletionCause::still_running);
  EXPECT_TRUE(manager_.cleanup->verify_cleanup_completion(old).complete) << "afterwards it can be looked at";
}

TEST_F(ErrorClasses, SetupOfARole) {
  add_task("old", "cache");
  make_old_file(dir_ / "root/one");
  const std::string role = dir_ / "role";
  std::filesystem::copy_file(FRESHET_ROLE, role);
  open(FRESHET_PLUGINS, role);
  const auto plan = manager_.runs->plan({handle("old")});
  ASSERT_TRUE(plan);
  // The same file with other contents: whoever holds it open finds them too.
  const auto become = [&](const std::string& other) { std::ofstream(role, std::ios::binary) << std::ifstream(other, std::ios::binary).rdbuf(); };
  become("/bin/false");  // ends before it says a word
  const RunResult run = manager_.runs->apply(*plan);
  ASSERT_EQ(run.tasks.size(), 1U);
  ASSERT_TRUE(run.tasks[0].error);
  EXPECT_TRUE(run.tasks[0].error->is(ExecutionCause::setup_failed)) << run.tasks[0].error->what;
  EXPECT_TRUE(exists("one"));
  become(FRESHET_ROLE);
  EXPECT_EQ(execute(handle("old")).state, TaskState::committed);
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
  all(DependencyCause::failed);
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
