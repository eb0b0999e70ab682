#include "runtime/worker/buffer_pool.h"

#include <algorithm>
#include <bit>
#include <cstdlib>

namespace freshet::worker {

BufferPool::~BufferPool() {
  trim();
  for (const auto& [buffer, size_class] : borrowed_) std::free(buffer);
}

void* BufferPool::get(std::size_t bytes) {
  if (bytes > std::size_t{1} << kLargestClass) return nullptr;
  const std::size_t size_class =
      std::max(kSmallestClass, static_cast<std::size_t>(std::bit_width(bytes == 0 ? bytes : bytes - 1)));
  const MutexLock lock(mutex_);
  void* buffer = nullptr;
  if (auto& kept = free_[size_class]; !kept.empty()) {
    buffer = kept.back();
    kept.pop_back();
  } else {
    buffer = std::malloc(std::size_t{1} << size_class);
  }
  if (buffer != nullptr) borrowed_.emplace(buffer, size_class);
  return buffer;
}

void BufferPool::put(void* buffer) {
  const MutexLock lock(mutex_);
  const auto found = borrowed_.find(buffer);
  if (found == borrowed_.end()) return;
  auto& kept = free_[found->second];
  if (kept.size() < kKeptPerClass) {
    kept.push_back(buffer);
  } else {
    std::free(buffer);
  }
  borrowed_.erase(found);
}

std::uint32_t BufferPool::borrowed() const {
  const MutexLock lock(mutex_);
  return static_cast<std::uint32_t>(borrowed_.size());
}

void BufferPool::trim() {
  const MutexLock lock(mutex_);
  for (auto& kept : free_) {
    for (void* buffer : kept) std::free(buffer);
    kept = {};
  }
}

}  // namespace freshet::worker
