#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "runtime/manager/native_buffers.h"
#include "runtime/manager/native_memory.h"
#include "runtime/manager/native_threads.h"
#include "runtime/manager/native_usage.h"
#include "runtime/manager/results.h"
#include "runtime/manager/task.h"

namespace freshet {

// What one call of a native task's function runs in. Made for the call and gone with it. Thread-safe, but for
// `note_return` and `finish`, which the thread of the call makes in this order after the function returned.
//
// The four checks look at what this context handed out, and at nothing else:
//   memory reclamation       bytes that memory() gave and did not get back
//   thread pool restoration  pieces of work in threads() that had not ended; its threads are joined
//   channel resources        all of these together: blocks of memory, pieces of work and buffers
//   buffer pool              buffers that buffers() lent and did not get back, and writes into what was not lent
// They do not look at the descriptors, processes, mounts, memfds, temporary files, locks, threads and memory that the
// function has from elsewhere. The host opens and closes its own beside the task all the time, so that a count over the
// process would be right only if nothing else ran.
// What was out when the function returned is leaked, whether or not it comes back in the clean-up.
class NativeContext final : public TaskContext {
 public:
  NativeContext(std::size_t threads, std::vector<std::string> callers) : pool_(threads, std::move(callers)) {}

  [[nodiscard]] std::stop_token stop() const override { return stop_.get_token(); }
  void count(std::uint64_t entries, std::uint64_t bytes) override;
  [[nodiscard]] std::pmr::memory_resource& memory() override { return memory_; }
  [[nodiscard]] ThreadPool& threads() override { return pool_; }
  [[nodiscard]] BufferPool& buffers() override { return buffers_; }

  // Runs the stop callbacks that the task registered, on this thread: no lock is to be held.
  void request_stop() { stop_.request_stop(); }

  // The function has returned: notes what is out. True if work is left in the pool, for which `finish` has to wait.
  bool note_return();

  // Cleans up: requests the stop if work is left, drops what is queued, waits for what runs, joins the pool's threads.
  // Then the four checks, in the order above.
  std::vector<ResourceCheck> finish();

  // The checks of a call that has not ended: with what is out now, and none passed.
  [[nodiscard]] std::vector<ResourceCheck> unfinished_checks() const;

  [[nodiscard]] std::uint64_t entries() const { return entries_; }
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }
  [[nodiscard]] std::uint64_t peak_bytes() const { return memory_.peak_bytes(); }
  [[nodiscard]] std::optional<std::string> work_failure() const { return pool_.failure(); }
  [[nodiscard]] ThreadUsage pool_usage() const { return pool_.usage(); }

 private:
  [[nodiscard]] ResourceCheck channel_check(std::uint64_t pieces) const;

  std::atomic<std::uint64_t> entries_ = 0;
  std::atomic<std::uint64_t> bytes_ = 0;
  std::stop_source stop_;
  AccountedMemory memory_;
  GuardedBufferPool buffers_;
  BoundedThreadPool pool_;  // the last: its work may hold memory and buffers
};

}  // namespace freshet
