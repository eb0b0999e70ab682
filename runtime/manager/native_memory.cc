#include "runtime/manager/native_memory.h"

#include <algorithm>
#include <string>
#include <utility>

#include "runtime/base/units.h"

namespace freshet {
namespace {

std::pmr::memory_resource& system_memory() { return *std::pmr::new_delete_resource(); }

}  // namespace

AccountedMemory::~AccountedMemory() {
  const MutexLock lock(mutex_);
  for (const auto& [memory, block] : blocks_) system_memory().deallocate(memory, block.bytes, block.alignment);
}

void AccountedMemory::note_return() {
  const MutexLock lock(mutex_);
  at_return_ = live_;
}

AccountedMemory::Amount AccountedMemory::leaked() const {
  return at_return_.blocks >= live_.blocks ? at_return_ : live_;
}

ResourceCheck AccountedMemory::check() const {
  const MutexLock lock(mutex_);
  const Amount out = leaked();
  ResourceCheck check{"memory reclamation", false, 0, out.bytes, "bytes", ""};
  if (out.blocks > 0)
    check.detail = counted(out.bytes, "byte", "bytes") + " in " + counted(out.blocks, "block", "blocks") + " not returned";
  const auto add = [&check](std::uint64_t times, const char* what) {
    if (times == 0) return;
    if (!check.detail.empty()) check.detail += "; ";
    check.detail += counted(times, "time", "times") + what;
  };
  add(unknown_returns_, " a block was returned that is not out: returned before, or from elsewhere");
  add(wrong_sizes_, " a block was returned with another size or alignment than it was asked for");
  check.passed = check.detail.empty();
  return check;
}

std::uint64_t AccountedMemory::leaked_blocks() const {
  const MutexLock lock(mutex_);
  return leaked().blocks;
}

std::uint64_t AccountedMemory::peak_bytes() const {
  const MutexLock lock(mutex_);
  return peak_bytes_;
}

void* AccountedMemory::do_allocate(std::size_t bytes, std::size_t alignment) {
  void* memory = system_memory().allocate(bytes, alignment);
  try {
    const MutexLock lock(mutex_);
    blocks_.emplace(memory, Block{bytes, alignment});
    live_.bytes += bytes;
    ++live_.blocks;
    peak_bytes_ = std::max(peak_bytes_, live_.bytes);
  } catch (...) {
    system_memory().deallocate(memory, bytes, alignment);
    throw;
  }
  return memory;
}

void AccountedMemory::do_deallocate(void* memory, std::size_t bytes, std::size_t alignment) {
  Block block;
  {
    const MutexLock lock(mutex_);
    const auto found = blocks_.find(memory);
    if (found == blocks_.end()) {
      ++unknown_returns_;  // to free it would corrupt somebody's heap
      return;
    }
    block = found->second;
    blocks_.erase(found);
    live_.bytes -= block.bytes;
    --live_.blocks;
    if (block.bytes != bytes || block.alignment != alignment) ++wrong_sizes_;
  }
  system_memory().deallocate(memory, block.bytes, block.alignment);
}

bool AccountedMemory::do_is_equal(const std::pmr::memory_resource& other) const noexcept { return this == &other; }

}  // namespace freshet
