#include "runtime/sandbox/control_group.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <filesystem>

#include "../place_of_groups.h"
#include "runtime/base/proc_file.h"
#include "runtime/sandbox/spawner.h"

namespace freshet::sandbox {
namespace {

class ControlGroupTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!place_) GTEST_SKIP() << "no control group may be made here: " << place_.why();
    auto groups = ControlGroups::in(place_.open());
    ASSERT_TRUE(groups.has_value()) << groups.error().what;
    groups_.emplace(std::move(*groups));
  }
  // In the group `group`, in a process of its own: true if `holds` said so.
  template <class Holds>
  static bool in_child(const std::string& group, Holds holds) {
    const pid_t child = ::fork();
    if (child == 0) {
      const Fd procs(::open((group + "/cgroup.procs").c_str(), O_WRONLY | O_CLOEXEC));
      ::_exit(::write(procs.get(), "0", 1) == 1 && holds() ? 0 : 1);
    }
    int status = 0;
    return ::waitpid(child, &status, 0) == child && status == 0;
  }
  [[nodiscard]] std::string first_group() const { return place_.path() + "/freshet-" + std::to_string(::getpid()) + "-0"; }
  [[nodiscard]] std::size_t made() const {
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(place_.path())) count += entry.is_directory() ? 1 : 0;
    return count;
  }

  ::freshet::testing::PlaceOfGroups place_;
  std::optional<ControlGroups> groups_;
};

TEST_F(ControlGroupTest, ARoleBeginsInItsGroup) {
  auto spawner = Spawner::create(FRESHET_ROLE);
  ASSERT_TRUE(spawner.has_value());
  auto group = groups_->make({});
  ASSERT_TRUE(group.has_value()) << group.error().what;
  auto role = (*spawner)->spawn({.argument = "worker", .control_group = group->directory()});
  ASSERT_TRUE(role.has_value()) << role.error().what;
  EXPECT_EQ(read_proc(group->directory(), "cgroup.procs"), std::to_string(role->pid) + "\n");
  group->kill();
  siginfo_t info{};
  ASSERT_EQ(::waitid(static_cast<idtype_t>(P_PIDFD), static_cast<id_t>(role->pidfd.get()), &info, WEXITED | __WALL), 0);
  EXPECT_EQ(info.si_status, SIGKILL);
}

// What went away from its parent, its session and its terminal is still in its group.
TEST_F(ControlGroupTest, ItsEndIsThatOfAllThatCameOfIt) {
  std::optional<ControlGroup> group;
  {
    auto one = groups_->make({});
    ASSERT_TRUE(one.has_value());
    group.emplace(std::move(*one));
  }
  int alive[2];
  ASSERT_EQ(::pipe2(alive, O_CLOEXEC), 0);
  const Fd end(alive[0]);
  {
    const Fd write_end(alive[1]);
    ASSERT_TRUE(in_child(first_group(), [] {
      for (int i = 0; i < 10; ++i)
        if (::fork() == 0) {
          ::setsid();
          for (;;) ::pause();
        }
      return true;
    }));
  }
  pollfd ended{end.get(), 0, 0};
  ASSERT_EQ(::poll(&ended, 1, 0), 0);
  group.reset();
  EXPECT_EQ(::poll(&ended, 1, 30'000), 1);  // nobody has the other end any more
  EXPECT_EQ(made(), 0U);
}

TEST_F(ControlGroupTest, GroupsOfAManagerThatWasKilledAreRemoved) {
  std::filesystem::create_directory(place_.path() + "/freshet-1-0");
  std::filesystem::create_directory(place_.path() + "/other");
  ASSERT_TRUE(ControlGroups::in(place_.open()));
  EXPECT_FALSE(std::filesystem::exists(place_.path() + "/freshet-1-0"));
  EXPECT_TRUE(std::filesystem::exists(place_.path() + "/other"));
}

TEST_F(ControlGroupTest, OnlyWhatIsDelegatedIsTaken) {
  const std::string own = place_.path() + "/own";
  std::filesystem::create_directory(own);
  EXPECT_TRUE(in_child(own, [] {
    const auto found = ControlGroups::find();
    return !found && found.error().what.ends_with("is not delegated to this process");
  }));
  ASSERT_EQ(::setxattr(own.c_str(), "trusted.delegate", "1", 1, 0), 0);
  const bool limits = groups_->limits_memory() || groups_->limits_processes();
  EXPECT_TRUE(in_child(own, [&] {
    const auto found = ControlGroups::find();
    return limits ? found.has_value() : !found && found.error().what.ends_with("has no memory and no pids controller to give on");
  }));
  for (const auto& entry : std::filesystem::directory_iterator(own)) ::rmdir(entry.path().c_str());
}

TEST_F(ControlGroupTest, WhatHoldsOtherProcessesTooIsNotTaken) {
  if (!groups_->limits_processes()) GTEST_SKIP() << "no pids controller in version 2 here";
  const std::string own = place_.path() + "/own";
  std::filesystem::create_directory(own);
  ASSERT_EQ(::setxattr(own.c_str(), "trusted.delegate", "1", 1, 0), 0);
  EXPECT_TRUE(in_child(own, [&] {
    const pid_t other = ::fork();
    if (other == 0) for (;;) ::pause();
    const auto found = ControlGroups::find();
    ::kill(other, SIGKILL);
    ::waitpid(other, nullptr, 0);
    return !found && found.error().what.ends_with("holds other processes too") && read_proc(AT_FDCWD, (own + "/cgroup.subtree_control").c_str()).empty();
  }));
}

TEST_F(ControlGroupTest, TheLimitOfMemoryIsHeld) {
  if (!groups_->limits_memory()) GTEST_SKIP() << "no memory controller in version 2 here";
  auto group = groups_->make({.memory_bytes = 64U << 20});
  ASSERT_TRUE(group.has_value()) << group.error().what;
  EXPECT_EQ(read_proc(group->directory(), "memory.max"), std::to_string(64U << 20) + "\n");
  EXPECT_FALSE(group->ran_out_of_memory());
  EXPECT_FALSE(in_child(first_group(), [] {
    constexpr std::size_t kMore = std::size_t{256} << 20;
    auto* const bytes = static_cast<volatile char*>(std::malloc(kMore));
    for (std::size_t i = 0; i < kMore; i += 4096) bytes[i] = 1;
    return true;
  }));
  EXPECT_TRUE(group->ran_out_of_memory());
}

TEST_F(ControlGroupTest, TheLimitOfProcessesIsHeld) {
  if (!groups_->limits_processes()) GTEST_SKIP() << "no pids controller in version 2 here";
  auto group = groups_->make({.processes = 3});
  ASSERT_TRUE(group.has_value()) << group.error().what;
  EXPECT_EQ(read_proc(group->directory(), "pids.max"), "3\n");
  EXPECT_TRUE(in_child(first_group(), [] {
    int made = 0;
    for (int i = 0; i < 5; ++i) {
      const pid_t child = ::fork();
      if (child == 0) for (;;) ::pause();
      made += child > 0 ? 1 : 0;
    }
    return made == 2;
  }));
}

}  // namespace
}  // namespace freshet::sandbox
