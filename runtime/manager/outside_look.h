#pragma once

#include <sys/types.h>

#include <vector>

#include "runtime/manager/cleanup_manager.h"

namespace freshet {

// What /proc says of a locked role process, read from outside: no_new_privs, seccomp mode, capabilities, namespaces,
// descriptors. Source: proc(5).
std::vector<IsolationCheck> look_from_outside(pid_t pid);

}  // namespace freshet
