#pragma once

#include <string>
#include <vector>

#include "runtime/channel/role_process.h"
#include "runtime/manager/results.h"

namespace freshet {

// The four resource checks of a worker or broker. A plugin's task has been destroyed when its worker is looked at again,
// and the process is still alive: that it ends afterwards makes no failed check a pass.
//
//   memory reclamation       what the host's allocator has lent to the plugin, back to kHeapAllowance of where it was
//                            before the plugin was loaded (the loader's own records stay), and what the kernel counts as
//                            the process's own memory, back to kMemoryAllowance (changed pages of the plugin's data,
//                            cached stacks); the second cannot be lied about
//   thread pool restoration  no more threads than before
//   channel resources        no more descriptors, processes, mounts and locks than before; and when it has ended, nothing
//                            of it left in this program
//   buffer pool              every buffer given back, none written afterwards (the host's count)
inline constexpr std::uint64_t kHeapAllowance = 64 * 1024;
inline constexpr std::uint64_t kMemoryAllowance = 4 * 1024 * 1024;

std::vector<ResourceCheck> worker_checks(const channel::Inventory& before, const channel::Inventory& after,
                                         const wire::Released& said);
// What a removal gives its broker to remember until its end.
struct BrokerLoad {
  std::size_t roots = 0;
  std::uint64_t table_bytes = 0;  // its slots
  std::uint64_t in_use = 0;       // inodes that are in use
  std::uint64_t linked = 0;       // entries with several links
};
// Of a broker that has answered for its last unit, all that apply: it has no buffer pool. `detail` names the broker. Of its
// memory it may keep kMemoryAllowance and what its load takes.
std::vector<ResourceCheck> broker_checks(const channel::Inventory& before, const channel::Inventory& after, const BrokerLoad& load);
// Of a role that ended before it could be looked at: nothing is known, so nothing has passed.
std::vector<ResourceCheck> unseen_checks(const std::string& why);
// After its end.
void check_gone(std::vector<ResourceCheck>& checks, const channel::RoleProcess& role);

}  // namespace freshet
