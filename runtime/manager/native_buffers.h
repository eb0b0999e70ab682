#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "runtime/base/mutex.h"
#include "runtime/manager/results.h"
#include "runtime/manager/task.h"

namespace freshet {

// The buffers of one call of a native task. Thread-safe; mutex_ guards the table and is held while a buffer is filled
// or compared, so a wrong return never meets a right one halfway.
//
// Each buffer stands between guard bytes, which are looked at when it is returned and at the end. A returned buffer is
// filled with a pattern and kept, and the pattern is looked at when it is lent again and at the end. So a write before
// the start, beyond the end (up to kGuard bytes) or after the return is found, unless it wrote what stood there already
// or the buffer was lent again before (the one returned first is lent first). The bytes of a loan are unspecified at
// first, and aligned to kGuard. All memory is freed with this object.
class GuardedBufferPool final : public BufferPool {
 public:
  static constexpr std::size_t kGuard = 64;

  GuardedBufferPool() = default;
  GuardedBufferPool(const GuardedBufferPool&) = delete;
  GuardedBufferPool& operator=(const GuardedBufferPool&) = delete;

  Buffer take(std::size_t bytes) override;
  // What is not out with this number and size is left alone and reported.
  void give_back(const Buffer& buffer) override;

  // The function has returned: what is out now was not returned, though it may still come back during the clean-up.
  void note_return();

  // "buffer pool", on buffers: passed when all were returned by note_return, once each and whole, and no byte was
  // written that was not lent. `after` is the number of buffers not returned and of faults. Looks at every byte that is
  // not lent, so only when nothing of the task runs any more; until then `check_counts` does without.
  ResourceCheck check();
  [[nodiscard]] ResourceCheck check_counts() const;

  // Of the check: buffers that were not returned.
  [[nodiscard]] std::uint64_t leaked_buffers() const;

 private:
  struct FreeMemory {
    void operator()(std::byte* memory) const;
  };
  struct Block {
    std::unique_ptr<std::byte, FreeMemory> memory;  // guard, capacity, guard
    std::size_t capacity = 0;
    std::size_t lent = 0;      // bytes of the last loan; the second guard follows them
    std::uint64_t number = 0;  // of the last loan
    bool out = false;

    [[nodiscard]] std::byte* bytes() const { return memory.get() + kGuard; }
  };
  struct Out {
    std::vector<std::uint64_t> numbers;
    std::uint64_t bytes = 0;
  };

  Block& new_block(std::size_t capacity) FRESHET_REQUIRES(mutex_);
  void look_at_guards(const Block& block) FRESHET_REQUIRES(mutex_);
  void look_at_returned(const Block& block) FRESHET_REQUIRES(mutex_);
  void add_fault(std::string what) FRESHET_REQUIRES(mutex_);
  [[nodiscard]] ResourceCheck make_check() const FRESHET_REQUIRES(mutex_);
  [[nodiscard]] Out out_now() const FRESHET_REQUIRES(mutex_);
  [[nodiscard]] Out leaked() const FRESHET_REQUIRES(mutex_);

  mutable Mutex mutex_;
  std::unordered_map<const std::byte*, Block> blocks_ FRESHET_GUARDED_BY(mutex_);  // by where their bytes begin
  std::map<std::size_t, std::deque<Block*>> returned_ FRESHET_GUARDED_BY(mutex_);  // by capacity
  std::uint64_t loans_ FRESHET_GUARDED_BY(mutex_) = 0;                             // so far: the number of the last one
  Out at_return_ FRESHET_GUARDED_BY(mutex_);
  std::uint64_t faults_ FRESHET_GUARDED_BY(mutex_) = 0;
  std::vector<std::string> first_faults_ FRESHET_GUARDED_BY(mutex_);
};

}  // namespace freshet
