#pragma once

#include "runtime/channel/role_process.h"

namespace freshet {

inline constexpr const char* kQueuePlace = "/dev/mqueue";

// The file system in which the POSIX message queues of this process's IPC namespace are files (mq_overview(7)): a mount of
// its own that is attached nowhere, where this process may make one; else what is mounted at kQueuePlace, which need not be
// this namespace's: what open_queue says of a queue settles that. Error kind `missing`: this kernel has no such queues, so
// there are none to be seen; any other: they cannot be seen, and what would let them.
Result<channel::OpenRoot> open_queue_directory();

// Opens a queue of this process's IPC namespace by its name, without its slash, to look at it: no message is taken and no
// time of it changes. Closing it ends a notification that this process itself has asked for (mq_notify(3)), so this is for
// queues that this process does not hold. The descriptor is invalid, with errno, when it cannot be had.
Fd open_queue(const std::string& name);

}  // namespace freshet
