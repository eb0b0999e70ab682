// LINK: freshet_manifest_reader
//
// A plugin's file, as the probe reads it: elf.cc, and behind it libelf. The seeds are tests/plugins/refused/plain.c and
// the like, compiled with -Os -nostdlib -Wl,-z,noseparate-code -s, so that they are small.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "runtime/manifest/reader.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto facts = freshet::manifest::read_elf(bytes);
  if (freshet::manifest::name_addresses(bytes, {0, 0x1000, ~0ULL}).size() != 3) std::abort();  // whatever the bytes
  if (facts) {
    if (facts->manifest_text.empty() || facts->manifest_text.size() > freshet::manifest::kMaxManifestBytes) std::abort();
  } else if (facts.error().code.empty() || facts.error().what.empty()) {
    std::abort();
  }
  return 0;
}
