#include "runtime/manager/native_runner.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <latch>
#include <memory>
#include <memory_resource>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

namespace freshet {
namespace {

using namespace std::chrono_literals;

constexpr std::int64_t kMillisecond = 1'000'000;
constexpr std::int64_t kLongGrace = 60'000 * kMillisecond;  // grace of what obeys, however slow the machine is
constexpr auto kLong = 60s;

const ResourceCheck& check_named(const NativeOutcome& outcome, const std::string& name) {
  static const ResourceCheck kNone;
  const auto found = std::ranges::find(outcome.resources, name, &ResourceCheck::name);
  EXPECT_NE(found, outcome.resources.end()) << name;
  return found == outcome.resources.end() ? kNone : *found;
}

// All four are there, and exactly those named have failed.
void expect_failed(const NativeOutcome& outcome, const std::vector<std::string>& failed) {
  const std::vector<std::string> names{"memory reclamation", "thread pool restoration", "channel resources", "buffer pool"};
  ASSERT_EQ(outcome.resources.size(), names.size());
  for (std::size_t i = 0; i < names.size(); ++i) {
    const ResourceCheck& check = outcome.resources[i];
    EXPECT_EQ(check.name, names[i]);
    EXPECT_EQ(check.passed, std::ranges::find(failed, check.name) == failed.end()) << check.name << ": " << check.detail;
    EXPECT_EQ(check.detail.empty(), check.passed);
    EXPECT_FALSE(check.unit.empty());
  }
}

void wait_for_stop(const std::stop_token& stop) {
  while (!stop.stop_requested()) std::this_thread::sleep_for(100us);
}

// A piece of work in the pool that ends when it is asked to.
void submit_until_stop(TaskContext& context, std::latch& begun) {
  context.threads().submit([&begun, stop = context.stop()] {
    begun.count_down();
    wait_for_stop(stop);
  });
}

TEST(NativeRunnerTest, FunctionThatUsesEverythingAndReturnsItPasses) {
  const NativeOutcome outcome = run_native_function(
      [](TaskContext& context) -> Status {
        std::pmr::vector<int> numbers(1000, 7, &context.memory());
        const Buffer buffer = context.buffers().take(4096);
        std::ranges::fill(buffer.bytes, std::byte{1});
        for (int i = 0; i < 10; ++i) context.threads().submit([&context] { context.count(1, 10); });
        context.threads().wait();
        context.buffers().give_back(buffer);
        EXPECT_EQ(context.threads().size(), 3U);
        EXPECT_FALSE(context.stop().stop_requested());
        return {};
      },
      {.threads = 3});
  EXPECT_FALSE(outcome.error.has_value());
  EXPECT_TRUE(outcome.began);
  EXPECT_EQ(outcome.still_running, nullptr);
  EXPECT_EQ(outcome.entries, 10U);
  EXPECT_EQ(outcome.bytes, 100U);
  EXPECT_EQ(outcome.peak_memory_bytes, 1000 * sizeof(int));
  EXPECT_GT(outcome.wall_ns, 0);
  EXPECT_GT(outcome.overhead_ns, 0);
  EXPECT_GT(outcome.cpu_ns, 0);
  expect_failed(outcome, {});
}

TEST(NativeRunnerTest, FunctionRunsOnAThreadOfItsOwn) {
  std::thread::id own;
  run_native_function(
      [&own](TaskContext&) -> Status {
        own = std::this_thread::get_id();
        return {};
      },
      {});
  EXPECT_NE(own, std::thread::id());
  EXPECT_NE(own, std::this_thread::get_id());
}

TEST(NativeRunnerTest, ItsErrorIsPassedOn) {
  const NativeOutcome outcome =
      run_native_function([](TaskContext&) { return fail("F1234", ErrorKind::busy, "the cache is in use", "by 3"); }, {});
  ASSERT_TRUE(outcome.error.has_value());
  EXPECT_EQ(outcome.error->cause, ExecutionCause::task_failed);
  EXPECT_EQ(static_cast<const Error&>(*outcome.error), (Error{ErrorKind::busy, "F1234", "the cache is in use", "by 3"}));
  EXPECT_TRUE(outcome.began);
  expect_failed(outcome, {});
}

TEST(NativeRunnerTest, ExceptionsOfEveryTypeBecomeErrors) {
  struct Odd {};
  const auto what = [](auto thrower) {
    const NativeOutcome outcome = run_native_function(
        [thrower](TaskContext&) -> Status {
          thrower();
          return {};
        },
        {});
    EXPECT_TRUE(outcome.error.has_value() && outcome.error->cause == ExecutionCause::task_failed);
    expect_failed(outcome, {});
    return outcome.error ? outcome.error->what : "";
  };
  EXPECT_EQ(what([] { throw std::runtime_error("no disk"); }), "the task threw: no disk");
  EXPECT_EQ(what([] { throw 7; }), "the task threw: an exception of type int");
  EXPECT_NE(what([] { throw Odd{}; }).find("Odd"), std::string::npos);
  EXPECT_NE(what([] { throw std::bad_alloc(); }), "");
}

TEST(NativeRunnerTest, NullFunctionIsAnErrorAndNoCrash) {
  const NativeOutcome outcome = run_native_function(nullptr, {});
  ASSERT_TRUE(outcome.error.has_value());
  EXPECT_EQ(outcome.error->cause, ExecutionCause::task_failed);
}

TEST(NativeRunnerTest, WhatItThrewInMidstOfIsAccountedFor) {
  const NativeOutcome outcome = run_native_function(
      [](TaskContext& context) -> Status {
        std::pmr::vector<int> numbers(10, 1, &context.memory());
        static_cast<void>(context.memory().allocate(33));
        context.count(2, 3);
        throw std::runtime_error("midway");
      },
      {});
  EXPECT_EQ(outcome.entries, 2U);
  EXPECT_EQ(outcome.bytes, 3U);
  EXPECT_EQ(check_named(outcome, "memory reclamation").after, 33U);
  expect_failed(outcome, {"memory reclamation", "channel resources"});
}

TEST(NativeRunnerTest, LeakedMemoryIsCaughtToTheByte) {
  const NativeOutcome outcome = run_native_function(
      [](TaskContext& context) -> Status {
        for (std::size_t i = 1; i <= 3; ++i) static_cast<void>(context.memory().allocate(100 * i));
        return {};
      },
      {});
  EXPECT_FALSE(outcome.error.has_value());
  expect_failed(outcome, {"memory reclamation", "channel resources"});
  EXPECT_EQ(check_named(outcome, "memory reclamation").before, 0U);
  EXPECT_EQ(check_named(outcome, "memory reclamation").after, 600U);
  EXPECT_EQ(check_named(outcome, "channel resources").after, 3U);
}

TEST(NativeRunnerTest, WorkLeftInThePoolIsCaughtAndAskedToStop) {
  std::latch begun(1);
  const NativeOutcome outcome = run_native_function(
      [&begun](TaskContext& context) -> Status {
        submit_until_stop(context, begun);
        for (int i = 0; i < 2; ++i) context.threads().submit([] { FAIL() << "work that was left was begun"; });
        begun.wait();
        return {};
      },
      {.threads = 1, .grace_ns = kLongGrace});
  EXPECT_FALSE(outcome.error.has_value());
  EXPECT_EQ(outcome.still_running, nullptr);
  expect_failed(outcome, {"thread pool restoration", "channel resources"});
  EXPECT_EQ(check_named(outcome, "thread pool restoration").after, 3U);
  EXPECT_EQ(check_named(outcome, "thread pool restoration").detail,
            "1 piece of work still ran (number 1); 2 pieces of work still queued (number 2, 3)");
  EXPECT_EQ(check_named(outcome, "channel resources").after, 3U);
}

TEST(NativeRunnerTest, MemoryThatQueuedWorkHoldsIsLeakedThoughDroppingItReturnsIt) {
  std::latch begun(1);
  const NativeOutcome outcome = run_native_function(
      [&begun](TaskContext& context) -> Status {
        submit_until_stop(context, begun);
        auto held = std::allocate_shared<std::array<char, 1000>>(std::pmr::polymorphic_allocator<>(&context.memory()));
        context.threads().submit([held] { static_cast<void>(held->size()); });
        begun.wait();
        return {};
      },
      {.threads = 1, .grace_ns = kLongGrace});
  expect_failed(outcome, {"memory reclamation", "thread pool restoration", "channel resources"});
  EXPECT_GE(check_named(outcome, "memory reclamation").after, 1000U);
}

TEST(NativeRunnerTest, LeakedBuffersAreCounted) {
  const NativeOutcome outcome = run_native_function(
      [](TaskContext& context) -> Status {
        for (int i = 0; i < 4; ++i) static_cast<void>(context.buffers().take(512));
        return {};
      },
      {});
  expect_failed(outcome, {"channel resources", "buffer pool"});
  EXPECT_EQ(check_named(outcome, "buffer pool").after, 4U);
  EXPECT_EQ(check_named(outcome, "buffer pool").detail, "4 buffers of 2,048 bytes not returned (number 1, 2, 3, 4)");
  EXPECT_EQ(check_named(outcome, "channel resources").after, 4U);
}

TEST(NativeRunnerTest, BufferWrittenAfterItsReturnFailsOnlyItsCheck) {
  const NativeOutcome outcome = run_native_function(
      [](TaskContext& context) -> Status {
        const Buffer buffer = context.buffers().take(512);
        context.buffers().give_back(buffer);
        buffer.bytes[500] = std::byte{1};
        return {};
      },
      {});
  expect_failed(outcome, {"buffer pool"});
  EXPECT_EQ(check_named(outcome, "buffer pool").after, 1U);
  EXPECT_EQ(check_named(outcome, "buffer pool").detail, "buffer 1 (512 bytes) was written after its return, at byte 500");
}

TEST(NativeRunnerTest, BufferReturnedTwiceFailsOnlyItsCheck) {
  const NativeOutcome outcome = run_native_function(
      [](TaskContext& context) -> Status {
        const Buffer buffer = context.buffers().take(512);
        context.buffers().give_back(buffer);
        context.buffers().give_back(buffer);
        return {};
      },
      {});
  expect_failed(outcome, {"buffer pool"});
}

TEST(NativeRunnerTest, ChannelResourcesAreTheSumOfWhatWasHandedOut) {
  std::latch begun(1);
  const NativeOutcome outcome = run_native_function(
      [&begun](TaskContext& context) -> Status {
        submit_until_stop(context, begun);
        begun.wait();
        static_cast<void>(context.memory().allocate(8));
        static_cast<void>(context.memory().allocate(8));
        for (int i = 0; i < 3; ++i) static_cast<void>(context.buffers().take(8));
        return {};
      },
      {.grace_ns = kLongGrace});
  expect_failed(outcome, {"memory reclamation", "thread pool restoration", "channel resources", "buffer pool"});
  EXPECT_EQ(check_named(outcome, "channel resources").after, 6U);
  EXPECT_EQ(check_named(outcome, "channel resources").detail,
            "of what the task's context handed out, 2 blocks of memory, 1 piece of work and 3 buffers were left");
}

TEST(NativeRunnerTest, WorkThatThrowsFailsTheTask) {
  const NativeOutcome outcome = run_native_function(
      [](TaskContext& context) -> Status {
        context.threads().submit([] { throw std::runtime_error("no such shard"); });
        context.threads().wait();
        return {};
      },
      {});
  ASSERT_TRUE(outcome.error.has_value());
  EXPECT_EQ(outcome.error->cause, ExecutionCause::task_failed);
  EXPECT_EQ(outcome.error->what, "work in the task's pool threw: piece of work 1: no such shard");
  expect_failed(outcome, {});
}

TEST(NativeRunnerTest, CountsOfManyThreadsAreAdded) {
  const NativeOutcome outcome = run_native_function(
      [](TaskContext& context) -> Status {
        for (int i = 0; i < 64; ++i) {
          context.threads().submit([&context] {
            for (int k = 0; k < 100; ++k) context.count(1, 3);
          });
        }
        context.threads().wait();
        return {};
      },
      {.threads = 16});
  EXPECT_EQ(outcome.entries, 6400U);
  EXPECT_EQ(outcome.bytes, 19200U);
}

TEST(NativeRunnerTest, DeadlineIsToldAndObeyed) {
  const NativeOutcome outcome = run_native_function(
      [](TaskContext& context) -> Status {
        wait_for_stop(context.stop());
        context.count(5, 0);
        return fail(ErrorKind::peer, "gave up halfway");
      },
      {.deadline_ns = 20 * kMillisecond, .grace_ns = kLongGrace});
  ASSERT_TRUE(outcome.error.has_value());
  EXPECT_EQ(outcome.error->cause, ExecutionCause::timed_out);
  EXPECT_EQ(outcome.error->what, "the task ran over its deadline of 20ms");
  EXPECT_EQ(outcome.error->detail, "gave up halfway");
  EXPECT_EQ(outcome.still_running, nullptr);
  EXPECT_EQ(outcome.entries, 5U);
  EXPECT_GE(outcome.wall_ns + outcome.overhead_ns, 20 * kMillisecond);
  expect_failed(outcome, {});
}

TEST(NativeRunnerTest, LateSuccessIsOverTheDeadlineAllTheSame) {
  const NativeOutcome outcome = run_native_function(
      [](TaskContext& context) -> Status {
        wait_for_stop(context.stop());
        return {};
      },
      {.deadline_ns = kMillisecond, .grace_ns = kLongGrace});
  ASSERT_TRUE(outcome.error.has_value());
  EXPECT_EQ(outcome.error->cause, ExecutionCause::timed_out);
}

TEST(NativeRunnerTest, DeadlineThatDoesNotComeChangesNothing) {
  for (const std::int64_t deadline : {std::int64_t{0}, std::int64_t{-1}, INT64_MAX, 3600'000 * kMillisecond}) {
    const NativeOutcome outcome =
        run_native_function([](TaskContext&) -> Status { return {}; }, {.deadline_ns = deadline});
    EXPECT_FALSE(outcome.error.has_value()) << deadline;
  }
}

TEST(NativeRunnerTest, FunctionThatIgnoresItsStopIsGivenUpAndAskedLater) {
  // Outlives the call, as what a host's task works on does.
  const auto release = std::make_shared<std::latch>(1);
  const NativeOutcome outcome = run_native_function(
      [release](TaskContext& context) -> Status {
        static_cast<void>(context.memory().allocate(48));
        const Buffer buffer = context.buffers().take(8);
        context.count(1, 1);
        release->wait();
        context.buffers().give_back(buffer);
        context.count(1, 1);
        return {};
      },
      {.deadline_ns = 5 * kMillisecond, .grace_ns = 5 * kMillisecond});
  ASSERT_TRUE(outcome.error.has_value());
  EXPECT_EQ(outcome.error->cause, ExecutionCause::timed_out);
  EXPECT_EQ(outcome.error->detail, "it had not returned 5ms after its stop was requested, and runs on");
  ASSERT_NE(outcome.still_running, nullptr);
  EXPECT_FALSE(outcome.still_running->ended());
  EXPECT_FALSE(outcome.still_running->wait_for(1ms));
  EXPECT_GE(outcome.wall_ns, 10 * kMillisecond);
  EXPECT_EQ(outcome.entries, 1U);
  expect_failed(outcome, {"memory reclamation", "thread pool restoration", "channel resources", "buffer pool"});
  EXPECT_EQ(check_named(outcome, "memory reclamation").after, 48U);
  EXPECT_EQ(check_named(outcome, "buffer pool").after, 1U);

  release->count_down();
  ASSERT_TRUE(outcome.still_running->wait_for(kLong));
  EXPECT_TRUE(outcome.still_running->ended());
  const NativeOutcome later = outcome.still_running->outcome();
  EXPECT_EQ(later.error->cause, ExecutionCause::timed_out);
  EXPECT_EQ(later.still_running, nullptr);
  EXPECT_EQ(later.entries, 2U);
  EXPECT_GT(later.cpu_ns, 0);
  expect_failed(later, {"memory reclamation", "channel resources"});
  EXPECT_EQ(check_named(later, "memory reclamation").after, 48U);
}

TEST(NativeRunnerTest, DroppedHandleLeavesTheRunItsContextAndFunction) {
  const auto release = std::make_shared<std::latch>(1);
  const auto done = std::make_shared<std::latch>(1);
  {
    const NativeOutcome outcome = run_native_function(
        [release, done](TaskContext& context) -> Status {
          release->wait();
          std::pmr::vector<int> numbers(100, 7, &context.memory());
          context.count(1, 1);
          done->count_down();
          return {};
        },
        {.deadline_ns = kMillisecond, .grace_ns = kMillisecond});
    ASSERT_NE(outcome.still_running, nullptr);
  }
  release->count_down();
  done->wait();
  // The thread lets go of the function as its last deed.
  while (release.use_count() > 1) std::this_thread::sleep_for(1ms);
  EXPECT_EQ(done.use_count(), 1);
}

TEST(NativeRunnerTest, OwnerIsKeptUntilTheFunctionHasReturned) {
  struct Task {
    std::latch release{1};
    std::function<Status(TaskContext&)> run;
    int calls = 0;
  };
  auto task = std::make_shared<Task>();
  task->run = [&self = *task](TaskContext&) -> Status {
    ++self.calls;
    self.release.wait();
    return {};
  };
  const NativeOutcome outcome = run_native_function(
      task->run, {.deadline_ns = kMillisecond, .grace_ns = kMillisecond, .owner = task});
  ASSERT_NE(outcome.still_running, nullptr);
  const std::weak_ptr<Task> watched = task;
  Task& kept = *task;
  task.reset();
  EXPECT_FALSE(watched.expired());
  kept.release.count_down();
  ASSERT_TRUE(outcome.still_running->wait_for(kLong));
  EXPECT_TRUE(watched.expired());
}

TEST(NativeRunnerTest, OwnedFunctionKeepsWhatItChangesInItself) {
  auto calls = std::make_shared<int>(0);
  const auto function = std::make_shared<std::function<Status(TaskContext&)>>(
      [calls, n = 0](TaskContext&) mutable -> Status {
        *calls = ++n;
        return {};
      });
  for (int i = 0; i < 3; ++i) run_native_function(*function, {.owner = function});
  EXPECT_EQ(*calls, 3);
}

TEST(NativeRunnerTest, ManagersStopReachesTheFunction) {
  std::stop_source manager;
  std::atomic<bool> saw = false;
  const NativeOutcome outcome = run_native_function(
      [&](TaskContext& context) -> Status {
        manager.request_stop();
        wait_for_stop(context.stop());
        saw = true;
        return {};
      },
      {.grace_ns = kLongGrace, .stop = manager.get_token()});
  EXPECT_TRUE(saw);
  ASSERT_TRUE(outcome.error.has_value());
  EXPECT_EQ(outcome.error->cause, ExecutionCause::interrupted);
  EXPECT_EQ(outcome.error->what, "the task was interrupted");
  EXPECT_TRUE(outcome.began);
}

TEST(NativeRunnerTest, FunctionThatIgnoresTheManagersStopIsGivenUp) {
  std::stop_source manager;
  const auto release = std::make_shared<std::latch>(1);
  const NativeOutcome outcome = run_native_function(
      [manager, release](TaskContext&) mutable -> Status {
        manager.request_stop();
        release->wait();
        return {};
      },
      {.grace_ns = kMillisecond, .stop = manager.get_token()});
  ASSERT_NE(outcome.still_running, nullptr);
  EXPECT_EQ(outcome.error->cause, ExecutionCause::interrupted);
  release->count_down();
  EXPECT_TRUE(outcome.still_running->wait_for(kLong));
}

TEST(NativeRunnerTest, NothingBeginsAfterTheManagersStop) {
  std::stop_source manager;
  manager.request_stop();
  bool ran = false;
  const NativeOutcome outcome = run_native_function(
      [&ran](TaskContext&) -> Status {
        ran = true;
        return {};
      },
      {.stop = manager.get_token()});
  EXPECT_FALSE(ran);
  EXPECT_FALSE(outcome.began);
  ASSERT_TRUE(outcome.error.has_value());
  EXPECT_EQ(outcome.error->cause, ExecutionCause::interrupted);
  EXPECT_TRUE(outcome.resources.empty());
}

TEST(NativeRunnerTest, StuckWorkOfAFunctionThatReturnedIsGivenUpToo) {
  const auto release = std::make_shared<std::latch>(1);
  const NativeOutcome outcome = run_native_function(
      [release](TaskContext& context) -> Status {
        const auto begun = std::make_shared<std::latch>(1);
        context.threads().submit([release, begun] {
          begun->count_down();
          release->wait();
        });
        begun->wait();
        return {};
      },
      {.grace_ns = kMillisecond});
  ASSERT_NE(outcome.still_running, nullptr);
  EXPECT_FALSE(outcome.error.has_value());
  EXPECT_EQ(check_named(outcome, "thread pool restoration").after, 1U);
  release->count_down();
  ASSERT_TRUE(outcome.still_running->wait_for(kLong));
  const NativeOutcome later = outcome.still_running->outcome();
  expect_failed(later, {"thread pool restoration", "channel resources"});
}

TEST(NativeRunnerTest, StopCallbackOfTheTaskIsCalledWithoutALock) {
  std::atomic<int> called = 0;
  const NativeOutcome outcome = run_native_function(
      [&called](TaskContext& context) -> Status {
        // Uses all that has a lock.
        const std::stop_callback on_stop(context.stop(), [&] {
          context.memory().deallocate(context.memory().allocate(8), 8);
          context.buffers().give_back(context.buffers().take(8));
          context.threads().submit([&called] { ++called; });
          context.threads().wait();
          ++called;
        });
        while (called < 2) std::this_thread::sleep_for(100us);
        return {};
      },
      {.deadline_ns = kMillisecond, .grace_ns = kLongGrace});
  EXPECT_EQ(called, 2);
  EXPECT_EQ(outcome.error->cause, ExecutionCause::timed_out);
  expect_failed(outcome, {});
}

TEST(NativeRunnerTest, ManyRunsAtOnceKeepTheirContextsApart) {
  std::vector<std::thread> callers;
  for (std::size_t i = 1; i <= 16; ++i) {
    callers.emplace_back([i] {
      for (int k = 0; k < 10; ++k) {
        const NativeOutcome outcome = run_native_function(
            [i](TaskContext& context) -> Status {
              for (std::size_t n = 0; n < i; ++n)
                context.threads().submit([&context] { static_cast<void>(context.memory().allocate(10)); });
              context.threads().wait();
              context.count(i, 0);
              return {};
            },
            {.threads = 2});
        EXPECT_EQ(outcome.entries, i);
        EXPECT_EQ(check_named(outcome, "memory reclamation").after, 10 * i);
        expect_failed(outcome, {"memory reclamation", "channel resources"});
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
}

TEST(NativeRunnerTest, WaitingShowsAsContextSwitchesAndNotAsCpuTime) {
  const NativeOutcome outcome = run_native_function(
      [](TaskContext&) -> Status {
        for (int i = 0; i < 20; ++i) std::this_thread::sleep_for(1ms);
        return {};
      },
      {});
  EXPECT_GE(outcome.context_switches, 20U);
  EXPECT_GE(outcome.wall_ns, 20 * kMillisecond);
  EXPECT_LT(outcome.cpu_ns, outcome.wall_ns);
}

}  // namespace
}  // namespace freshet
