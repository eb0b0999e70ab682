// LINK: freshet_store
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "runtime/store/lock_file.h"

// What parses is formatted back to the same bytes' meaning: no lock file can make a holder claim other roots.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto roots = freshet::store::parse_lock_file({reinterpret_cast<const char*>(data), size});
  if (!roots) return 0;
  const auto again = freshet::store::parse_lock_file(freshet::store::format_lock_file(*roots));
  if (!again || *again != *roots) std::abort();
  return 0;
}
