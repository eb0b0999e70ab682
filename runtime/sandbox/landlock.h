#pragma once

#include <cstdint>
#include <span>

#include "runtime/base/error.h"

namespace freshet::sandbox {

// What is allowed beneath an opened file or directory (kLandlock* of kernel.h).
struct LandlockGrant {
  int fd = -1;  // not owned
  std::uint64_t allowed = 0;
};

// Restricts the calling thread (call it while there is only one) to the grants: everything the ABI can forbid is
// forbidden elsewhere. A right that this ABI does not know is left out of a grant.
Status restrict_to(std::uint32_t abi, std::span<const LandlockGrant> grants);

// The equal mask of a broker's roots and quarantine areas: a directory moves out and back only if neither side has a
// right that the other lacks. No MAKE_CHAR and MAKE_BLOCK: device nodes do not move.
std::uint64_t broker_rights();

}  // namespace freshet::sandbox
