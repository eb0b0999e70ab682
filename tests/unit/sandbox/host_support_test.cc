#include "runtime/sandbox/host_support.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "runtime/sandbox/mechanisms.h"

namespace freshet::sandbox {
namespace {

bool names(const std::vector<std::string>& lines, const std::string& word) {
  return std::any_of(lines.begin(), lines.end(), [&](const auto& line) { return line.find(word) != std::string::npos; });
}

TEST(HostSupport, EveryLimitTakesItsLayerAway) {
  const HostSupport none = find_host_support({.no_namespaces = true});
  EXPECT_FALSE(none.user_namespace || none.mount_namespace || none.pid_namespace || none.net_namespace ||
               none.ipc_namespace || none.uts_namespace || none.cgroup_namespace);
  EXPECT_TRUE(names(none.reasons, "namespaces"));
  EXPECT_TRUE(names(none.missing_for_strict(), "private root"));
  EXPECT_TRUE(names(none.missing_for_strict(), "net namespace"));

  EXPECT_FALSE(find_host_support({.no_user_namespace = true}).user_namespace);

  const HostSupport no_seccomp = find_host_support({.no_seccomp = true});
  EXPECT_FALSE(no_seccomp.seccomp_notify);
  EXPECT_TRUE(names(no_seccomp.missing_for_strict(), "seccomp"));

  EXPECT_LE(find_host_support({.landlock_abi_at_most = 2}).landlock_abi, 2U);
  const HostSupport no_landlock = find_host_support({.landlock_abi_at_most = 1});
  EXPECT_TRUE(names(no_landlock.missing_for_strict(), "Landlock"));

  EXPECT_FALSE(find_host_support({.no_mdwe = true}).mdwe);
}

// A refusal names the layer, what it stops and how to get it.
TEST(HostSupport, WhatIsMissingSaysWhatItStopsAndHowToGetIt) {
  const HostSupport none = find_host_support({.no_namespaces = true, .no_seccomp = true, .landlock_abi_at_most = 1});
  const auto missing = none.missing_for_strict();
  EXPECT_EQ(missing.size(), 3U) << "what one remedy gives back is said in one text";
  for (const std::string& line : missing) {
    EXPECT_NE(line.find(": without it "), std::string::npos) << line;
    EXPECT_NE(line.find("; needs "), std::string::npos) << line;
  }
  EXPECT_TRUE(names(missing, "private root: without it names outside the grant could be seen; pid namespace: without it "));
  EXPECT_TRUE(names(missing, "ipc namespace: without it System V IPC rests on seccomp alone; needs root with CAP_SYS_ADMIN"));
  EXPECT_EQ(none.missing_layers().size(), 6U);
  EXPECT_TRUE(names(none.missing_layers(), "private root (names outside the grant could be seen)"));
}

// What strict takes is had in more than one way: a user namespace is only one of them.
TEST(HostSupport, StrictNeedsALayerAndNotAWayToIt) {
  HostSupport support = find_host_support();
  support.mount_namespace = support.pid_namespace = support.net_namespace = support.ipc_namespace = true;
  support.seccomp_notify = support.openat2 = support.renameat2 = true;
  support.landlock_abi = 2;
  support.user_namespace = support.map_all_ids = support.mdwe = support.change_ids = support.idmapped_mounts = false;
  EXPECT_TRUE(support.missing_for_strict().empty());
  for (const Mechanism& one : mechanisms(support)) {
    EXPECT_TRUE(one.available || !one.strict) << one.name;
    EXPECT_FALSE(one.remedy.empty()) << one.name;
    EXPECT_TRUE(one.available || !one.lost.empty()) << one.name;
  }
  for (const std::uint32_t abi : {2U, 3U, 4U, 5U, 6U}) {
    support.landlock_abi = abi;
    const auto all = mechanisms(support);
    const auto whole = std::ranges::find(all, "Landlock ABI 6", &Mechanism::name);
    ASSERT_NE(whole, all.end());
    EXPECT_EQ(whole->available, abi >= 6);
    EXPECT_EQ(whole->lost.find("TCP") != std::string::npos, abi < 4) << abi;
    EXPECT_EQ(whole->lost.find("abstract") != std::string::npos, abi < 6) << abi;
  }
}

TEST(HostSupport, ALayerThatFailsHasAReason) {
  const HostSupport support = find_host_support();
  const auto reasons = support.reasons;
  EXPECT_EQ(support.seccomp_notify || names(reasons, "seccomp"), true);
  EXPECT_EQ(support.landlock_abi > 0 || names(reasons, "Landlock"), true);
  EXPECT_EQ(support.mount_namespace || names(reasons, "mount namespace") || names(reasons, "private root"), true);
  EXPECT_EQ(support.mdwe || names(reasons, "MDWE"), true);
}

TEST(HostSupport, LooksWithoutATrace) {
  const auto fds = [] {
    std::size_t count = 0;
    for ([[maybe_unused]] const auto& fd : std::filesystem::directory_iterator("/proc/self/fd")) ++count;
    return count;
  };
  const std::size_t before = fds();
  const std::string mounts = std::filesystem::read_symlink("/proc/self/ns/mnt").string();
  const uid_t uid = ::geteuid();
  find_host_support();
  EXPECT_EQ(fds(), before);
  EXPECT_EQ(std::filesystem::read_symlink("/proc/self/ns/mnt").string(), mounts);
  EXPECT_EQ(::geteuid(), uid);
  int status = 0;
  EXPECT_EQ(::waitpid(-1, &status, __WALL | WNOHANG), -1);  // no child is left, not even a zombie
}

TEST(HostSupport, RootCanGiveUidsWithAndWithoutAUserNamespace) {
  if (::geteuid() != 0) {
    EXPECT_FALSE(find_host_support().change_ids);
    return;
  }
  const HostSupport without = find_host_support({.no_user_namespace = true});
  EXPECT_TRUE(without.change_ids);
  const HostSupport with = find_host_support();
  if (with.user_namespace && with.map_all_ids) {
    EXPECT_TRUE(with.change_ids);
  }
}

// Its trials wait for it. One that it cannot let go any more must end by itself: else this test never does.
TEST(HostSupport, AKilledManagerLeavesNoTrialBehind) {
  ASSERT_EQ(::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 0);
  int killed = 0;
  for (int round = 0; round < 40; ++round) {
    const pid_t manager = ::fork();
    ASSERT_GE(manager, 0);
    if (manager == 0) {
      for (;;) find_host_support();
    }
    ::usleep(1000 + static_cast<useconds_t>(round) * 250);
    ::kill(manager, SIGKILL);
    int status = 0;
    while (::waitpid(-1, &status, __WALL) > 0) killed += WIFSIGNALED(status) ? 1 : 0;  // what it left is ours now
    EXPECT_EQ(errno, ECHILD);
  }
  EXPECT_GE(killed, 40);
  ::prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0);
}

}  // namespace
}  // namespace freshet::sandbox
