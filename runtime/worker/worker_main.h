#pragma once

#include "runtime/sandbox/lock.h"
#include "runtime/wire/messages.h"

namespace freshet::worker {

// The worker's life after the lock, to its end. See worker_main.cc.
[[noreturn]] void run_worker(int socket, const wire::Setup& setup, const sandbox::LockedRole& role);

}  // namespace freshet::worker
