// LINK: freshet_policy
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "runtime/policy/lockfile.h"

// What parses is formatted back to the same meaning: no lock file can say of a plugin what it will not say again.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto pins = freshet::policy::parse_lockfile({reinterpret_cast<const char*>(data), size}, "freshet.lock");
  if (!pins) return 0;
  const auto again = freshet::policy::parse_lockfile(freshet::policy::format_lockfile(*pins), "freshet.lock");
  if (!again || *again != *pins) std::abort();
  return 0;
}
