#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <latch>
#include <thread>

#include "tests/unit/manager/manager_fixture.h"

namespace freshet {
namespace {

using namespace std::chrono_literals;

// Native tasks as a host program uses them.
using NativeTasks = ManagerFixture;

// Runs until it is let go.
struct Held {
  std::atomic<int> runs = 0;
  std::latch begun{1};
  std::atomic<bool> go = false;
  NativeTask task() {
    NativeTask out;
    out.run = [this](TaskContext& context) -> Status {
      ++runs;
      if (runs == 1) begun.count_down();
      while (!go && !context.stop().stop_requested()) std::this_thread::sleep_for(1ms);
      context.count(1, 10);
      return {};
    };
    return out;
  }
};

TEST_F(NativeTasks, ASecondCallerSharesTheResultOfTheFirst) {
  open();
  Held held;
  const CleanupHandle handle = add("held", {held.task(), {}, {}});
  CleanupResult first;
  CleanupResult second;
  {
    const std::jthread one([&] { first = execute(handle); });
    held.begun.wait();
    const std::jthread two([&] { second = execute(handle); });
    await_waiting(1);
    held.go = true;
  }
  EXPECT_EQ(held.runs, 1);
  EXPECT_EQ(first.state, TaskState::committed);
  EXPECT_EQ(second.state, TaskState::committed);
  EXPECT_FALSE(first.shared);
  EXPECT_TRUE(second.shared);
  EXPECT_EQ(first.run_id, second.run_id);
}

TEST_F(NativeTasks, ASecondCallerIsRefusedWhereTheTaskSaysSo) {
  open();
  Held held;
  CleanupTask task{held.task(), {}, {}};
  task.on_busy = OnBusy::refuse;
  const CleanupHandle handle = add("held", std::move(task));
  CleanupResult first;
  {
    const std::jthread one([&] { first = execute(handle); });
    held.begun.wait();
    const CleanupResult second = execute(handle);
    ASSERT_TRUE(second.error);
    EXPECT_TRUE(second.error->is(ExecutionCause::busy));
    held.go = true;
  }
  EXPECT_EQ(held.runs, 1);
  EXPECT_EQ(first.state, TaskState::committed);
  EXPECT_EQ(execute(handle).state, TaskState::committed) << "afterwards it can run again";
}

TEST_F(NativeTasks, ADependencyThatAnotherRunIsWorkingOnIsWaitedFor) {
  open();
  Held held;
  std::atomic<int> after = 0;
  const CleanupHandle base = add("base", {held.task(), {}, {}});
  const CleanupHandle upper = add("upper", {counting(after), {}, {"base"}});
  CleanupResult second;
  {
    const std::jthread one([&] { (void)execute(base); });
    held.begun.wait();
    const std::jthread two([&] { second = execute(upper); });
    await_waiting(1);
    EXPECT_EQ(after, 0);
    held.go = true;
  }
  EXPECT_EQ(held.runs, 1);
  EXPECT_EQ(second.state, TaskState::committed);
  ASSERT_EQ(second.others.size(), 1U);
  EXPECT_TRUE(second.others[0].shared);
  EXPECT_EQ(second.order, std::vector<std::string>{"upper"}) << "in this run, base did not begin";
}

TEST_F(NativeTasks, ACompletedDependencyIsNotRunAgainUntilItIsRolledBack) {
  open();
  std::atomic<int> base_runs = 0;
  std::atomic<int> runs = 0;
  NativeTask base = counting(base_runs);
  base.compensate = [](TaskContext&) -> Status { return {}; };
  const CleanupHandle base_handle = add("base", {base, {}, {}});
  const CleanupHandle upper = add("upper", {counting(runs), {}, {"base"}});
  EXPECT_EQ(execute(upper).order, (std::vector<std::string>{"base", "upper"}));
  const CleanupResult again = execute(upper);
  EXPECT_EQ(base_runs, 1);
  EXPECT_EQ(runs, 2);
  ASSERT_EQ(again.others.size(), 1U);
  EXPECT_TRUE(again.others[0].already_done);
  EXPECT_EQ(again.others[0].state, TaskState::committed);
  EXPECT_EQ(execute(base_handle).state, TaskState::committed);
  EXPECT_EQ(base_runs, 2) << "asked for itself, it runs";
  EXPECT_FALSE(manager_.cleanup->rollback_cleanup(base_handle)) << "what builds on it cannot be taken back";
  (void)execute(upper);
  EXPECT_EQ(base_runs, 2) << "so it is still done";
}

TEST_F(NativeTasks, ADependencyRunsAgainWhereItSaysSo) {
  open();
  std::atomic<int> base_runs = 0;
  std::atomic<int> runs = 0;
  CleanupTask base{counting(base_runs), {}, {}};
  base.rerun_as_dependency = true;
  (void)add("base", std::move(base));
  const CleanupHandle upper = add("upper", {counting(runs), {"base"}, {}});
  (void)execute(upper);
  (void)execute(upper);
  EXPECT_EQ(base_runs, 2);
}

TEST_F(NativeTasks, RollbackTakesDependentsOfOtherRunsFirst) {
  open();
  std::vector<std::string> back;
  std::atomic<int> runs = 0;
  const auto undoable = [&](const std::string& name) {
    NativeTask task = counting(runs);
    task.compensate = [&back, name](TaskContext&) -> Status {
      back.push_back(name);
      return {};
    };
    return task;
  };
  const CleanupHandle base = add("base", {undoable("base"), {}, {}});
  (void)add("middle", {undoable("middle"), {}, {"base"}});
  const CleanupHandle top = add("top", {undoable("top"), {}, {"middle"}});
  ASSERT_EQ(execute(base).state, TaskState::committed);
  ASSERT_EQ(execute(top).state, TaskState::committed);
  EXPECT_TRUE(manager_.cleanup->rollback_cleanup(base));
  EXPECT_EQ(back, (std::vector<std::string>{"top", "middle", "base"}));
  EXPECT_TRUE(manager_.cleanup->rollback_cleanup(base)) << "safe twice";
  EXPECT_EQ(back.size(), 3U);
}

TEST_F(NativeTasks, ATaskThatAsksForItselfIsRefusedInsteadOfWaitingForEver) {
  open();
  CleanupHandle self;
  std::optional<CleanupError> inner;
  NativeTask task;
  task.run = [&](TaskContext&) -> Status {
    inner = execute(self).error;
    return {};
  };
  self = add("self", {task, {}, {}});
  EXPECT_EQ(execute(self).state, TaskState::committed);
  ASSERT_TRUE(inner);
  EXPECT_TRUE(inner->is(ExecutionCause::busy));
}

TEST_F(NativeTasks, ItsPoolIsTheTaskToo) {
  open();
  CleanupHandle self;
  CleanupHandle upper;
  std::optional<CleanupError> direct;
  std::optional<CleanupError> nested;
  NativeTask task;
  task.threads = 2;
  task.run = [&](TaskContext& context) -> Status {
    context.threads().submit([&] {
      direct = execute(self).error;
      // Another task, which depends on this one, on whose behalf a thread of its own asks.
      nested = execute(upper).error;
    });
    context.threads().wait();
    return {};
  };
  self = add("self", {task, {}, {}});
  std::atomic<int> runs = 0;
  upper = add("upper", {counting(runs), {}, {"self"}});
  EXPECT_EQ(execute(self).state, TaskState::committed);
  ASSERT_TRUE(direct);
  EXPECT_TRUE(direct->is(ExecutionCause::busy));
  ASSERT_TRUE(nested);
  EXPECT_TRUE(nested->is(DependencyCause::failed)) << nested->what;
  EXPECT_EQ(runs, 0);
}

TEST_F(NativeTasks, ATaskNeverWaitsForWhatItHoldsItself) {
  add_task("files", "cache");
  make_old_file(dir_ / "root/one");
  std::filesystem::create_directory(dir_ / "elsewhere");
  add_channel("other", dir_ / "elsewhere");
  open();
  std::atomic<int> runs = 0;
  const CleanupHandle neighbour = add("neighbour", {counting(runs), {}, {}}, "other");
  std::optional<CleanupError> same_channel;
  std::optional<CleanupError> same_roots;
  bool taken_back = true;
  NativeTask task;
  task.run = [&](TaskContext& context) -> Status {
    context.threads().submit([&] {
      same_channel = execute(neighbour).error;
      same_roots = execute(handle("files")).error;
      taken_back = manager_.cleanup->rollback_cleanup(handle("files"));
    });
    context.threads().wait();
    return {};
  };
  const CleanupResult result = execute(add("holder", {task, {}, {"files"}}, "other"));
  EXPECT_EQ(result.state, TaskState::committed) << result.note;
  ASSERT_TRUE(same_channel);
  EXPECT_TRUE(same_channel->is(ExecutionCause::busy)) << same_channel->what;
  ASSERT_TRUE(same_roots);
  EXPECT_TRUE(same_roots->is(ExecutionCause::busy)) << same_roots->what;
  EXPECT_FALSE(taken_back);
  EXPECT_EQ(execute(neighbour).state, TaskState::committed) << "afterwards it can run";
}

TEST_F(NativeTasks, ACompensationThatAsksForItsOwnRollbackIsRefused) {
  open();
  CleanupHandle self;
  std::atomic<int> runs = 0;
  std::optional<bool> inner;
  NativeTask task = counting(runs);
  task.compensate = [&](TaskContext&) -> Status {
    inner = manager_.cleanup->rollback_cleanup(self);
    return {};
  };
  self = add("self", {task, {}, {}});
  ASSERT_EQ(execute(self).state, TaskState::committed);
  EXPECT_TRUE(manager_.cleanup->rollback_cleanup(self));
  EXPECT_EQ(inner, false);
}

TEST_F(NativeTasks, ATaskOverItsDeadlineIsStoppedAndTimedOut) {
  open();
  NativeTask task;
  task.run = [](TaskContext& context) -> Status {
    while (!context.stop().stop_requested()) std::this_thread::sleep_for(1ms);
    return {};
  };
  CleanupTask slow{task, {}, {}};
  slow.deadline_ns = 20'000'000;
  const CleanupHandle handle = add("slow", std::move(slow));
  const CleanupResult result = execute(handle);
  EXPECT_EQ(result.state, TaskState::failed);
  EXPECT_EQ(result.end, EndReason::timeout);
  ASSERT_TRUE(result.error);
  EXPECT_TRUE(result.error->is(ExecutionCause::timed_out));
  EXPECT_FALSE(result.error->advice().empty());
}

TEST_F(NativeTasks, AFunctionThatNeverReturnsIsNotStartedAgainWhileItRuns) {
  open();
  std::atomic<bool> go = false;
  std::atomic<int> runs = 0;
  NativeTask task;
  task.run = [&](TaskContext&) -> Status {
    ++runs;
    while (!go) std::this_thread::sleep_for(1ms);
    return {};
  };
  CleanupTask deaf{task, {}, {}};
  deaf.deadline_ns = 10'000'000;
  const CleanupHandle handle = add("deaf", std::move(deaf));
  EXPECT_TRUE(execute(handle).error->is(ExecutionCause::timed_out));
  const CleanupResult second = execute(handle);
  ASSERT_TRUE(second.error);
  EXPECT_TRUE(second.error->is(ExecutionCause::busy));
  EXPECT_EQ(runs, 1);
  go = true;
  while (execute(handle).state != TaskState::committed) std::this_thread::sleep_for(1ms);
  EXPECT_GE(runs, 2);  // on a busy machine it may miss its deadline again
}

TEST_F(NativeTasks, OneChannelsNativeTasksNeverRunBesideEachOther) {
  open();
  std::atomic<int> inside = 0;
  std::atomic<int> most = 0;
  std::vector<CleanupHandle> handles;
  for (int i = 0; i < 8; ++i) {
    NativeTask task;
    task.run = [&](TaskContext&) -> Status {
      most = std::max(most.load(), ++inside);
      std::this_thread::sleep_for(2ms);
      --inside;
      return {};
    };
    handles.push_back(add("t" + std::to_string(i), {task, {}, {}}, "cache"));
  }
  {
    std::vector<std::jthread> threads;
    for (const CleanupHandle handle : handles) threads.emplace_back([&, handle] { EXPECT_EQ(execute(handle).state, TaskState::committed); });
  }
  EXPECT_EQ(most, 1);
}

TEST_F(NativeTasks, MoreThanTheChannelsBudgetFailsAndIsTakenBack) {
  config_.channels.at("cache").budget.entries = 2;
  open();
  std::atomic<int> runs = 0;
  std::atomic<int> back = 0;
  NativeTask task = counting(runs);
  task.compensate = [&](TaskContext&) -> Status {
    ++back;
    return {};
  };
  const CleanupResult result = execute(add("greedy", {task, {}, {}}, "cache"));
  EXPECT_EQ(result.state, TaskState::rolled_back);
  EXPECT_EQ(back, 1);
  EXPECT_NE(result.note.find("budget"), std::string::npos);
}

TEST_F(NativeTasks, ALeakIsReportedWithItsSizeAndChangesNothingElse) {
  open();
  NativeTask task;
  task.run = [](TaskContext& context) -> Status {
    (void)context.memory().allocate(4096, 8);
    context.count(1, 1);
    return {};
  };
  const CleanupHandle handle = add("leaky", {task, {}, {}});
  const CleanupResult result = execute(handle);
  EXPECT_EQ(result.state, TaskState::committed) << "what it cleaned is clean";
  ASSERT_TRUE(result.error);
  EXPECT_TRUE(result.error->is(CompletionCause::leaked));
  const auto check = std::ranges::find(result.resources, "memory reclamation", &ResourceCheck::name);
  ASSERT_NE(check, result.resources.end());
  EXPECT_FALSE(check->passed);
  EXPECT_EQ(check->after - check->before, 4096U);
  const CompletionStatus status = manager_.cleanup->verify_cleanup_completion(handle);
  EXPECT_FALSE(status.complete);
  EXPECT_TRUE(status.error && status.error->cause == CompletionCause::leaked);
}

TEST_F(NativeTasks, WhatIsNotReversibleIsCompensatedButNeverCalledBack) {
  open();
  std::atomic<int> runs = 0;
  std::atomic<int> back = 0;
  NativeTask native = counting(runs);
  native.compensate = [&](TaskContext&) -> Status {
    ++back;
    return {};
  };
  CleanupTask task{native, {}, {}};
  task.reversible = false;
  const CleanupHandle handle = add("half", std::move(task));
  ASSERT_EQ(execute(handle).state, TaskState::committed);
  EXPECT_FALSE(manager_.cleanup->rollback_cleanup(handle));
  EXPECT_EQ(back, 1);
}

}  // namespace
}  // namespace freshet
