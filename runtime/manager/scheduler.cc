#include "runtime/manager/scheduler.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <set>
#include <thread>

namespace freshet {
namespace {

enum class Stage { waiting, running, ended };

// Shared by the threads of one run_jobs call.
struct Board {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<Stage> stages;     // guarded by mutex
  std::set<std::string> busy;    // guarded by mutex: groups with a running job
  std::size_t left = 0;          // guarded by mutex
};

// Index of a job that may begin now, or jobs.size().
std::size_t next_ready(const Board& board, const std::vector<Job>& jobs) {
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    if (board.stages[i] != Stage::waiting || (!jobs[i].group.empty() && board.busy.contains(jobs[i].group))) continue;
    if (std::ranges::all_of(jobs[i].waits_for, [&](std::size_t other) { return board.stages[other] == Stage::ended; }))
      return i;
  }
  return jobs.size();
}

void work(Board& board, const std::vector<Job>& jobs) {
  std::unique_lock lock(board.mutex);
  while (board.left > 0) {
    const std::size_t i = next_ready(board, jobs);
    if (i == jobs.size()) {
      board.changed.wait(lock);
      continue;
    }
    board.stages[i] = Stage::running;
    if (!jobs[i].group.empty()) board.busy.insert(jobs[i].group);
    lock.unlock();
    jobs[i].run();
    lock.lock();
    board.stages[i] = Stage::ended;
    board.busy.erase(jobs[i].group);
    --board.left;
    board.changed.notify_all();
  }
}

}  // namespace

void run_jobs(const std::vector<Job>& jobs, std::size_t threads) {
  Board board;
  board.stages.resize(jobs.size(), Stage::waiting);
  board.left = jobs.size();
  std::vector<std::jthread> others;
  for (std::size_t i = 1; i < std::min(threads, jobs.size()); ++i) others.emplace_back([&] { work(board, jobs); });
  work(board, jobs);
}

}  // namespace freshet
