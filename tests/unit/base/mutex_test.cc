#include "runtime/base/mutex.h"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>
#include <vector>

namespace freshet {
namespace {

struct Counter {
  Mutex mutex;
  Condition changed;
  int value FRESHET_GUARDED_BY(mutex) = 0;
  bool open FRESHET_GUARDED_BY(mutex) = false;

  void add_locked() FRESHET_REQUIRES(mutex) { ++value; }
};

TEST(MutexTest, NoIncrementOfManyThreadsIsLost) {
  Counter counter;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&counter] {
      for (int k = 0; k < 1000; ++k) {
        const MutexLock lock(counter.mutex);
        counter.add_locked();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  const MutexLock lock(counter.mutex);
  EXPECT_EQ(counter.value, 8000);
}

TEST(MutexTest, LockThatWasLetGoLetsOthersInAndIsHeldAgain) {
  Counter counter;
  MutexLock lock(counter.mutex);
  counter.value = 1;
  lock.unlock();
  std::thread([&counter] {
    const MutexLock inner(counter.mutex);
    counter.add_locked();
  }).join();
  lock.lock();
  EXPECT_EQ(counter.value, 2);
}

TEST(MutexTest, ScopeMayEndWithTheLockLetGo) {
  Counter counter;
  {
    MutexLock lock(counter.mutex);
    lock.unlock();
  }
  const MutexLock lock(counter.mutex);
  EXPECT_EQ(counter.value, 0);
}

TEST(ConditionTest, WaiterSeesWhatWasWrittenBeforeTheNotice) {
  Counter counter;
  std::thread waiter([&counter] {
    const MutexLock lock(counter.mutex);
    while (!counter.open) counter.changed.wait(counter.mutex);
    counter.add_locked();
  });
  {
    const MutexLock lock(counter.mutex);
    counter.value = 10;
    counter.open = true;
    counter.changed.notify_all();
  }
  waiter.join();
  const MutexLock lock(counter.mutex);
  EXPECT_EQ(counter.value, 11);
}

TEST(ConditionTest, WaitEndsAtItsTimeAndHoldsTheMutex) {
  Counter counter;
  const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(5);
  const MutexLock lock(counter.mutex);
  while (counter.changed.wait_until(counter.mutex, until)) {
  }
  EXPECT_GE(std::chrono::steady_clock::now(), until);
  counter.add_locked();
  EXPECT_EQ(counter.value, 1);
}

}  // namespace
}  // namespace freshet
