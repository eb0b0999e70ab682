#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace freshet {

// Runs jobs in the order of their dependencies on a few threads: a job begins when all it waits for have ended, and
// never beside another job of its group (a channel). The lowest ready index begins first.
struct Job {
  std::vector<std::size_t> waits_for;  // indices of earlier jobs
  std::string group;                   // empty: alone in its group
  std::function<void()> run;           // must not throw
};

// Returns when every job has ended. `threads` at least 1. No lock is held while a job runs.
void run_jobs(const std::vector<Job>& jobs, std::size_t threads);

}  // namespace freshet
