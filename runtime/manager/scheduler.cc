#include "runtime/manager/scheduler.h"

#include <algorithm>
#include <set>
#include <thread>

#include "runtime/base/mutex.h"

namespace freshet {
namespace {

enum class Stage { waiting, running, ended };

// Shared by the threads of one run_jobs call.
struct Board {
  Mutex mutex;
  Condition changed;
  std::vector<Stage> stages FRESHET_GUARDED_BY(mutex);
  std::set<std::string> busy FRESHET_GUARDED_BY(mutex);  // groups with a running job
  std::size_t left FRESHET_GUARDED_BY(mutex) = 0;
};

// Index of a job that may begin now, or jobs.size().
std::size_t next_ready(const Board& board, const std::vector<Job>& jobs) FRESHET_REQUIRES(board.mutex) {
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    if (board.stages[i] != Stage::waiting || (!jobs[i].group.empty() && board.busy.contains(jobs[i].group))) continue;
    bool ready = true;
    for (const std::size_t other : jobs[i].waits_for) ready = ready && board.stages[other] == Stage::ended;
    if (ready) return i;
  }
  return jobs.size();
}

void work(Board& board, const std::vector<Job>& jobs) {
  MutexLock lock(board.mutex);
  while (board.left > 0) {
    const std::size_t i = next_ready(board, jobs);
    if (i == jobs.size()) {
      board.changed.wait(board.mutex);
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
  {
    const MutexLock lock(board.mutex);
    board.stages.resize(jobs.size(), Stage::waiting);
    board.left = jobs.size();
  }
  std::vector<std::jthread> others;
  for (std::size_t i = 1; i < std::min(threads, jobs.size()); ++i) others.emplace_back([&] { work(board, jobs); });
  work(board, jobs);
}

}  // namespace freshet
