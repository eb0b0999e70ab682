#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "runtime/base/mutex.h"
#include "runtime/manager/native_usage.h"
#include "runtime/manager/results.h"
#include "runtime/manager/task.h"

namespace freshet {

// The threads of one call of a native task. Thread-safe; mutex_ is not held while a piece of work runs or is destroyed.
// A thread is started only when work waits that no idle one can take.
class BoundedThreadPool final : public ThreadPool {
 public:
  // `size` is brought into 1 to 64. `callers`: the tasks that its threads work for, as calling_tasks() has them.
  explicit BoundedThreadPool(std::size_t size, std::vector<std::string> callers = {});
  ~BoundedThreadPool() override;  // as join()
  BoundedThreadPool(const BoundedThreadPool&) = delete;
  BoundedThreadPool& operator=(const BoundedThreadPool&) = delete;

  // Throws std::system_error when not a single thread can be started, and std::logic_error after note_return.
  void submit(std::function<void()> work) override;
  // Throws std::logic_error when it is called by a piece of work of this pool, which would wait for itself.
  void wait() override;
  [[nodiscard]] std::size_t size() const override { return size_; }

  // The function has returned: no further work is taken or begun, and what has not ended is left over. Returns the
  // number of pieces left.
  std::size_t note_return();

  // Drops what is queued and waits for what runs; then all threads are gone. Only after note_return.
  void join();

  // "thread pool restoration", on pieces of work: passed when none was left at note_return (or now, before it) and all
  // threads are joined.
  [[nodiscard]] ResourceCheck check() const;

  // What the first piece of work that threw said, with its number.
  [[nodiscard]] std::optional<std::string> failure() const;

  // Of its threads that have ended.
  [[nodiscard]] ThreadUsage usage() const;

 private:
  struct Piece {
    std::uint64_t number = 0;  // from 1, in the order they were submitted
    std::function<void()> work;
  };
  struct Left {
    std::vector<std::uint64_t> running;
    std::vector<std::uint64_t> queued;

    [[nodiscard]] std::size_t pieces() const { return running.size() + queued.size(); }
  };

  void run_thread(std::size_t index);
  [[nodiscard]] Left left_now() const FRESHET_REQUIRES(mutex_);

  const std::size_t size_;
  const std::vector<std::string> callers_;

  mutable Mutex mutex_;
  Condition work_or_end_;
  Condition all_ended_;
  std::vector<std::thread> threads_ FRESHET_GUARDED_BY(mutex_);
  std::vector<std::uint64_t> running_ FRESHET_GUARDED_BY(mutex_);  // by thread: the piece it runs, 0: idle
  std::deque<Piece> queue_ FRESHET_GUARDED_BY(mutex_);
  std::uint64_t submitted_ FRESHET_GUARDED_BY(mutex_) = 0;
  std::size_t busy_ FRESHET_GUARDED_BY(mutex_) = 0;  // threads that run a piece
  bool closed_ FRESHET_GUARDED_BY(mutex_) = false;
  Left left_ FRESHET_GUARDED_BY(mutex_);  // at note_return
  std::optional<std::string> failure_ FRESHET_GUARDED_BY(mutex_);
  ThreadUsage usage_ FRESHET_GUARDED_BY(mutex_);
};

}  // namespace freshet
