#pragma once

#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <unordered_map>

#include "runtime/base/mutex.h"
#include "runtime/manager/results.h"

namespace freshet {

// The memory of one call of a native task. Every block comes from the system allocator by itself, so that
// AddressSanitizer watches its ends; all are counted. What was not returned is freed with this object, after it was
// reported. Thread-safe; mutex_ is not held while the system allocator is called.
class AccountedMemory final : public std::pmr::memory_resource {
 public:
  AccountedMemory() = default;
  ~AccountedMemory() override;
  AccountedMemory(const AccountedMemory&) = delete;
  AccountedMemory& operator=(const AccountedMemory&) = delete;

  // The function has returned: what is out now is leaked, though it may still come back during the clean-up.
  void note_return();

  // "memory reclamation": passed when nothing is out, nothing was out at note_return, and every block came back once,
  // to where it is from, with the size it was asked for.
  [[nodiscard]] ResourceCheck check() const;

  // Of `check`: blocks, where it gives bytes.
  [[nodiscard]] std::uint64_t leaked_blocks() const;
  [[nodiscard]] std::uint64_t peak_bytes() const;

 private:
  struct Block {
    std::size_t bytes = 0;
    std::size_t alignment = 0;
  };
  struct Amount {
    std::uint64_t bytes = 0;
    std::uint64_t blocks = 0;
  };

  void* do_allocate(std::size_t bytes, std::size_t alignment) override;
  void do_deallocate(void* memory, std::size_t bytes, std::size_t alignment) override;
  [[nodiscard]] bool do_is_equal(const std::pmr::memory_resource& other) const noexcept override;

  [[nodiscard]] Amount leaked() const FRESHET_REQUIRES(mutex_);

  mutable Mutex mutex_;
  std::unordered_map<void*, Block> blocks_ FRESHET_GUARDED_BY(mutex_);
  Amount live_ FRESHET_GUARDED_BY(mutex_);
  Amount at_return_ FRESHET_GUARDED_BY(mutex_);
  std::uint64_t peak_bytes_ FRESHET_GUARDED_BY(mutex_) = 0;
  std::uint64_t unknown_returns_ FRESHET_GUARDED_BY(mutex_) = 0;  // of a block that is not out
  std::uint64_t wrong_sizes_ FRESHET_GUARDED_BY(mutex_) = 0;
};

}  // namespace freshet
