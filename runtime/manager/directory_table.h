#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/error.h"

namespace freshet {

inline constexpr std::uint32_t kNoNode = 0xFFFFFFFFU;

// One directory that a task's scan opened.
struct DirectoryNode {
  std::uint32_t parent = kNoNode;  // kNoNode: a root
  std::uint32_t root = 0;
  std::uint64_t inode = 0;
  std::int64_t birth_ns = 0;
  std::uint64_t seen = 0;  // entries listed
  std::uint32_t depth = 0;
  std::uint32_t name_offset = 0;
  std::uint32_t path_length = 0;  // below the root
  std::uint8_t name_length = 0;
  bool complete = false;  // listed to its end without an error
};

// The directories of one task's plan. Parents come before their children. Memory: some 50 bytes and the name for each
// directory, nothing for a file.
class DirectoryTable {
 public:
  // kNoNode when the table is full (2^32 - 2 directories or 4 GiB of names).
  std::uint32_t add(DirectoryNode node, std::string_view name);

  [[nodiscard]] std::size_t size() const { return nodes_.size(); }
  [[nodiscard]] DirectoryNode& node(std::uint32_t id) { return nodes_[id]; }
  [[nodiscard]] const DirectoryNode& node(std::uint32_t id) const { return nodes_[id]; }
  [[nodiscard]] std::string_view name(std::uint32_t id) const;
  // Relative to the root, "" for the root itself.
  [[nodiscard]] std::string path(std::uint32_t id) const;
  // Bytes that path() would have.
  [[nodiscard]] std::size_t path_length(std::uint32_t id) const { return nodes_[id].path_length; }
  [[nodiscard]] std::size_t name_bytes() const { return names_.size(); }

  Status save(const std::string& file) const;
  // Refuses (kind `invalid`) what save could not have written: bad parents, names, sizes. `roots` bounds the roots.
  static Result<DirectoryTable> load(const std::string& file, std::uint32_t roots);

 private:
  std::vector<DirectoryNode> nodes_;
  std::string names_;
};

}  // namespace freshet
