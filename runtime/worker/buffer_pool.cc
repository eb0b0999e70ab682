#include "runtime/worker/buffer_pool.h"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <cstring>

namespace freshet::worker {
namespace {

constexpr int kPattern = 0xA5;

}  // namespace

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
    check(buffer, size_class);
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
    std::memset(buffer, kPattern, std::min(kWatched, std::size_t{1} << found->second));
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

std::uint64_t BufferPool::borrowed_bytes() const {
  const MutexLock lock(mutex_);
  std::uint64_t bytes = 0;
  for (const auto& [buffer, size_class] : borrowed_) bytes += std::uint64_t{1} << size_class;
  return bytes;
}

std::uint32_t BufferPool::spoiled() const {
  const MutexLock lock(mutex_);
  return spoiled_;
}

void BufferPool::check(const void* buffer, std::size_t size_class) {
  const std::size_t watched = std::min(kWatched, std::size_t{1} << size_class);
  const auto* bytes = static_cast<const unsigned char*>(buffer);
  // The first byte is right, and every other equals the one before it.
  if (bytes[0] != kPattern || std::memcmp(bytes, bytes + 1, watched - 1) != 0) ++spoiled_;
}

void BufferPool::trim() {
  const MutexLock lock(mutex_);
  for (std::size_t size_class = 0; size_class < std::size(free_); ++size_class) {
    for (void* buffer : free_[size_class]) {
      check(buffer, size_class);
      std::free(buffer);
    }
    free_[size_class] = {};
  }
}

}  // namespace freshet::worker
