#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "runtime/wire/messages.h"

namespace freshet::channel {

// How a role must look from outside once it is locked: what it was told, in the host's own terms.
struct RoleLock {
  wire::Role role = wire::Role::worker;
  bool loads = false;              // foreign code runs in it
  std::uint64_t capabilities = 0;
  std::uint32_t uid = 0;           // real, effective and saved
  std::uint32_t gid = 0;
  std::uint32_t fs_uid = 0;
  bool own_ids = false;            // it has given up the manager's
  std::uint32_t threads = 1;       // at most
  std::uint64_t memory_bytes = 0;  // 0: no limit
  std::uint64_t cpu_seconds = 0;
  std::uint64_t file_size_bytes = 0;
  std::uint32_t open_files = 0;
  std::uint32_t processes = 0;     // 0: not limited
  std::size_t roots = 0;
  // Of its namespaces, by name, as they were before it locked itself; empty where /proc shows them later on too.
  std::map<std::string, std::string> namespaces;
};

RoleLock role_lock(const wire::Setup& setup);

}  // namespace freshet::channel
