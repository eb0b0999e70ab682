#pragma once

#include "runtime/sandbox/lock.h"
#include "runtime/wire/messages.h"

namespace freshet::worker {

// The probe's life after the lock; the exit code. See probe_main.cc.
int run_probe(int socket, const sandbox::LockedRole& role);

}  // namespace freshet::worker
