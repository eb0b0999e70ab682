#include "runtime/manager/native_threads.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <latch>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>

#include "runtime/base/mutex.h"

namespace freshet {
namespace {

TEST(NativeThreadsTest, EveryPieceRunsOnceAndThePoolIsRestored) {
  BoundedThreadPool pool(4);
  std::atomic<int> ran = 0;
  for (int i = 0; i < 1000; ++i) pool.submit([&ran] { ++ran; });
  pool.wait();
  EXPECT_EQ(ran, 1000);
  EXPECT_EQ(pool.note_return(), 0U);
  pool.join();
  const ResourceCheck check = pool.check();
  EXPECT_TRUE(check.passed);
  EXPECT_EQ(check.name, "thread pool restoration");
  EXPECT_EQ(check.unit, "pieces of work");
  EXPECT_EQ(check.after, check.before);
  EXPECT_EQ(check.detail, "");
  EXPECT_EQ(pool.failure(), std::nullopt);
}

TEST(NativeThreadsTest, ThreadsNotJoinedDoNotPass) {
  BoundedThreadPool pool(1);
  pool.submit([] {});
  pool.wait();
  pool.note_return();
  EXPECT_FALSE(pool.check().passed);
  pool.join();
  EXPECT_TRUE(pool.check().passed);
}

TEST(NativeThreadsTest, NoMoreThreadsThanItsSizeAreUsed) {
  BoundedThreadPool pool(3);
  EXPECT_EQ(pool.size(), 3U);
  Mutex mutex;
  std::set<std::thread::id> seen;
  std::atomic<int> now = 0;
  std::atomic<int> most = 0;
  for (int i = 0; i < 60; ++i) {
    pool.submit([&] {
      const int running = ++now;
      int known = most;
      while (running > known && !most.compare_exchange_weak(known, running)) {
      }
      {
        const MutexLock lock(mutex);
        seen.insert(std::this_thread::get_id());
      }
      std::this_thread::yield();
      --now;
    });
  }
  pool.wait();
  EXPECT_LE(most, 3);
  EXPECT_LE(seen.size(), 3U);
  EXPECT_FALSE(seen.contains(std::this_thread::get_id()));
}

TEST(NativeThreadsTest, AllItsThreadsRunAtOnceWhenTheWorkNeedsIt) {
  BoundedThreadPool pool(5);
  std::latch together(5);  // would hang with fewer
  for (int i = 0; i < 5; ++i) pool.submit([&together] { together.arrive_and_wait(); });
  pool.wait();
  EXPECT_TRUE(together.try_wait());
}

TEST(NativeThreadsTest, SizeIsBroughtIntoItsBounds) {
  EXPECT_EQ(BoundedThreadPool(0).size(), 1U);
  EXPECT_EQ(BoundedThreadPool(1000).size(), 64U);
}

TEST(NativeThreadsTest, WorkMaySubmitWork) {
  BoundedThreadPool pool(1);
  std::atomic<int> ran = 0;
  pool.submit([&] {
    ++ran;
    pool.submit([&ran] { ++ran; });
  });
  pool.wait();
  EXPECT_EQ(ran, 2);
}

TEST(NativeThreadsTest, FirstThatThrewIsKeptAndTheOthersRun) {
  BoundedThreadPool pool(1);
  std::atomic<int> ran = 0;
  pool.submit([&ran] { ++ran; });
  pool.submit([] { throw std::runtime_error("no such shard"); });
  pool.submit([] { throw 7; });
  pool.submit([&ran] { ++ran; });
  pool.wait();
  EXPECT_EQ(ran, 2);
  EXPECT_EQ(pool.failure(), "piece of work 2: no such shard");
}

TEST(NativeThreadsTest, ThrownIntAndEmptyWorkAreFailuresToo) {
  BoundedThreadPool ints(1);
  ints.submit([] { throw 7; });
  ints.wait();
  EXPECT_EQ(ints.failure(), "piece of work 1: an exception of type int");
  BoundedThreadPool empty(1);
  empty.submit({});
  empty.wait();
  EXPECT_NE(empty.failure(), std::nullopt);
}

TEST(NativeThreadsTest, WorkThatWaitsForItsOwnPoolFailsInsteadOfHanging) {
  BoundedThreadPool pool(2);
  pool.submit([&pool] { pool.wait(); });
  pool.wait();
  EXPECT_EQ(pool.failure(), "piece of work 1: a piece of work waited for its own pool");
}

TEST(NativeThreadsTest, WhatAPieceHoldsIsGoneWhenWaitReturns) {
  BoundedThreadPool pool(2);
  auto held = std::make_shared<int>(1);
  const std::weak_ptr<int> watched = held;
  pool.submit([held = std::move(held)] { EXPECT_EQ(*held, 1); });
  pool.wait();
  EXPECT_TRUE(watched.expired());
}

TEST(NativeThreadsTest, WorkLeftIsNamedAndWhatWasQueuedNeverRuns) {
  BoundedThreadPool pool(1);
  std::latch begun(1);
  std::latch go_on(1);
  std::atomic<bool> queued_ran = false;
  pool.submit([] {});
  pool.submit([&] {
    begun.count_down();
    go_on.wait();
  });
  pool.submit([&queued_ran] { queued_ran = true; });
  pool.submit([&queued_ran] { queued_ran = true; });
  begun.wait();
  EXPECT_EQ(pool.note_return(), 3U);
  go_on.count_down();
  pool.join();
  const ResourceCheck check = pool.check();
  EXPECT_FALSE(check.passed);
  EXPECT_EQ(check.after - check.before, 3U);
  EXPECT_EQ(check.detail, "1 piece of work still ran (number 2); 2 pieces of work still queued (number 3, 4)");
  EXPECT_FALSE(queued_ran);
}

TEST(NativeThreadsTest, WorkAfterTheReturnIsRefused) {
  BoundedThreadPool pool(1);
  pool.note_return();
  EXPECT_THROW(pool.submit([] {}), std::logic_error);
}

TEST(NativeThreadsTest, CpuTimeOfItsThreadsIsCounted) {
  BoundedThreadPool pool(2);
  std::atomic<std::uint64_t> sum = 0;
  for (int i = 0; i < 2; ++i) {
    pool.submit([&sum] {
      for (std::uint64_t k = 0; k < 200'000; ++k) sum += k;
    });
  }
  pool.wait();
  pool.note_return();
  pool.join();
  EXPECT_GT(pool.usage().cpu_ns, 100'000);  // 400,000 atomic additions
}

}  // namespace
}  // namespace freshet
