#include "runtime/manager/native_usage.h"

#include <sys/resource.h>

#include <ctime>

namespace freshet {

ThreadUsage& ThreadUsage::operator+=(const ThreadUsage& other) {
  cpu_ns += other.cpu_ns;
  context_switches += other.context_switches;
  read_bytes += other.read_bytes;
  written_bytes += other.written_bytes;
  return *this;
}

ThreadUsage usage_of_this_thread() {
  ThreadUsage usage;
  // ru_utime and ru_stime are cut to microseconds, which is much of a small task.
  timespec cpu{};
  if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &cpu) == 0) usage.cpu_ns = cpu.tv_sec * 1'000'000'000 + cpu.tv_nsec;
  rusage used{};
  if (getrusage(RUSAGE_THREAD, &used) == 0) {
    usage.context_switches = static_cast<std::uint64_t>(used.ru_nvcsw) + static_cast<std::uint64_t>(used.ru_nivcsw);
    usage.read_bytes = static_cast<std::uint64_t>(used.ru_inblock) * 512;
    usage.written_bytes = static_cast<std::uint64_t>(used.ru_oublock) * 512;
  }
  return usage;
}

}  // namespace freshet
