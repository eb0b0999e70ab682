#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "runtime/base/mutex.h"

namespace freshet::worker {

// The buffers a plugin borrows. Sizes are rounded up to a power of two, and a few of each size are kept for the next
// borrower. A kept one is filled with a pattern (its first kWatched bytes), so that a write after the return is seen.
// Thread-safe.
class BufferPool {
 public:
  BufferPool() = default;
  ~BufferPool();
  BufferPool(const BufferPool&) = delete;
  BufferPool& operator=(const BufferPool&) = delete;

  void* get(std::size_t bytes);  // nullptr when there is no memory for it
  void put(void* buffer);        // ignores what was not borrowed here
  [[nodiscard]] std::uint32_t borrowed() const;
  [[nodiscard]] std::uint64_t borrowed_bytes() const;
  // Buffers found written after their return, when they were lent again or freed by trim().
  [[nodiscard]] std::uint32_t spoiled() const;
  void trim();                   // frees what nobody borrowed

 private:
  static constexpr std::size_t kSmallestClass = 12;  // 4 KiB
  static constexpr std::size_t kLargestClass = 30;   // 1 GiB, far beyond any memory limit
  static constexpr std::size_t kKeptPerClass = 8;
  static constexpr std::size_t kWatched = 64 * 1024;

  void check(const void* buffer, std::size_t size_class) FRESHET_REQUIRES(mutex_);

  mutable Mutex mutex_;
  std::unordered_map<void*, std::size_t> borrowed_ FRESHET_GUARDED_BY(mutex_);  // to its class
  std::vector<void*> free_[kLargestClass + 1] FRESHET_GUARDED_BY(mutex_);
  std::uint32_t spoiled_ FRESHET_GUARDED_BY(mutex_) = 0;
};

}  // namespace freshet::worker
