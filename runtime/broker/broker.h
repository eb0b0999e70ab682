#pragma once

#include <vector>

#include "runtime/base/fd.h"
#include "runtime/wire/messages.h"

namespace freshet::broker {

inline constexpr int kExitDone = 0;
inline constexpr int kExitFailed = 1;  // Failed was sent, or the manager is gone

// The broker role after its process was locked: carries out the one phase that Begin names (remove, restore, purge or
// trial) and returns the process's exit code.
//
// Peer: the manager, on `socket` (not owned). Its packets are decoded under caps; what a phase does not permit, repeats
// or sends out of order ends the broker with Failed. Distrusts: everything the file system says. Never throws.
// `roots` are O_PATH directories in the order of `setup.roots`; `setup.fs_uid` is the uid that statx shows for what
// this process makes. Single-threaded.
int run_broker(int socket, const wire::Setup& setup, std::vector<Fd> roots);

}  // namespace freshet::broker
