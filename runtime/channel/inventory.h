#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "runtime/base/error.h"

namespace freshet::channel {

// What a live role holds, as the kernel shows it from outside. Source: proc(5).
struct Inventory {
  std::uint32_t threads = 0;
  std::uint64_t memory_bytes = 0;        // resident and anonymous: heap, stacks, changed data
  std::vector<std::string> descriptors;  // what each leads to; empty where /proc does not let us look
  std::uint32_t processes = 0;           // children
  std::uint32_t mounts = 0;              // in a mount namespace of its own
  std::uint32_t locks = 0;               // of files
};

// `proc`: its folder. Error kind `peer` when it has ended.
Result<Inventory> take_inventory(int proc, pid_t pid);

}  // namespace freshet::channel
