#pragma once

#include <cstdint>

namespace freshet {

// What one thread, or several together, used of the machine.
struct ThreadUsage {
  std::int64_t cpu_ns = 0;             // user and system
  std::uint64_t context_switches = 0;  // voluntary and not
  std::uint64_t read_bytes = 0;        // from storage: ru_inblock x 512
  std::uint64_t written_bytes = 0;

  ThreadUsage& operator+=(const ThreadUsage& other);
};

// Of the calling thread since it began; two system calls.
ThreadUsage usage_of_this_thread();

}  // namespace freshet
