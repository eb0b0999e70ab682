#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "runtime/base/identity.h"

namespace freshet::broker {

// Bytes that removals of one file system take: a file with several links counts once, with the last of its links. Each
// unit is noted first and then either committed or discarded.
class LinkLedger {
 public:
  void note(const EntryStat& entry);
  [[nodiscard]] std::uint64_t noted_bytes() const { return noted_bytes_; }
  void commit();
  void discard();

 private:
  struct Links {
    std::uint32_t gone = 0;
    std::uint32_t noted = 0;
  };

  std::unordered_map<std::uint64_t, Links> links_;  // by inode; only files with several links
  std::vector<std::uint64_t> noted_;
  std::uint64_t noted_bytes_ = 0;
};

}  // namespace freshet::broker
