#pragma once

#include <string>
#include <vector>

#include "runtime/base/error.h"
#include "runtime/base/fd.h"
#include "runtime/wire/messages.h"

namespace freshet::sandbox {

// What a locked role holds besides its socket.
struct LockedRole {
  // The roots' directories (O_PATH), then a broker's tops', in the order of Setup. Worker: empty with a private root, where
  // root N is private_root_path(N).
  std::vector<Fd> roots;
  Fd plugin;                // the sealed memfd: probe, and a worker without a private root
  std::string plugin_path;  // worker: what to load
};

// Locks this process as `setup` says and proves it to the manager: from the last step on, nothing in it needs to be
// trusted. `fds` are the descriptors that came with Setup. Called once, with a single thread, before anything of a
// plugin is touched. On an error the process is half locked: the caller reports it and ends.
Result<LockedRole> lock_role(int socket, const wire::Setup& setup, std::vector<Fd> fds);

}  // namespace freshet::sandbox
