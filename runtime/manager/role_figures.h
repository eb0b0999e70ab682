#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "runtime/channel/role_process.h"
#include "runtime/manager/results.h"

namespace freshet {

// Adds what the kernel counted for a role that has ended, but for its time. Sizes of RoleUsage's blocks: 512 bytes,
// getrusage(2).
inline void add_all_but_time(CleanupMetrics& metrics, const channel::RoleUsage& usage) {
  constexpr std::uint64_t kBlock = 512;
  metrics.overhead_ns += usage.look_ns;
  metrics.peak_rss_bytes = std::max(metrics.peak_rss_bytes, usage.peak_rss_bytes);
  metrics.context_switches += usage.context_switches;
  metrics.read_bytes += usage.blocks_in * kBlock;
  metrics.written_bytes += usage.blocks_out * kBlock;
}

// Adds the layers that a role misses, each once.
inline void add_missing_layers(CleanupResult& result, const channel::RoleProcess& role) {
  for (const std::string& layer : role.missing_layers())
    if (std::ranges::find(result.missing_layers, layer) == result.missing_layers.end()) result.missing_layers.push_back(layer);
}

// `cpu_ns`: of the phase that the role is for.
inline void add_usage(CleanupMetrics& metrics, std::int64_t& cpu_ns, const channel::RoleUsage& usage) {
  metrics.start_cpu_ns += usage.start_cpu_ns;
  cpu_ns += std::max<std::int64_t>(usage.cpu_ns - usage.start_cpu_ns, 0);
  add_all_but_time(metrics, usage);
}

// Of those that took a run back. Their starts are theirs: start_cpu_ns is the run's.
inline void add_rollback_usage(CleanupMetrics& metrics, const std::vector<channel::RoleUsage>& brokers) {
  for (const channel::RoleUsage& usage : brokers) {
    metrics.rollback_cpu_ns += usage.cpu_ns;
    add_all_but_time(metrics, usage);
  }
}

}  // namespace freshet
