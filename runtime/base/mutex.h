#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

#include "runtime/base/thread_annotations.h"

namespace freshet {

// std::mutex with annotations. Guarded members name it: `int count_ FRESHET_GUARDED_BY(mutex_);`. Not recursive.
class FRESHET_CAPABILITY("mutex") Mutex {
 public:
  Mutex() = default;
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;

  void lock() FRESHET_ACQUIRE() { mutex_.lock(); }
  void unlock() FRESHET_RELEASE() { mutex_.unlock(); }

 private:
  friend class Condition;
  std::mutex mutex_;
};

// Holds a Mutex to the end of its scope: `const MutexLock lock(mutex_);`. One that is not const can be let go and taken
// again in between, for a call that must not be made under the lock.
class FRESHET_SCOPED_CAPABILITY MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) FRESHET_ACQUIRE(mutex) : mutex_(mutex) { mutex_.lock(); }
  ~MutexLock() FRESHET_RELEASE() {
    if (held_) mutex_.unlock();
  }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

  void unlock() FRESHET_RELEASE() {
    held_ = false;
    mutex_.unlock();
  }
  void lock() FRESHET_ACQUIRE() {
    mutex_.lock();
    held_ = true;
  }

 private:
  Mutex& mutex_;
  bool held_ = true;
};

// Condition variable for a Mutex. Every wait lets go of the mutex and holds it again when it returns, and may return
// without a reason. So it stands in a loop, where the analysis also sees what the condition reads (a predicate would be
// a lambda, which it looks at on its own):
//   while (!ready_) changed_.wait(mutex_);
// All waiters of a Condition use one mutex.
class Condition {
 public:
  Condition() = default;
  Condition(const Condition&) = delete;
  Condition& operator=(const Condition&) = delete;

  void wait(Mutex& mutex) FRESHET_REQUIRES(mutex) {
    std::unique_lock<std::mutex> lock(mutex.mutex_, std::adopt_lock);
    condition_.wait(lock);
    lock.release();
  }

  // False when `until` has passed. The clock is the monotonic one: a changed wall clock moves no deadline.
  bool wait_until(Mutex& mutex, std::chrono::steady_clock::time_point until) FRESHET_REQUIRES(mutex) {
    std::unique_lock<std::mutex> lock(mutex.mutex_, std::adopt_lock);
    const std::cv_status status = condition_.wait_until(lock, until);
    lock.release();
    return status == std::cv_status::no_timeout;
  }

  void notify_one() { condition_.notify_one(); }
  void notify_all() { condition_.notify_all(); }

 private:
  std::condition_variable condition_;
};

}  // namespace freshet
