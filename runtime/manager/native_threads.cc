#include "runtime/manager/native_threads.h"

#include <algorithm>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "runtime/base/units.h"
#include "runtime/manager/calling_tasks.h"
#include "runtime/manager/native_exception.h"
#include "runtime/manager/native_numbers.h"

namespace freshet {
namespace {

// The pool whose piece of work this thread runs.
thread_local const BoundedThreadPool* working_for = nullptr;

// The work is destroyed before this returns: what it holds of the task's memory is back before anybody's wait() ends.
std::optional<std::string> run_piece(std::function<void()> work) {
  try {
    work();
    return std::nullopt;
  } catch (...) {
    return describe_exception();
  }
}

// "2 pieces of work still ran (number 3, 4)"
void append_pieces(std::string& text, const std::vector<std::uint64_t>& numbers, const char* how) {
  if (numbers.empty()) return;
  if (!text.empty()) text += "; ";
  text += counted(numbers.size(), "piece of work ", "pieces of work ") + how + " (number " + list_numbers(numbers) + ")";
}

}  // namespace

BoundedThreadPool::BoundedThreadPool(std::size_t size, std::vector<std::string> callers)
    : size_(std::clamp<std::size_t>(size, 1, 64)), callers_(std::move(callers)) {
  const MutexLock lock(mutex_);
  threads_.reserve(size_);
  running_.resize(size_);
}

BoundedThreadPool::~BoundedThreadPool() {
  note_return();
  join();
}

void BoundedThreadPool::submit(std::function<void()> work) {
  const MutexLock lock(mutex_);
  if (closed_) throw std::logic_error("work was submitted after the task's function had returned");
  queue_.push_back({submitted_ + 1, std::move(work)});
  if (threads_.size() < size_ && threads_.size() - busy_ < queue_.size()) {
    try {
      threads_.emplace_back([this, index = threads_.size()] { run_thread(index); });
    } catch (const std::system_error&) {
      // Fewer threads are slower, none would never come to it.
      if (threads_.empty()) {
        work = std::move(queue_.back().work);
        queue_.pop_back();
        throw;
      }
    }
  }
  ++submitted_;
  work_or_end_.notify_one();
}

void BoundedThreadPool::wait() {
  if (working_for == this) throw std::logic_error("a piece of work waited for its own pool");
  const MutexLock lock(mutex_);
  while (!queue_.empty() || busy_ > 0) all_ended_.wait(mutex_);
}

std::size_t BoundedThreadPool::note_return() {
  const MutexLock lock(mutex_);
  if (!closed_) {
    closed_ = true;
    left_ = left_now();
    work_or_end_.notify_all();
  }
  return left_.pieces();
}

void BoundedThreadPool::join() {
  std::deque<Piece> dropped;  // destroyed without the lock: what the work holds is foreign
  std::vector<std::thread> threads;
  {
    const MutexLock lock(mutex_);
    dropped.swap(queue_);
    threads.swap(threads_);
    all_ended_.notify_all();
  }
  dropped.clear();
  for (std::thread& thread : threads) thread.join();
}

ResourceCheck BoundedThreadPool::check() const {
  const MutexLock lock(mutex_);
  const Left left = closed_ ? left_ : left_now();
  ResourceCheck check{"thread pool restoration", false, 0, left.pieces(), "pieces of work", ""};
  append_pieces(check.detail, left.running, "still ran");
  append_pieces(check.detail, left.queued, "still queued");
  check.passed = left.pieces() == 0 && threads_.empty() && busy_ == 0;
  return check;
}

std::optional<std::string> BoundedThreadPool::failure() const {
  const MutexLock lock(mutex_);
  return failure_;
}

ThreadUsage BoundedThreadPool::usage() const {
  const MutexLock lock(mutex_);
  return usage_;
}

void BoundedThreadPool::run_thread(std::size_t index) {
  working_for = this;
  const CallingScope scope(callers_);
  MutexLock lock(mutex_);
  while (true) {
    while (!closed_ && queue_.empty()) work_or_end_.wait(mutex_);
    if (closed_) break;  // what is queued then is left over, and not begun
    Piece piece = std::move(queue_.front());
    queue_.pop_front();
    running_[index] = piece.number;
    ++busy_;
    lock.unlock();
    std::optional<std::string> failed = run_piece(std::move(piece.work));
    lock.lock();
    running_[index] = 0;
    --busy_;
    if (failed && !failure_) failure_ = "piece of work " + std::to_string(piece.number) + ": " + *failed;
    if (busy_ == 0 && queue_.empty()) all_ended_.notify_all();
  }
  usage_ += usage_of_this_thread();
}

BoundedThreadPool::Left BoundedThreadPool::left_now() const {
  Left left;
  for (const std::uint64_t number : running_)
    if (number != 0) left.running.push_back(number);
  for (const Piece& piece : queue_) left.queued.push_back(piece.number);
  return left;
}

}  // namespace freshet
