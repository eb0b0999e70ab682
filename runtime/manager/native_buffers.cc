#include "runtime/manager/native_buffers.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <new>
#include <optional>
#include <span>
#include <utility>

#include "runtime/base/units.h"
#include "runtime/manager/native_numbers.h"

namespace freshet {
namespace {

constexpr std::byte kGuardByte{0xFB};
constexpr std::byte kReturnedByte{0xDD};
constexpr std::size_t kSmallest = 256;
constexpr std::size_t kLargest = std::size_t{1} << 38;  // more is a mistake of the caller
constexpr std::align_val_t kAlignment{GuardedBufferPool::kGuard};
constexpr std::size_t kFaultsTold = 4;

void fill(std::span<std::byte> bytes, std::byte with) { std::ranges::fill(bytes, with); }

// Index of the first byte that is not `expected`.
std::optional<std::size_t> first_other(std::span<const std::byte> bytes, std::byte expected) {
  // One comparison of the bytes with themselves, shifted, goes at the speed of memory.
  if (bytes.empty() || (bytes[0] == expected && std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0))
    return std::nullopt;
  const auto found = std::ranges::find_if(bytes, [expected](std::byte byte) { return byte != expected; });
  return static_cast<std::size_t>(found - bytes.begin());
}

std::string named(std::uint64_t number, std::size_t bytes) {
  return "buffer " + std::to_string(number) + " (" + counted(bytes, "byte", "bytes") + ") was ";
}

}  // namespace

void GuardedBufferPool::FreeMemory::operator()(std::byte* memory) const { ::operator delete(memory, kAlignment); }

Buffer GuardedBufferPool::take(std::size_t bytes) {
  if (bytes > kLargest) throw std::bad_alloc();
  const std::size_t capacity = std::max(kSmallest, std::bit_ceil(bytes));
  const MutexLock lock(mutex_);
  std::deque<Block*>& free = returned_[capacity];
  Block* block = nullptr;
  if (free.empty()) {
    block = &new_block(capacity);
  } else {
    block = free.front();
    look_at_returned(*block);
    free.pop_front();
  }
  block->lent = bytes;
  block->number = ++loans_;
  block->out = true;
  fill({block->bytes() - kGuard, kGuard}, kGuardByte);
  fill({block->bytes() + bytes, kGuard}, kGuardByte);
  return {{block->bytes(), bytes}, block->number};
}

void GuardedBufferPool::give_back(const Buffer& buffer) {
  const MutexLock lock(mutex_);
  const auto found = blocks_.find(buffer.bytes.data());
  if (found == blocks_.end()) {
    add_fault("a buffer was returned that is not of this pool (number " + std::to_string(buffer.number) + ")");
    return;
  }
  Block& block = found->second;
  if (!block.out || block.number != buffer.number) {
    add_fault(named(buffer.number, buffer.bytes.size()) + "returned twice");
    return;
  }
  if (block.lent != buffer.bytes.size()) {
    add_fault(named(block.number, block.lent) + "returned with " + counted(buffer.bytes.size(), "byte", "bytes"));
    return;
  }
  returned_[block.capacity].push_back(&block);
  look_at_guards(block);
  fill({block.bytes() - kGuard, kGuard}, kGuardByte);
  fill({block.bytes(), block.lent}, kReturnedByte);
  fill({block.bytes() + block.lent, kGuard}, kGuardByte);
  block.out = false;
}

void GuardedBufferPool::note_return() {
  const MutexLock lock(mutex_);
  at_return_ = out_now();
}

ResourceCheck GuardedBufferPool::check() {
  const MutexLock lock(mutex_);
  for (const auto& [bytes, block] : blocks_) {
    if (block.out) {
      look_at_guards(block);
    } else {
      look_at_returned(block);
    }
  }
  return make_check();
}

ResourceCheck GuardedBufferPool::check_counts() const {
  const MutexLock lock(mutex_);
  return make_check();
}

std::uint64_t GuardedBufferPool::leaked_buffers() const {
  const MutexLock lock(mutex_);
  return leaked().numbers.size();
}

GuardedBufferPool::Block& GuardedBufferPool::new_block(std::size_t capacity) {
  Block block;
  block.memory.reset(static_cast<std::byte*>(::operator new(capacity + 2 * kGuard, kAlignment)));
  block.capacity = capacity;
  const std::byte* bytes = block.bytes();
  return blocks_.emplace(bytes, std::move(block)).first->second;
}

void GuardedBufferPool::look_at_guards(const Block& block) {
  if (const auto at = first_other({block.bytes() - kGuard, kGuard}, kGuardByte))
    add_fault(named(block.number, block.lent) + "written before its start, at byte -" + std::to_string(kGuard - *at));
  if (const auto at = first_other({block.bytes() + block.lent, kGuard}, kGuardByte))
    add_fault(named(block.number, block.lent) + "written beyond its end, at byte " + std::to_string(block.lent + *at));
}

void GuardedBufferPool::look_at_returned(const Block& block) {
  if (const auto at = first_other({block.bytes(), block.lent}, kReturnedByte))
    add_fault(named(block.number, block.lent) + "written after its return, at byte " + std::to_string(*at));
  look_at_guards(block);
}

void GuardedBufferPool::add_fault(std::string what) {
  ++faults_;
  if (first_faults_.size() < kFaultsTold) first_faults_.push_back(std::move(what));
}

ResourceCheck GuardedBufferPool::make_check() const {
  const Out out = leaked();
  ResourceCheck check{"buffer pool", false, 0, out.numbers.size() + faults_, "buffers", ""};
  if (!out.numbers.empty())
    check.detail = counted(out.numbers.size(), "buffer", "buffers") + " of " + counted(out.bytes, "byte", "bytes") +
                   " not returned (number " + list_numbers(out.numbers) + ")";
  for (const std::string& fault : first_faults_) check.detail += (check.detail.empty() ? "" : "; ") + fault;
  if (faults_ > kFaultsTold) check.detail += "; and " + format_count(faults_ - kFaultsTold) + " more";
  check.passed = check.after == 0;
  return check;
}

GuardedBufferPool::Out GuardedBufferPool::out_now() const {
  Out out;
  for (const auto& [bytes, block] : blocks_) {
    if (!block.out) continue;
    out.numbers.push_back(block.number);
    out.bytes += block.lent;
  }
  std::ranges::sort(out.numbers);
  return out;
}

GuardedBufferPool::Out GuardedBufferPool::leaked() const {
  Out now = out_now();
  return at_return_.numbers.size() >= now.numbers.size() ? at_return_ : now;
}

}  // namespace freshet
