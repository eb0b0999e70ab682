// LINK: freshet_manifest_reader
//
// A plugin's own words: toml_guard, toml11 and the typed reader behind them.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "runtime/manifest/reader.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto manifest = freshet::manifest::parse_manifest(text);
  if (!manifest) {
    if (manifest.error().code.empty() || manifest.error().what.empty()) std::abort();
    return 0;
  }
  // What the manager may rely on.
  if (manifest->id.empty() || manifest->kinds.empty() || manifest->abi_min >= manifest->abi_below) std::abort();
  for (const auto& kind : manifest->kinds) {
    if (kind.name.empty()) std::abort();
    for (const auto& name : kind.requires_) {
      if (!freshet::manifest::find_kind(*manifest, name)) std::abort();
    }
  }
  return 0;
}
