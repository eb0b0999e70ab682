#pragma once

#include <vector>

#include "runtime/channel/role_process.h"

namespace freshet::channel {

// What the virtual size of a role is before it has allocated anything: the program, its libraries, its first stack and
// heap. Measured on Debian 12: 9 MiB; the rest is room for the plugin's own image. RLIMIT_AS is the limit plus this.
inline constexpr std::uint64_t kImageBytes = 64ULL << 20;

// How one role is started and locked on this host.
struct RoleSetup {
  sandbox::SpawnRequest spawn;
  wire::Setup setup;         // without the filter, which may need the process's pid
  std::vector<int> fds;      // to send with it; not owned
  std::vector<std::string> missing;  // layers that this host or its caller withholds
};

// Error `refused` when strict isolation cannot be had here, naming everything that is missing.
Result<RoleSetup> make_role_setup(const sandbox::HostSupport& support, const RoleRequest& request);

// Compiles the filter into `setup` (nothing where the host has none). `pid`: the role's, as the manager sees it.
Status add_filter(const sandbox::HostSupport& support, const RoleRequest& request, int pid, wire::Setup& setup);

}  // namespace freshet::channel
