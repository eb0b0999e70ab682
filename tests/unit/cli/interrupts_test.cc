#include "runtime/cli/interrupts.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <thread>

namespace freshet::cli {
namespace {

void wait_for(const std::atomic<int>& counter, int value) {
  while (counter.load() < value) std::this_thread::yield();
}

TEST(Interrupts, EverySignalIsToldAndTheFirstRequestsTheStop) {
  std::atomic<int> told{0};
  const Interrupts interrupts([&told](int count) { told = count; });
  EXPECT_FALSE(interrupts.token().stop_requested());
  ::kill(::getpid(), SIGINT);
  wait_for(told, 1);
  EXPECT_TRUE(interrupts.token().stop_requested());
  ::kill(::getpid(), SIGTERM);
  wait_for(told, 2);
}

TEST(Interrupts, ABrokenPipeIsAnErrorAndNoDeath) {
  const Interrupts interrupts([](int) {});
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  ::close(ends[0]);
  EXPECT_EQ(::write(ends[1], "x", 1), -1);
  ::close(ends[1]);
  struct sigaction action {};
  ASSERT_EQ(::sigaction(SIGPIPE, nullptr, &action), 0);
  EXPECT_NE(action.sa_handler, SIG_IGN) << "an ignored signal would be inherited by what the manager starts";
}

TEST(Interrupts, ASignalThatWasIgnoredStaysIgnored) {
  ::signal(SIGHUP, SIG_IGN);
  std::atomic<int> told{0};
  {
    const Interrupts interrupts([&told](int count) { told = count; });
    ::kill(::getpid(), SIGHUP);
    ::kill(::getpid(), SIGINT);
    wait_for(told, 1);
  }
  EXPECT_EQ(told.load(), 1);
  ::signal(SIGHUP, SIG_DFL);
}

}  // namespace
}  // namespace freshet::cli
