#pragma once

#include <algorithm>
#include <cstdint>

#include "runtime/channel/role_process.h"
#include "runtime/manager/results.h"

namespace freshet {

// Adds what the kernel counted for a role that has ended. Sizes of RoleUsage's blocks: 512 bytes, getrusage(2).
inline void add_usage(CleanupMetrics& metrics, const channel::RoleUsage& usage) {
  constexpr std::uint64_t kBlock = 512;
  metrics.start_ns += usage.start_ns;
  metrics.cpu_ns += usage.cpu_ns;
  metrics.peak_rss_bytes = std::max(metrics.peak_rss_bytes, usage.peak_rss_bytes);
  metrics.context_switches += usage.context_switches;
  metrics.read_bytes += usage.blocks_in * kBlock;
  metrics.written_bytes += usage.blocks_out * kBlock;
}

}  // namespace freshet
