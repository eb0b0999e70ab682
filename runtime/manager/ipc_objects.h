#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/config/config.h"
#include "runtime/manager/in_use.h"
#include "runtime/wire/messages.h"

namespace freshet {

inline constexpr std::size_t kMaxIpcObjects = 1000;  // that one task is shown

// A message queue's times have whole seconds: what was used in the second of the look may be used again with nothing to show
// for it, and counts as in use.
inline constexpr std::int64_t kQueueClockNs = 1'100'000'000;  // with the tick by which the kernel's stamps are behind

// The objects of this process's IPC namespace, and of /dev/shm, that the grants cover; POSIX message queues last. What cannot
// be read is left out.
struct IpcListing {
  std::vector<wire::IpcObject> objects;
  bool more = false;                  // there are more than kMaxIpcObjects
  std::uint64_t unread_queues = 0;    // that this user may not open
  std::optional<Error> unseen_queues; // a grant covers queues, and none can be seen
  InUseOracle in_use;                 // of the POSIX objects
};
// One at a time in a process: another's look at a queue would look like a use of it.
IpcListing list_ipc_objects(const std::vector<config::IpcConfig>& grants);

// Processes of a System V object, 0 where the kernel names none: of another pid namespace, or never.
struct IpcProcesses {
  pid_t made = 0;
  pid_t used_last = 0;
};

// One line of /proc/sysvipc/shm, sem or msg after the first; false when it is none.
bool parse_ipc_line(wire::IpcKind kind, std::string_view line, wire::IpcObject& out, IpcProcesses& processes);

[[nodiscard]] bool is_covered(const wire::IpcObject& object, const std::vector<config::IpcConfig>& grants);

// "shm 32769 (key 0x0000cafe, 4MiB, uid 33)", "posix-shm name (4KiB, uid 33)"; with the bytes that are
// in the name.
std::string ipc_text(const wire::IpcObject& object);

}  // namespace freshet
