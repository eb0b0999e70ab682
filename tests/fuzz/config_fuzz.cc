// LINK: freshet_config
// Whatever a configuration file holds, it is a configuration or a list of errors that can be shown.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "runtime/config/config.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  // Twice the same file: everything in it is then a duplicate, too.
  for (const auto& texts : {std::vector<freshet::config::NamedText>{{"a", text}},
                            std::vector<freshet::config::NamedText>{{"a", text}, {"b", text}}}) {
    const auto loaded = freshet::config::load_texts(texts);
    if (loaded) continue;
    if (loaded.error().empty()) std::abort();
    for (const auto& diagnostic : loaded.error()) {
      if (freshet::config::format(diagnostic).empty()) std::abort();
    }
  }
  return 0;
}
