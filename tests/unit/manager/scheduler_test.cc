#include "runtime/manager/scheduler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>

namespace freshet {
namespace {

TEST(Scheduler, EveryJobRunsOnceAfterWhatItWaitsFor) {
  constexpr std::size_t kJobs = 200;
  std::vector<std::atomic<int>> runs(kJobs);
  std::vector<Job> jobs;
  std::atomic<bool> early = false;
  for (std::size_t i = 0; i < kJobs; ++i) {
    Job job;
    for (std::size_t back = 1; back <= 3 && back <= i; ++back) job.waits_for.push_back(i - back);
    job.run = [&, i, waits = job.waits_for] {
      for (const std::size_t other : waits)
        if (runs[other] != 1) early = true;
      ++runs[i];
    };
    jobs.push_back(std::move(job));
  }
  run_jobs(jobs, 4);
  EXPECT_FALSE(early);
  for (const auto& count : runs) EXPECT_EQ(count, 1);
}

TEST(Scheduler, JobsOfOneGroupNeverRunSideBySideAndKeepTheirOrder) {
  std::atomic<int> inside = 0;
  std::atomic<bool> together = false;
  std::mutex mutex;
  std::vector<int> order;
  std::vector<Job> jobs;
  for (int i = 0; i < 50; ++i)
    jobs.push_back({{}, "channel", [&, i] {
                      if (++inside != 1) together = true;
                      {
                        const std::lock_guard lock(mutex);
                        order.push_back(i);
                      }
                      --inside;
                    }});
  run_jobs(jobs, 4);
  EXPECT_FALSE(together);
  ASSERT_EQ(order.size(), 50U);
  EXPECT_TRUE(std::ranges::is_sorted(order));
}

TEST(Scheduler, JobsOfDifferentGroupsRunSideBySide) {
  std::mutex mutex;
  std::condition_variable changed;
  int inside = 0;
  int met = 0;
  std::vector<Job> jobs;
  for (const char* group : {"one", "two"})
    jobs.push_back({{}, group, [&] {
                      std::unique_lock lock(mutex);
                      ++inside;
                      changed.notify_all();
                      // The limit only ends a test that has failed.
                      if (changed.wait_for(lock, std::chrono::seconds(60), [&] { return inside == 2; })) ++met;
                    }});
  run_jobs(jobs, 2);
  EXPECT_EQ(met, 2);
}

}  // namespace
}  // namespace freshet
