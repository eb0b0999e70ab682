#pragma once

#include <cstdint>

#include "runtime/base/error.h"
#include "runtime/wire/messages.h"

namespace freshet::sandbox {

// From here on files are made as the role's own id. Until then it is root's, which a worker that sees owners by a map
// (user_map.h, viewer_maps) has no name for, and may therefore make nothing.
Status make_files_as(const wire::Setup& setup);

// Gives up ids and capabilities for good, in the order the kernel needs: bounding set and securebits (they need
// CAP_SETPCAP), then the ids, then the capability sets, which are read back and compared. Single-threaded only.
Status drop_credentials(const wire::Setup& setup);

}  // namespace freshet::sandbox
