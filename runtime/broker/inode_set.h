#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace freshet::broker {

// Inodes that are in use or locked, by device. Filled once, then sealed, then only asked.
class InodeSet {
 public:
  void add(std::uint64_t dev, std::uint64_t inode) { entries_.emplace_back(dev, inode); }
  void seal() {
    std::sort(entries_.begin(), entries_.end());
    entries_.erase(std::unique(entries_.begin(), entries_.end()), entries_.end());
  }
  [[nodiscard]] bool contains(std::uint64_t dev, std::uint64_t inode) const {
    return !entries_.empty() && std::binary_search(entries_.begin(), entries_.end(), std::pair(dev, inode));
  }
  [[nodiscard]] std::size_t size() const { return entries_.size(); }

 private:
  std::vector<std::pair<std::uint64_t, std::uint64_t>> entries_;
};

}  // namespace freshet::broker
