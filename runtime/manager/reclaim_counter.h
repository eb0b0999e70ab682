#pragma once

#include <cstdint>
#include <unordered_map>

#include "runtime/manager/entry_file.h"

namespace freshet {

// Bytes on disk that come free when these entries go: a hard-linked file counts once, and only when every link goes.
class ReclaimCounter {
 public:
  void add(const PlanEntry& entry) {
    if (entry.links <= 1 || entry.identity.type == EntryType::directory) {
      bytes_ += entry.allocated;
      return;
    }
    std::uint64_t& seen = links_[entry.identity.inode];
    if (++seen == entry.links) bytes_ += entry.allocated;
  }
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }

 private:
  std::uint64_t bytes_ = 0;
  std::unordered_map<std::uint64_t, std::uint64_t> links_;  // inode -> links seen
};

}  // namespace freshet
