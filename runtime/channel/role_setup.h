#pragma once

#include <vector>

#include "runtime/channel/role_process.h"

namespace freshet::channel {

// RLIMIT_AS of a role is its memory limit plus this plus the plugin's size: what program, libraries, first stack and
// heap take before anything is allocated. Measured on Debian 12: 8 MiB.
inline constexpr std::uint64_t kRoleBytes = 16ULL << 20;

// How one role is started and locked on this host.
struct RoleSetup {
  sandbox::SpawnRequest spawn;
  wire::Setup setup;         // without the filter, which may need the process's pid
  std::vector<int> fds;      // to send with it; not owned
  std::vector<Fd> clones;    // .. but for these
  std::uint64_t threads = 1;         // of the role together
  std::string unmapped;      // RoleProcess::unmapped_root
  std::vector<std::string> missing;  // layers that this host or its caller withholds
};

// Error `refused` when strict isolation cannot be had here, naming everything that is missing.
Result<RoleSetup> make_role_setup(const sandbox::HostSupport& support, const RoleRequest& request);

// Compiles the filter into `setup` (nothing where the host has none). `pid`: the role's, as the manager sees it.
Status add_filter(const sandbox::HostSupport& support, const RoleRequest& request, int pid, wire::Setup& setup);

// Whether the manager has to count the role's threads: it is a worker, and no limit of the kernel's fits.
inline bool counts_threads(const wire::Setup& setup) { return setup.role == wire::Role::worker && setup.processes == 0; }

}  // namespace freshet::channel
