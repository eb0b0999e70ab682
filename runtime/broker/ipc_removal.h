#pragma once

#include "runtime/broker/session.h"

namespace freshet::broker {

// Phase ipc: removes System V and POSIX objects of the host, each only if it is still the very one that was planned and
// nobody uses it. This process runs as their owner, without a capability: what the kernel lets an owner remove, and of
// others nothing, is what it can. POSIX objects are files in Session::shm and Session::queues.
Verdict remove_ipc_objects(const Session& session, const wire::IpcRemove& message);

}  // namespace freshet::broker
