#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "runtime/base/identity.h"

namespace freshet {

// Digest of the set of entries below a directory, as two parties see it. It is the sum modulo 2^128 of
// SipHash-2-4-128 over (inode of the parent, name, what is known of the entry) under a random key that only the
// manager and one broker hold. A sum needs no order, so neither side sorts; whoever does not know the key can
// neither find two sets with one digest nor aim at a digest (every term is a fresh 128-bit random number to him).
// A parent's inode in each term ties the tree together: equal digests mean the same tree, not only the same names.
class TreeDigest {
 public:
  using Key = std::array<std::uint8_t, 16>;
  using Value = std::array<std::uint64_t, 2>;

  // Full terms: name and identity. Costs one statx an entry.
  void add(const Key& key, std::uint64_t parent_inode, std::string_view name, const Identity& identity);
  // Weak terms: name, inode, type, as getdents64 gives them for free: enough to see arrivals and replacements.
  void add_listed(const Key& key, std::uint64_t parent_inode, std::string_view name, std::uint64_t inode, EntryType type);
  void merge(const TreeDigest& other);

  [[nodiscard]] const Value& value() const { return sum_; }
  bool operator==(const TreeDigest&) const = default;

  static TreeDigest from_value(const Value& value);
  static Key random_key();

 private:
  void add_term(const Key& key, const unsigned char* bytes, std::size_t length);

  Value sum_{};
};

}  // namespace freshet
