#pragma once

#include <cstdint>

#include "runtime/base/error.h"
#include "runtime/wire/messages.h"

namespace freshet::sandbox {

// Gives up ids and capabilities for good, in the order the kernel needs: bounding set and securebits (they need
// CAP_SETPCAP), then the ids, then the capability sets, which are read back and compared. Single-threaded only.
Status drop_credentials(const wire::Setup& setup);

}  // namespace freshet::sandbox
