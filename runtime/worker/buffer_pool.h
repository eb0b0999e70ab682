#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "runtime/base/mutex.h"

namespace freshet::worker {

// The buffers a plugin borrows. Sizes are rounded up to a power of two, and a few of each size are kept for the next
// borrower. Thread-safe.
class BufferPool {
 public:
  BufferPool() = default;
  ~BufferPool();
  BufferPool(const BufferPool&) = delete;
  BufferPool& operator=(const BufferPool&) = delete;

  void* get(std::size_t bytes);  // nullptr when there is no memory for it
  void put(void* buffer);        // ignores what was not borrowed here
  [[nodiscard]] std::uint32_t borrowed() const;
  void trim();                   // frees what nobody borrowed

 private:
  static constexpr std::size_t kSmallestClass = 12;  // 4 KiB
  static constexpr std::size_t kLargestClass = 30;   // 1 GiB, far beyond any memory limit
  static constexpr std::size_t kKeptPerClass = 8;

  mutable Mutex mutex_;
  std::unordered_map<void*, std::size_t> borrowed_ FRESHET_GUARDED_BY(mutex_);  // to its class
  std::vector<void*> free_[kLargestClass + 1] FRESHET_GUARDED_BY(mutex_);
};

}  // namespace freshet::worker
