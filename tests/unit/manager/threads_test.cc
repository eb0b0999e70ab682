#include <gtest/gtest.h>

#include <random>
#include <thread>

#include "tests/unit/manager/manager_fixture.h"

namespace freshet {
namespace {

constexpr int kThreads = 64;
constexpr int kTasks = 1000;

// Every method, from many threads at once, on many tasks: none is lost, none runs twice at once.
class Threads : public ManagerFixture {};

TEST_F(Threads, SixtyFourCallAllNineMethodsOnAThousandTasks) {
  open();
  struct Counters {
    std::atomic<int> runs = 0;
    std::atomic<int> inside = 0;
    std::atomic<int> compensated = 0;
  };
  std::vector<Counters> counters(kTasks);
  std::vector<CleanupHandle> handles(kTasks);
  std::atomic<bool> twice = false;
  const auto make = [&](std::size_t i) {
    NativeTask native;
    native.run = [&, i](TaskContext& context) -> Status {
      if (++counters[i].inside != 1) twice = true;
      ++counters[i].runs;
      context.count(1, 1);
      --counters[i].inside;
      return {};
    };
    native.compensate = [&, i](TaskContext&) -> Status {
      if (++counters[i].inside != 1) twice = true;
      ++counters[i].compensated;
      --counters[i].inside;
      return {};
    };
    CleanupTask task{native, {}, {}};
    if (i % 10 != 0) task.requires_ = {"t" + std::to_string(i - i % 10)};  // nine of ten share a dependency
    return task;
  };
  std::atomic<int> registered = 0;
  std::atomic<int> executed = 0;
  std::atomic<int> rolled_back = 0;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t)
      threads.emplace_back([&, t] {
        for (std::size_t i = static_cast<std::size_t>(t); i < kTasks; i += kThreads)
          if (const auto handle = manager_.cleanup->register_cleanup_task("t" + std::to_string(i), make(i),
                                                                          i % 3 == 0 ? std::optional<std::string>("cache") : std::nullopt)) {
            handles[i] = *handle;
            ++registered;
          }
      });
  }
  ASSERT_EQ(registered, kTasks);
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t)
      threads.emplace_back([&, t] {
        std::mt19937 random(static_cast<unsigned>(t));
        ICleanupManager& manager = *manager_.cleanup;
        for (std::size_t i = static_cast<std::size_t>(t); i < kTasks; i += kThreads) {
          const CleanupHandle any = handles[random() % kTasks];
          EXPECT_TRUE(manager.validate_dependencies(handles[i]).valid);
          EXPECT_TRUE(manager.validate_security_boundaries(any).passed);
          const CleanupResult result = manager.execute_cleanup(handles[i]);
          EXPECT_EQ(result.state, TaskState::committed) << result.note;
          if (result.state == TaskState::committed) ++executed;
          EXPECT_FALSE(manager.track_cleanup_performance(any).error);
          (void)manager.verify_cleanup_completion(any);
          if (random() % 32 == 0) {
            EXPECT_FALSE(manager.get_cleanup_metrics().empty());
          }
          if (i % 250 == 0) {
            EXPECT_FALSE(manager.verify_cleanup_isolation("cache").error);
          }
          // A leaf that nobody else runs now.
          if (i % 10 == 9 && manager.rollback_cleanup(handles[i])) ++rolled_back;
        }
      });
  }
  EXPECT_FALSE(twice);
  EXPECT_EQ(executed, kTasks);
  EXPECT_EQ(rolled_back, kTasks / 10);
  for (std::size_t i = 0; i < kTasks; ++i) {
    if (i % 10 != 0) {
      EXPECT_EQ(counters[i].runs, 1) << i;
    }
    EXPECT_GE(counters[i].runs, 1) << i << " is lost";
    EXPECT_EQ(counters[i].compensated, i % 10 == 9 ? 1 : 0) << i;
  }
}

}  // namespace
}  // namespace freshet
