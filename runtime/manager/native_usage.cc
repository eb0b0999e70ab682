#include "runtime/manager/native_usage.h"

#include <sys/resource.h>

#include "runtime/metrics/stopwatch.h"

namespace freshet {

ThreadUsage& ThreadUsage::operator+=(const ThreadUsage& other) {
  cpu_ns += other.cpu_ns;
  context_switches += other.context_switches;
  read_bytes += other.read_bytes;
  written_bytes += other.written_bytes;
  cost_ns += other.cost_ns;
  return *this;
}

ThreadUsage usage_of_this_thread() {
  const std::int64_t began = metrics::monotonic_ns();
  ThreadUsage usage;
  usage.cpu_ns = metrics::thread_cpu_ns();  // ru_utime and ru_stime are cut to microseconds: much of a small task
  rusage used{};
  if (getrusage(RUSAGE_THREAD, &used) == 0) {
    usage.context_switches = static_cast<std::uint64_t>(used.ru_nvcsw) + static_cast<std::uint64_t>(used.ru_nivcsw);
    usage.read_bytes = static_cast<std::uint64_t>(used.ru_inblock) * 512;
    usage.written_bytes = static_cast<std::uint64_t>(used.ru_oublock) * 512;
  }
  usage.cost_ns = metrics::monotonic_ns() - began;
  return usage;
}

}  // namespace freshet
