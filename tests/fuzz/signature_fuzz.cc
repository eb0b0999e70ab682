// LINK: freshet_policy
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "runtime/policy/signature.h"

// Signature and key files: whatever the bytes are, they are refused or they are what they say, and nothing verifies.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto key = freshet::policy::parse_trusted_key(text, "k", "k.pub");
  const auto signature = freshet::policy::parse_signature(text);
  constexpr std::array<unsigned char, 5> kFile{'b', 'y', 't', 'e', 's'};
  if (signature && freshet::policy::is_good(*signature, key ? *key : freshet::policy::TrustedKey{}, kFile)) std::abort();
  return 0;
}
