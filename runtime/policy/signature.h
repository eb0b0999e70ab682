#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/error.h"

// Signatures of plugin files: ed25519 in the file format of minisign(1), so that the ordinary tool signs and verifies.
namespace freshet::policy {

inline constexpr std::string_view kSignatureSuffix = ".minisig";  // beside the plugin's file
inline constexpr std::string_view kKeysDirectory = "trusted-keys.d";  // beside the configuration
inline constexpr std::size_t kMaxSignatureBytes = 16 * 1024;
inline constexpr std::size_t kMaxKeyBytes = 16 * 1024;

using KeyId = std::array<std::uint8_t, 8>;
// As minisign shows it: 16 upper-case digits.
std::string to_string(const KeyId& id);

// One file of the trust store: the two lines of a minisign public key, then TOML that limits it. minisign itself reads the
// two lines only.
struct TrustedKey {
  std::string name;  // the file's, without ".pub"
  KeyId id{};
  std::array<std::uint8_t, 32> key{};
  std::optional<std::int64_t> valid_from_ns, valid_until_ns;  // since the epoch; `valid-from`, `valid-until`: dates in UTC
  std::vector<std::string> plugins;  // `plugins`: prefixes of the ids it may sign for; empty: any
};
// Error F1067, kind `invalid`, with file and line.
Result<TrustedKey> parse_trusted_key(std::string_view text, const std::string& name, const std::string& file);

// True where a prefix of the key covers the id: "org.example." covers "org.example.logs", and "org.example" that and itself.
bool may_sign_for(const TrustedKey& key, std::string_view plugin_id);

struct Signature {
  KeyId id{};
  bool hashed = true;  // of BLAKE2b-512 of the file; false: of the file itself, as old versions of minisign do
  std::array<std::uint8_t, 64> signature{};
  std::array<std::uint8_t, 64> comment_signature{};
  std::string comment;  // trusted once it is verified
};
// Error F1064, kind `invalid`.
Result<Signature> parse_signature(std::string_view text);

// The signature is this key's, and the file's bytes and the trusted comment are what its owner signed.
bool is_good(const Signature& signature, const TrustedKey& key, std::span<const unsigned char> file);

}  // namespace freshet::policy
