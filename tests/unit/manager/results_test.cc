// One test a field of the answers of ICleanupManager: through the real manager, with a value that is not its default.
// CleanupMetrics has a file of its own (performance_test.cc).
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/fs.h>
#include <linux/seccomp.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <fstream>
#include <thread>

#include "runtime/base/fd.h"
#include "tests/unit/manager/holder.h"
#include "tests/unit/manager/manager_fixture.h"

namespace freshet {
namespace {

class ResultFields : public ManagerFixture {
 protected:
  // A plugin task `old` on two old files.
  void open_with_files() {
    add_task("old", "cache");
    make_old_file(dir_ / "root/a/one");
    make_old_file(dir_ / "root/two");
    open();
  }
  CleanupResult execute_files() {
    open_with_files();
    const CleanupResult result = execute(handle("old"));
    EXPECT_EQ(result.state, TaskState::committed) << result.note;
    return result;
  }
  // Plans, lets `between` happen, and applies.
  template <class F>
  CleanupResult apply_after(F&& between) {
    open_with_files();
    const auto plan = manager_.runs->plan({handle("old")});
    EXPECT_TRUE(plan);
    between();
    RunResult run = manager_.runs->apply(*plan);
    EXPECT_EQ(run.tasks.size(), 1U);
    return run.tasks.empty() ? CleanupResult() : std::move(run.tasks.front());
  }
  void make_young(const std::string& name) { std::ofstream(dir_ / ("root/" + name)) << "written again"; }
  static NativeTask failing() {
    NativeTask task;
    task.run = [](TaskContext&) -> Status { return fail(ErrorKind::system, "the pool does not close"); };
    return task;
  }
  // A file that not even root can move.
  static bool set_immutable(const std::string& path, bool on) {
    const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    int flags = 0;
    if (!file || ::ioctl(file.get(), FS_IOC_GETFLAGS, &flags) != 0) return false;
    flags = on ? flags | FS_IMMUTABLE_FL : flags & ~FS_IMMUTABLE_FL;
    return ::ioctl(file.get(), FS_IOC_SETFLAGS, &flags) == 0;
  }
  std::atomic<int> runs_ = 0;
};

using CleanupResultFields = ResultFields;

TEST_F(CleanupResultFields, ErrorIsSetWhenTheTaskDidNotSucceed) {
  open();
  const CleanupResult result = execute(add("bad", {failing(), {}, {}}));
  ASSERT_TRUE(result.error);
  EXPECT_TRUE(result.error->is(ExecutionCause::task_failed));
}

TEST_F(CleanupResultFields, RunIdTaskAndStateNameTheRun) {
  const CleanupResult result = execute_files();
  EXPECT_TRUE(manager_.history->find_run(result.run_id));
  EXPECT_EQ(result.task, "old");
  EXPECT_EQ(result.state, TaskState::committed);
}

TEST_F(CleanupResultFields, TrustedInProcessIsSaidOfANativeTask) {
  open();
  EXPECT_TRUE(execute(add("native", {counting(runs_), {}, {}})).trusted_in_process);
}

TEST_F(CleanupResultFields, SharedIsSaidToTheSecondCaller) {
  open();
  std::atomic<bool> inside = false;
  std::atomic<bool> go = false;
  NativeTask task;
  task.run = [&](TaskContext&) -> Status {
    inside = true;
    while (!go) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return {};
  };
  const CleanupHandle handle = add("held", {task, {}, {}});
  const std::jthread first([&] { (void)execute(handle); });
  while (!inside) std::this_thread::yield();
  const std::jthread release([&] {
    await_waiting(1);
    go = true;
  });
  EXPECT_TRUE(execute(handle).shared);
}

TEST_F(CleanupResultFields, AlreadyDoneIsSaidOfADependencyThatNeedNotRunAgain) {
  open();
  add("base", {counting(runs_), {}, {}});
  const CleanupHandle upper = add("upper", {counting(runs_), {}, {"base"}});
  EXPECT_FALSE(execute(upper).others.at(0).already_done);
  EXPECT_TRUE(execute(upper).others.at(0).already_done);
}

TEST_F(CleanupResultFields, EntriesFoundAndRemovedAndBytesInTheQuarantineAreCounted) {
  const CleanupResult result = execute_files();
  EXPECT_EQ(result.entries_found, 2U);
  EXPECT_EQ(result.entries_removed, 2U);
  EXPECT_GT(result.bytes_reclaimable_at_purge, 0U);
}

TEST_F(CleanupResultFields, BytesReclaimedNowAreThoseThatWereUnlinked) {
  config::ChannelConfig& channel = config_.channels.at("cache");
  channel.quarantine.mode = config::QuarantineMode::none;
  channel.irreversible_allowed = true;
  const CleanupResult result = execute_files();
  EXPECT_GT(result.bytes_reclaimed_now, 0U);
  EXPECT_EQ(result.bytes_reclaimable_at_purge, 0U);
}

TEST_F(CleanupResultFields, EntriesRefusedHaveReasonsAndExamples) {
  const std::string path = dir_ / "root/two";
  bool possible = false;
  const CleanupResult result = apply_after([&] { possible = set_immutable(path, true); });
  set_immutable(path, false);
  if (!possible) GTEST_SKIP() << "nobody here can make a file immutable: it takes root and a file system that knows it";
  EXPECT_EQ(result.entries_refused, 1U);
  ASSERT_EQ(result.refusal_counts.size(), 1U);
  EXPECT_EQ(result.refusal_counts.begin()->second, 1U);
  ASSERT_EQ(result.refusals.size(), 1U);
  EXPECT_EQ(result.refusals[0].path, dir_ / "root/two");
  EXPECT_EQ(result.refusals[0].reason, result.refusal_counts.begin()->first);
}

TEST_F(CleanupResultFields, EntriesKeptAreThoseInUseWhenItWasPlanned) {
  make_old_file(dir_ / "root/two");
  const std::string path = dir_ / "root/two";
  const Holder holder([path] { (void)::open(path.c_str(), O_RDONLY); });
  add_task("old", "cache");
  open();
  EXPECT_EQ(execute(handle("old")).entries_kept, 1U);
  EXPECT_TRUE(exists("two"));
}

TEST_F(CleanupResultFields, ChangedByOthersIsNoFailure) {
  const CleanupResult result = apply_after([&] { make_young("two"); });
  EXPECT_EQ(result.changed_by_others, 1U);
  EXPECT_EQ(result.entries_removed, 1U);
  EXPECT_EQ(result.state, TaskState::committed);
}

TEST_F(CleanupResultFields, EndSaysHowAWorkerEnded) {
  add_task("bad", "cache");
  config::TaskConfig& task = config_.tasks.at("bad");
  task.plugin = "org.freshet.test.crash";
  task.settings.clear();
  task.settings["how"] = {std::string("abort"), {}};
  open(FRESHET_HOSTILE_PLUGINS);
  const CleanupResult result = execute(handle("bad"));
  EXPECT_EQ(result.end, EndReason::signal);
  EXPECT_EQ(result.state, TaskState::failed);
}

TEST_F(CleanupResultFields, NoteSaysWhyATaskFailed) {
  open();
  EXPECT_NE(execute(add("bad", {failing(), {}, {}})).note.find("the pool does not close"), std::string::npos);
}

// Landlock's first call is not there for this process and its children from here on, as before Linux 5.13.
bool take_landlock_away() {
  sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 444 /* landlock_create_ruleset */, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog program{std::size(code), code};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

TEST_F(CleanupResultFields, MissingLayersAreNamedWhereOneIsMissing) {
  if (!execute_files().missing_layers.empty()) return;  // this host has shown it already
  const auto in_a_lesser_host = [&](config::Isolation isolation, auto&& look) {
    const pid_t child = ::fork();  // nobody gets a layer back
    if (child == 0) {
      manager_ = {};
      config_.isolation = isolation;
      EXPECT_TRUE(take_landlock_away());
      make_old_file(dir_ / "root/two");
      open();
      look();
      manager_ = {};
      ::fflush(nullptr);
      ::_exit(HasFailure() ? 1 : 0);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "the child says why";
  };
  manager_ = {};
  in_a_lesser_host(config::Isolation::best_effort, [&] {
    const CleanupResult result = execute(handle("old"));
    EXPECT_EQ(result.state, TaskState::committed) << result.note;
    ASSERT_FALSE(result.missing_layers.empty());
    EXPECT_TRUE(std::ranges::any_of(result.missing_layers, [](const std::string& layer) { return layer.find("Landlock") != std::string::npos; }));
    const auto past = manager_.history->find_run(result.run_id);
    ASSERT_TRUE(past);
    EXPECT_FALSE(exists("two"));
  });
  in_a_lesser_host(config::Isolation::strict, [&] {
    const CleanupResult result = execute(handle("old"));
    EXPECT_EQ(result.state, TaskState::refused) << result.note;
    ASSERT_TRUE(result.error);
    EXPECT_NE(result.error->what.find("Landlock"), std::string::npos) << result.error->what;
    const CleanupIsolationResult proof = manager_.cleanup->verify_cleanup_isolation("cache");
    ASSERT_TRUE(proof.error);
    EXPECT_EQ(proof.error->cause, IsolationCause::layer_missing);
    EXPECT_FALSE(proof.isolated);
    EXPECT_TRUE(exists("two"));
  });
}

TEST_F(CleanupResultFields, ResourcesAreTheFourChecksOfPluginAndNativeTasks) {
  const std::vector<std::string> names = {"memory reclamation", "thread pool restoration", "channel resources", "buffer pool"};
  const auto check = [&](const CleanupResult& result) {
    for (const std::string& name : names) {
      const auto at = std::ranges::find(result.resources, name, &ResourceCheck::name);
      ASSERT_NE(at, result.resources.end()) << name << " of " << result.task;
      EXPECT_TRUE(at->passed) << name << ": " << at->detail;
      EXPECT_FALSE(at->unit.empty());
    }
  };
  check(execute_files());
  check(execute(add("native", {counting(runs_), {}, {}})));
}

TEST_F(CleanupResultFields, AFailedResourceCheckHasItsFigures) {
  open();
  NativeTask task;
  task.run = [](TaskContext& context) -> Status {
    (void)context.buffers().take(4096);
    return {};
  };
  const CleanupResult result = execute(add("leaky", {task, {}, {}}));
  const auto check = std::ranges::find(result.resources, "buffer pool", &ResourceCheck::name);
  ASSERT_NE(check, result.resources.end());
  EXPECT_FALSE(check->passed);
  EXPECT_EQ(check->after, check->before + 1);
  EXPECT_EQ(check->unit, "buffers");
  EXPECT_FALSE(check->detail.empty());
}

TEST_F(CleanupResultFields, OrderAndOthersNameWhatItDependsOn) {
  open();
  add("base", {counting(runs_), {}, {}});
  const CleanupResult result = execute(add("upper", {counting(runs_), {"base"}, {}}));
  EXPECT_EQ(result.order, (std::vector<std::string>{"base", "upper"}));
  ASSERT_EQ(result.others.size(), 1U);
  EXPECT_EQ(result.others[0].task, "base");
}

using SecurityFields = ResultFields;

TEST_F(SecurityFields, ErrorIsSetForAForeignHandle) {
  open();
  const SecurityValidationResult result = manager_.cleanup->validate_security_boundaries({1, 2, 3});
  ASSERT_TRUE(result.error);
  EXPECT_EQ(result.error->cause, SecurityCause::unknown_handle);
}

TEST_F(SecurityFields, PassedIsSaidWhereNothingIsWrong) {
  open_with_files();
  EXPECT_TRUE(manager_.cleanup->validate_security_boundaries(handle("old")).passed);
}

TEST_F(SecurityFields, TrustedInProcessIsSaidOfANativeTask) {
  open();
  EXPECT_TRUE(manager_.cleanup->validate_security_boundaries(add("native", {counting(runs_), {}, {}})).trusted_in_process);
}

TEST_F(SecurityFields, AViolationHasCodeTextRemedyAndPlace) {
  config_.channels.at("cache").roots[0].access.remove = false;
  config_.channels.at("cache").roots[0].position = {"freshet.toml", 3, 1};
  open_with_files();
  const SecurityValidationResult result = manager_.cleanup->validate_security_boundaries(handle("old"));
  EXPECT_FALSE(result.passed);
  ASSERT_FALSE(result.violations.empty());
  for (const BoundaryViolation& one : result.violations) {
    EXPECT_TRUE(one.code.starts_with("F")) << one.code;
    EXPECT_FALSE(one.what.empty());
    EXPECT_FALSE(one.remedy.empty()) << one.code;
  }
  EXPECT_TRUE(std::ranges::any_of(result.violations, [](const BoundaryViolation& one) { return one.where.find("freshet.toml:3") == 0; }));
}

using IsolationFields = ResultFields;

TEST_F(IsolationFields, ErrorIsSetForAnUnknownChannel) {
  open();
  const CleanupIsolationResult result = manager_.cleanup->verify_cleanup_isolation("nowhere");
  ASSERT_TRUE(result.error);
  EXPECT_EQ(result.error->cause, IsolationCause::unknown_channel);
}

TEST_F(IsolationFields, ChecksAndTheirTimesAreListed) {
  open();
  const CleanupIsolationResult result = manager_.cleanup->verify_cleanup_isolation("cache");
  EXPECT_GT(result.start_ns, 0);
  EXPECT_GT(result.checks_ns, 0);
  ASSERT_FALSE(result.checks.empty());
  for (const IsolationCheck& check : result.checks) {
    EXPECT_FALSE(check.name.empty());
    EXPECT_EQ(check.on, "probe");
  }
  EXPECT_TRUE(std::ranges::any_of(result.checks, [](const IsolationCheck& check) { return check.passed && !check.expected.empty() && !check.seen.empty(); }));
}

#ifndef FRESHET_SANITIZED  // its roles have other filters
TEST_F(IsolationFields, IsolatedIsSaidWhereEveryCheckPassed) {
  if (config_.isolation != config::Isolation::strict) GTEST_SKIP() << "this host grants no strict isolation";
  open();
  const CleanupIsolationResult result = manager_.cleanup->verify_cleanup_isolation("cache");
  EXPECT_TRUE(result.isolated);
  for (const IsolationCheck& check : result.checks) EXPECT_TRUE(check.passed) << check.name << ": " << check.seen;
}
#endif

using DependencyFields = ResultFields;

TEST_F(DependencyFields, ErrorIsSetForAForeignHandle) {
  open();
  const DependencyValidationResult result = manager_.cleanup->validate_dependencies({1, 2, 3});
  ASSERT_TRUE(result.error);
  EXPECT_EQ(result.error->cause, DependencyCause::unknown_handle);
}

TEST_F(DependencyFields, ValidAndOrderOfAChain) {
  open();
  add("base", {counting(runs_), {}, {}});
  const DependencyValidationResult result = manager_.cleanup->validate_dependencies(add("upper", {counting(runs_), {}, {"base"}}));
  EXPECT_TRUE(result.valid);
  EXPECT_EQ(result.order, (std::vector<std::string>{"base", "upper"}));
}

TEST_F(DependencyFields, CycleIsAClosedPath) {
  open();
  add("a", {counting(runs_), {}, {"b"}});
  const DependencyValidationResult result = manager_.cleanup->validate_dependencies(add("b", {counting(runs_), {"a"}, {}}));
  EXPECT_FALSE(result.valid);
  ASSERT_EQ(result.cycle.size(), 3U);
  EXPECT_EQ(result.cycle.front(), result.cycle.back());
}

TEST_F(DependencyFields, MissingNamesWhoWantsWhom) {
  open();
  const DependencyValidationResult result = manager_.cleanup->validate_dependencies(add("a", {counting(runs_), {"later"}, {}}));
  EXPECT_FALSE(result.valid);
  EXPECT_EQ(result.missing, std::vector<std::string>{"later (wanted by a)"});
}

TEST_F(DependencyFields, DisabledNamesADependencyThatTheConfigurationSwitchedOff) {
  add_task("old", "cache");
  config_.tasks.at("old").enabled = false;
  open();
  const DependencyValidationResult result = manager_.cleanup->validate_dependencies(add("a", {counting(runs_), {}, {"old"}}));
  EXPECT_FALSE(result.valid);
  EXPECT_EQ(result.disabled, std::vector<std::string>{"old"});
}

TEST_F(DependencyFields, FailedNamesADependencyWhoseLastRunDidNotSucceed) {
  open();
  (void)execute(add("bad", {failing(), {}, {}}));
  EXPECT_EQ(manager_.cleanup->validate_dependencies(add("a", {counting(runs_), {}, {"bad"}})).failed, std::vector<std::string>{"bad"});
}

TEST_F(DependencyFields, CrossingNamesAnEdgeBetweenChannels) {
  open();
  add("base", {counting(runs_), {}, {}}, "cache");
  EXPECT_EQ(manager_.cleanup->validate_dependencies(add("a", {counting(runs_), {}, {"base"}})).crossing, std::vector<std::string>{"a -> base"});
}

using CompletionFields = ResultFields;

TEST_F(CompletionFields, ErrorIsSetForATaskThatNeverRan) {
  open_with_files();
  const CompletionStatus status = manager_.cleanup->verify_cleanup_completion(handle("old"));
  ASSERT_TRUE(status.error);
  EXPECT_EQ(status.error->cause, CompletionCause::never_ran);
}

TEST_F(CompletionFields, CompleteWithEveryUnitPlannedCheckedAndInPlace) {
  (void)execute_files();
  const CompletionStatus status = manager_.cleanup->verify_cleanup_completion(handle("old"));
  EXPECT_TRUE(status.complete);
  EXPECT_EQ(status.units_planned, 2U);
  EXPECT_EQ(status.units_checked, 2U);
  EXPECT_EQ(status.units_in_place, 2U);
}

TEST_F(CompletionFields, UnitsRefusedAndChangedByOthersAreCountedAndNoFailure) {
  (void)apply_after([&] { make_young("two"); });
  const CompletionStatus status = manager_.cleanup->verify_cleanup_completion(handle("old"));
  EXPECT_TRUE(status.complete);
  EXPECT_EQ(status.units_refused, 1U);
  EXPECT_EQ(status.changed_by_others, 1U);
}

TEST_F(CompletionFields, WrongNamesWhatIsNeitherHereNorThere) {
  (void)execute_files();
  for (const auto& entry : std::filesystem::recursive_directory_iterator(dir_ / "root"))
    if (entry.path().filename() == "two") std::filesystem::remove(entry.path());
  const CompletionStatus status = manager_.cleanup->verify_cleanup_completion(handle("old"));
  EXPECT_FALSE(status.complete);
  ASSERT_EQ(status.wrong.size(), 1U);
  EXPECT_EQ(status.wrong[0].path, dir_ / "root/two");
  EXPECT_FALSE(status.wrong[0].reason.empty());
}

TEST_F(CompletionFields, ResourcesAreThoseOfTheRun) {
  open();
  const CleanupHandle task = add("native", {counting(runs_), {}, {}});
  (void)execute(task);
  EXPECT_EQ(manager_.cleanup->verify_cleanup_completion(task).resources.size(), 4U);
}

}  // namespace
}  // namespace freshet
