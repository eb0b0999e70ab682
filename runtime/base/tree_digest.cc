#include "runtime/base/tree_digest.h"

#include <sodium.h>

#include <cstring>

namespace freshet {
namespace {

constexpr std::size_t kMaxName = 255;

template <class T>
unsigned char* put(unsigned char* at, T value) {
  std::memcpy(at, &value, sizeof value);
  return at + sizeof value;
}

}  // namespace

void TreeDigest::add(const Key& key, std::uint64_t parent_inode, std::string_view name, const Identity& identity) {
  unsigned char buffer[1 + 5 * 8 + 1 + kMaxName];
  unsigned char* at = put(buffer, std::uint8_t{1});
  at = put(at, parent_inode);
  at = put(at, identity.inode);
  at = put(at, identity.birth_ns);
  at = put(at, static_cast<std::uint8_t>(identity.type));
  at = put(at, identity.mtime_ns);
  at = put(at, identity.size);
  const std::size_t length = name.size() < kMaxName ? name.size() : kMaxName;  // the kernel's own limit
  std::memcpy(at, name.data(), length);
  add_term(key, buffer, static_cast<std::size_t>(at - buffer) + length);
}

void TreeDigest::add_listed(const Key& key, std::uint64_t parent_inode, std::string_view name, std::uint64_t inode,
                            EntryType type) {
  unsigned char buffer[1 + 2 * 8 + 1 + kMaxName];
  unsigned char* at = put(buffer, std::uint8_t{2});
  at = put(at, parent_inode);
  at = put(at, inode);
  at = put(at, static_cast<std::uint8_t>(type));
  const std::size_t length = name.size() < kMaxName ? name.size() : kMaxName;
  std::memcpy(at, name.data(), length);
  add_term(key, buffer, static_cast<std::size_t>(at - buffer) + length);
}

void TreeDigest::add_term(const Key& key, const unsigned char* bytes, std::size_t length) {
  unsigned char hash[crypto_shorthash_siphashx24_BYTES];
  static_assert(crypto_shorthash_siphashx24_KEYBYTES == std::tuple_size_v<Key>);
  crypto_shorthash_siphashx24(hash, bytes, length, key.data());
  TreeDigest term;
  std::memcpy(term.sum_.data(), hash, sizeof term.sum_);
  merge(term);
}

void TreeDigest::merge(const TreeDigest& other) {
  const std::uint64_t low = sum_[0] + other.sum_[0];
  const std::uint64_t carry = low < sum_[0] ? 1 : 0;
  sum_[0] = low;
  sum_[1] = sum_[1] + other.sum_[1] + carry;
}

TreeDigest TreeDigest::from_value(const Value& value) {
  TreeDigest out;
  out.sum_ = value;
  return out;
}

TreeDigest::Key TreeDigest::random_key() {
  Key key;
  randombytes_buf(key.data(), key.size());
  return key;
}

}  // namespace freshet
