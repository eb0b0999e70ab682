#include "runtime/manager/hook_runner.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

#include "tests/unit/manager/temp_dir.h"

namespace freshet {
namespace {

config::HookConfig shell(const std::string& script, std::int64_t deadline_ns = 60'000'000'000) {
  return {"x", {"/bin/sh", "-c", script}, deadline_ns, {}};
}

bool is_alive(const std::string& pid_file) {
  std::ifstream in(pid_file);
  pid_t pid = 0;
  if (!(in >> pid)) return false;
  std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
  const std::string text{std::istreambuf_iterator<char>(stat), {}};
  const std::size_t name = text.rfind(')');
  return name != std::string::npos && text.compare(name + 2, 1, "Z") != 0;
}

// A killed process takes a moment to be gone.
bool ends(const std::string& pid_file) {
  for (int i = 0; i < 1000 && is_alive(pid_file); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  return !is_alive(pid_file);
}

TEST(HookRunner, ExitCodeZeroIsSuccess) {
  const HookOutcome good = run_hook(shell("echo out; echo err >&2"), {});
  EXPECT_TRUE(good.succeeded) << good.how;
  EXPECT_EQ(good.output, "out\nerr\n");
  const HookOutcome bad = run_hook(shell("exit 3"), {});
  EXPECT_FALSE(bad.succeeded);
  EXPECT_EQ(bad.how, "exit code 3");
  const HookOutcome killed = run_hook(shell("kill -TERM $$"), {});
  EXPECT_FALSE(killed.succeeded);
  EXPECT_EQ(killed.how, "killed by SIGTERM");
}

TEST(HookRunner, WhatIsNotThereCannotBeStarted) {
  const HookOutcome outcome = run_hook({"x", {"/nonexistent/program"}, 1'000'000'000, {}}, {});
  EXPECT_FALSE(outcome.succeeded);
  EXPECT_NE(outcome.how.find("cannot be started"), std::string::npos) << outcome.how;
}

TEST(HookRunner, HasNoEnvironmentNoInputAndNoDescriptorOfOurs) {
  ASSERT_EQ(::setenv("FRESHET_SECRET", "the text that was planted", 1), 0);
  const int ours = ::open("/dev/null", O_RDONLY);  // not close-on-exec
  ASSERT_GE(ours, 3);
  const HookOutcome outcome = run_hook(
      {"x", {"/bin/sh", "-c", "cat /proc/$$/environ; pwd; cat; for f in /proc/$$/fd/*; do echo ${f##*/}; done"}, 60'000'000'000, {}}, {});
  ::close(ours);
  EXPECT_TRUE(outcome.succeeded) << outcome.how;
  EXPECT_EQ(outcome.output.find("planted"), std::string::npos) << outcome.output;
  EXPECT_EQ(outcome.output.rfind("/\n", 0), 0U) << outcome.output;
  EXPECT_EQ(outcome.output.find("\n" + std::to_string(ours) + "\n"), std::string::npos) << outcome.output;
}

TEST(HookRunner, ArgumentsArePassedAsTheyAre) {
  const HookOutcome outcome = run_hook({"x", {"/bin/echo", "$HOME", "a b", "*", ";id"}, 60'000'000'000, {}}, {});
  EXPECT_EQ(outcome.output, "$HOME a b * ;id\n");
}

TEST(HookRunner, ADeadlineEndsTheWholeGroup) {
  const TempDir dir;
  const std::string child = dir / "child";
  const HookOutcome outcome = run_hook(shell("sleep 600 & echo $! >" + child + "; wait", 300'000'000), {});
  EXPECT_FALSE(outcome.succeeded);
  EXPECT_NE(outcome.how.find("not ended within"), std::string::npos) << outcome.how;
  EXPECT_TRUE(std::filesystem::exists(child));
  EXPECT_TRUE(ends(child));
}

TEST(HookRunner, WhatIsLeftOfTheGroupEndsWithTheHook) {
  const TempDir dir;
  const std::string child = dir / "child";
  const HookOutcome outcome = run_hook(shell("sleep 600 & echo $! >" + child), {});
  EXPECT_TRUE(outcome.succeeded) << outcome.how;
  EXPECT_TRUE(std::filesystem::exists(child));
  EXPECT_TRUE(ends(child));
}

TEST(HookRunner, ADaemonWithItsOwnSessionIsNotWaitedFor) {
  if (!std::filesystem::exists("/usr/bin/setsid")) GTEST_SKIP() << "no setsid(1) here";
  const TempDir dir;
  const std::string child = dir / "child";
  // It keeps the hook's output open.
  const HookOutcome outcome = run_hook(shell("/usr/bin/setsid /bin/sh -c 'echo $$ >" + child + "; exec sleep 600' & while ! test -s " + child + "; do :; done"), {});
  EXPECT_TRUE(outcome.succeeded) << outcome.how;
  std::ifstream in(child);
  pid_t pid = 0;
  ASSERT_TRUE(in >> pid);
  ::kill(pid, SIGKILL);
}

TEST(HookRunner, OutputIsCapped) {
  const HookOutcome outcome = run_hook(shell("i=0; while test $i -lt 3000; do echo 0123456789012345678901234567890123456789; i=$((i+1)); done"), {});
  EXPECT_TRUE(outcome.succeeded) << outcome.how;
  EXPECT_EQ(outcome.output.size(), kMaxHookOutput);
  EXPECT_EQ(outcome.output_bytes, 3000U * 41U);
}

TEST(HookRunner, AStopEndsIt) {
  std::stop_source stop;
  std::jthread later([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    stop.request_stop();
  });
  const HookOutcome outcome = run_hook(shell("sleep 600"), stop.get_token());
  EXPECT_FALSE(outcome.succeeded);
  EXPECT_EQ(outcome.how, "interrupted");
}

}  // namespace
}  // namespace freshet
