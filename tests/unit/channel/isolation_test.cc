// A locked worker as /proc shows it from outside, on this host and on lesser ones.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <thread>

#include "live_worker.h"
#include "mounted.h"
#include "runtime/channel/role_setup.h"

namespace freshet::channel::testing {
namespace {

namespace fs = std::filesystem;

bool root_user() { return ::geteuid() == 0; }

std::map<std::string, std::string> status_of(int pid) {
  std::map<std::string, std::string> out;
  std::ifstream file("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(file, line);) {
    const std::size_t colon = line.find(':');
    const std::size_t value = line.find_first_not_of(" \t", colon + 1);
    out[line.substr(0, colon)] = value == std::string::npos ? "" : line.substr(value);
  }
  return out;
}

std::vector<std::string> lines_of(const std::string& path) {
  std::vector<std::string> out;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) out.push_back(line);
  return out;
}

class Isolation : public ::testing::Test {
 protected:
  void SetUp() override {
    tree_.file("a");
    root_ = open_root(tree_.path());
    auto bytes = read_plugin_file(plugin_path("lister"));
    ASSERT_TRUE(bytes.has_value());
    plugin_ = std::move(*bytes);
  }
  std::unique_ptr<RoleProcess> start(WorkerOptions options = {}) {
    auto worker = start_worker(plugin_, {&root_}, options);
    EXPECT_TRUE(worker.has_value()) << (worker ? "" : worker.error().what + "\n" + worker.error().detail);
    return worker ? std::move(*worker) : nullptr;
  }
  void expect_scan_works(RoleProcess& worker) {
    Scanned scanned;
    ASSERT_TRUE(load(worker, ""));
    ASSERT_TRUE(read_scan(worker, scanned)) << worker.finish().what;
    EXPECT_EQ(scanned.findings, std::vector<std::string>{"0:a"});
  }

  TempTree tree_;
  OpenRoot root_;
  PluginBytes plugin_;
};

TEST_F(Isolation, ALockedWorkerHasNothingItDoesNotNeed) {
  auto worker = start();
  ASSERT_TRUE(worker);
  auto status = status_of(worker->pid());
  EXPECT_EQ(status["NoNewPrivs"], "1");
  EXPECT_EQ(status["Seccomp"], "2");
  EXPECT_EQ(status["Seccomp_filters"], "1");
  EXPECT_EQ(status["Threads"], "1");
  // Root's worker may look into every owner's directories, by a capability of its own user namespace and by that alone.
  const std::string kept = root_user() ? "0000000000000004" : "0000000000000000";
  EXPECT_EQ(status["CapEff"], kept);
  EXPECT_EQ(status["CapPrm"], kept);
  EXPECT_EQ(status["CapBnd"], kept);
  EXPECT_EQ(status["CapInh"], "0000000000000000");
  EXPECT_EQ(status["CapAmb"], "0000000000000000");
  if (root_user()) {
    EXPECT_EQ(status["Uid"], "1879048192\t1879048192\t1879048192\t1879048192");
    EXPECT_EQ(status["Gid"], "1879048192\t1879048192\t1879048192\t1879048192");
    EXPECT_EQ(status["Groups"], "");
  }
  expect_scan_works(*worker);
}

// A probe with a channel's roots stands for its worker where no plugin runs.
TEST_F(Isolation, AProbeWithRootsHasNoCapabilityAtAll) {
  RoleRequest request;
  request.role = wire::Role::probe;
  request.roots = {&root_};
  request.areas = {""};
  request.uid = 1879048192;
  auto probe = RoleProcess::start(spawner(), sandbox::find_host_support(), request);
  ASSERT_TRUE(probe.has_value()) << probe.error().what;
  auto status = status_of((*probe)->pid());
  for (const char* set : {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"}) EXPECT_EQ(status[set], "0000000000000000") << set;
  EXPECT_EQ(lines_of("/proc/" + std::to_string((*probe)->pid()) + "/mountinfo").size(), 2U);
}

TEST_F(Isolation, ItsMountsAreTheTmpfsAndTheRootsReadOnlyAndPrivate) {
  auto worker = start();
  ASSERT_TRUE(worker);
  const auto mounts = lines_of("/proc/" + std::to_string(worker->pid()) + "/mountinfo");
  ASSERT_EQ(mounts.size(), 2U);
  for (const std::string& line : mounts) {
    std::istringstream words(line);
    std::string id, parent, device, root, point, options, next;
    words >> id >> parent >> device >> root >> point >> options >> next;
    EXPECT_TRUE(point == "/" || point == "/r/0") << line;
    const std::string list = "," + options + ",";
    for (const char* option : {",ro,", ",nosuid,", ",nodev,", ",nosymfollow,"}) EXPECT_NE(list.find(option), std::string::npos) << line;
    EXPECT_EQ(list.find(",noexec,") != std::string::npos, point == "/r/0") << line;  // dlopen needs it of the tmpfs
    EXPECT_EQ(next, "-") << "neither shared nor a slave: " << line;
  }
}

TEST_F(Isolation, ItsLimitsAreThoseItWasGiven) {
  WorkerOptions options;
  options.resources.cpu_ns = 7'000'000'000;
  options.resources.fds = 40;
  options.resources.threads = 3;
  auto worker = start(options);
  ASSERT_TRUE(worker);
  std::map<std::string, std::string> limits;
  for (const std::string& line : lines_of("/proc/" + std::to_string(worker->pid()) + "/limits"))
    limits[line.substr(0, line.find("  "))] = line.substr(26);
  const auto expect = [&](const char* name, std::uint64_t value) {
    std::istringstream words(limits[name]);
    std::string soft, hard;
    words >> soft >> hard;
    EXPECT_EQ(soft, std::to_string(value)) << name;
    EXPECT_EQ(hard, std::to_string(value)) << name;
  };
  expect("Max cpu time", 7);
  expect("Max file size", 0);
  expect("Max core file size", 0);
  expect("Max open files", 40);
  expect("Max processes", 4);
  expect("Max locked memory", 0);
#ifndef FRESHET_SANITIZED
  expect("Max address space", options.resources.memory_bytes + kRoleBytes + plugin_.size);
#endif
}

TEST_F(Isolation, ItHoldsFourDescriptors) {
  auto worker = start();
  ASSERT_TRUE(worker);
  auto look = worker->look();
  ASSERT_TRUE(look.has_value());
  EXPECT_EQ(look->threads, 1U);
  // Of an ordinary user's worker /proc does not tell: it is not dumpable, and not even its owner may look.
  EXPECT_EQ(look->fds, root_user() ? 4U : 0U);
  EXPECT_GT(look->rss_bytes, 0U);
}

TEST_F(Isolation, NobodyOutlivesTheManagersInterest) {
  int pid = 0;
  {
    auto worker = start();
    ASSERT_TRUE(worker);
    pid = worker->pid();
    EXPECT_EQ(::kill(pid, 0), 0);
  }
  EXPECT_EQ(::kill(pid, 0), -1);  // reaped too: no zombie keeps the pid
}

TEST_F(Isolation, AWorkerOfADeadManagerDies) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const pid_t manager = ::fork();
  ASSERT_GE(manager, 0);
  if (manager == 0) {
    // A process of its own, so a spawner of its own.
    auto mine = sandbox::Spawner::create(role_executable());
    RoleRequest request;
    request.roots = {&root_};
    request.areas = {""};
    request.plugin_memfd = plugin_.memfd.get();
    request.uid = 1879048192;
    auto worker = RoleProcess::start(**mine, sandbox::find_host_support(), request);
    const int pid = worker ? (*worker)->pid() : 0;
    if (::write(ends[1], &pid, sizeof pid) != sizeof pid) ::_exit(1);
    ::raise(SIGKILL);
  }
  int pid = 0;
  ASSERT_EQ(::read(ends[0], &pid, sizeof pid), static_cast<ssize_t>(sizeof pid));
  ::close(ends[0]);
  ::close(ends[1]);
  int status = 0;
  ASSERT_EQ(::waitpid(manager, &status, 0), manager);
  ASSERT_GT(pid, 0);
  // Somebody else reaps it; it may be a zombie for a moment.
  bool gone = false;
  for (int i = 0; i < 2000 && !gone; ++i) {
    const auto seen = status_of(pid);
    gone = seen.empty() || seen.at("State").front() == 'Z' || seen.at("State").front() == 'X';
    if (!gone) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  EXPECT_TRUE(gone);
}

// ---- lesser hosts ----

TEST_F(Isolation, AnOldKernelsLayersAreEnoughForStrict) {
  WorkerOptions options;
  options.limits = {.landlock_abi_at_most = 2, .no_mdwe = true};
  auto worker = start(options);
  ASSERT_TRUE(worker);
  EXPECT_TRUE(worker->missing_layers().empty());
  expect_scan_works(*worker);
}

TEST_F(Isolation, RootWithoutUserNamespacesGetsTheOthersByItsOwnRight) {
  if (!root_user()) GTEST_SKIP() << "only root has namespaces without a user namespace";
  WorkerOptions options;
  options.limits.no_user_namespace = true;
  auto worker = start(options);
  ASSERT_TRUE(worker);
  ::chmod(tree_.path().c_str(), 0755);
  auto status = status_of(worker->pid());
  EXPECT_EQ(status["CapEff"], "0000000000000000");  // the host's own: none
  EXPECT_EQ(status["Uid"], "1879048192\t1879048192\t1879048192\t1879048192");
  expect_scan_works(*worker);
}

TEST_F(Isolation, StrictRefusesWhatCannotBeHadAndNamesIt) {
  const std::pair<sandbox::SupportLimits, const char*> lesser[] = {
      {{.no_namespaces = true}, "private root"},
      {{.no_seccomp = true}, "seccomp"},
      {{.landlock_abi_at_most = 1}, "Landlock"},
  };
  for (const auto& [limits, word] : lesser) {
    WorkerOptions options;
    options.limits = limits;
    auto worker = start_worker(plugin_, {&root_}, options);
    ASSERT_FALSE(worker.has_value()) << word;
    EXPECT_EQ(worker.error().kind, ErrorKind::refused);
    EXPECT_NE(worker.error().detail.find(word), std::string::npos) << worker.error().detail;
  }
}

TEST_F(Isolation, BestEffortGoesOnAndSaysWhatIsMissing) {
  ::chmod(tree_.path().c_str(), 0755);
  const std::pair<sandbox::SupportLimits, const char*> lesser[] = {
      {{.no_namespaces = true}, "private root"},
      {{.no_seccomp = true}, "seccomp"},
      {{.landlock_abi_at_most = 0}, "Landlock"},
      {{.no_user_namespace = true, .no_namespaces = true, .no_seccomp = true, .landlock_abi_at_most = 0, .no_mdwe = true}, "pid namespace"},
  };
  for (const auto& [limits, word] : lesser) {
    WorkerOptions options;
    options.limits = limits;
    options.strict = false;
    auto worker = start(options);
    ASSERT_TRUE(worker) << word;
    const auto& missing = worker->missing_layers();
    EXPECT_TRUE(std::any_of(missing.begin(), missing.end(), [&](const auto& line) { return line.rfind(word, 0) == 0; })) << word;
    expect_scan_works(*worker);
  }
}

TEST_F(Isolation, WithoutNamespacesTheOtherLayersStillHold) {
  ::chmod(tree_.path().c_str(), 0755);
  WorkerOptions options;
  options.limits.no_namespaces = true;
  options.strict = false;
  const auto said = [&](const char* act) {
    const Outcome outcome = run_plugin("hostile", act, {&root_}, options);
    return outcome.scanned.log.empty() ? outcome.end.what : outcome.scanned.log.back();
  };
  EXPECT_EQ(said("open-outside"), "errno 13");  // Landlock
  EXPECT_EQ(said("read-contents"), "errno " + std::to_string(ENOENT));  // there is none called so; not EACCES of a root
  EXPECT_EQ(said("list-top"), "errno 13");
#ifndef FRESHET_SANITIZED
  EXPECT_EQ(said("create"), "called openat(2) to write or create");
  EXPECT_EQ(said("fork"), "called clone(2) to make a process");
  EXPECT_EQ(said("socket-unix"), "called socket(2)");
  EXPECT_EQ(said("abort"), "SIGABRT (abort, a failed assertion or an uncaught exception)");
#endif
  EXPECT_EQ(said("stat-outside"), "worked");  // what this way does not give: strict refuses it for that
}

// ---- the grant ----

TEST_F(Isolation, RootsWorkerSeesEveryOwnersDirectories) {
  if (!root_user()) GTEST_SKIP() << "only root can give directories to other owners";
  tree_.file("private/b");
  ASSERT_EQ(::lchown((tree_.path() + "/private").c_str(), 33, 33), 0);
  tree_.directory("private", 0700);
  const Outcome outcome = run_plugin("lister", "", {&root_});
  ASSERT_EQ(outcome.end.reason, EndReason::none) << outcome.end.what;
  EXPECT_TRUE(outcome.scanned.unread.empty());
  EXPECT_EQ(outcome.scanned.findings.size(), 2U);
}

TEST_F(Isolation, AWorkerWithoutTheCapabilityNamesWhatItCouldNotRead) {
  tree_.file("shut/b");
  tree_.directory("shut", 0);
  ::chmod(tree_.path().c_str(), 0755);
  WorkerOptions options;
  options.limits.no_user_namespace = root_user();
  const Outcome outcome = run_plugin("lister", "", {&root_}, options);
  ASSERT_EQ(outcome.end.reason, EndReason::none) << outcome.end.what;
  EXPECT_EQ(outcome.scanned.unread, std::vector<std::string>{"0:shut 13"});
  ASSERT_TRUE(outcome.scanned.end.has_value());
  EXPECT_EQ(outcome.scanned.end->status, FRESHET_UNREADABLE);
}

// Where its mount is cloned by descriptor the worker has the very directory that the manager opened; where it is opened
// again by its path, another one is refused. What was put in its place it sees in neither case.
TEST_F(Isolation, ADirectoryInARootsPlaceIsNeverSeen) {
  const auto looks_at = [&](const OpenRoot& root, bool by_path) {
    WorkerOptions options;
    options.limits.no_idmapped_mounts = by_path;
    const Outcome outcome = run_plugin("lister", "", {&root}, options);
    if (!by_path && outcome.end.reason == EndReason::none) {
      EXPECT_EQ(outcome.scanned.findings, std::vector<std::string>{"0:right"});
    } else {
      EXPECT_EQ(outcome.end.reason, EndReason::setup);
      EXPECT_TRUE(outcome.scanned.findings.empty());
    }
    return outcome.end.what;
  };
  const std::string path = tree_.directory("swap");
  tree_.file("swap/right");
  const OpenRoot root = open_root(path);
  fs::rename(path, path + ".old");
  tree_.file("swap/wrong");
  looks_at(root, false);
  const std::string refusal = looks_at(root, true);
  EXPECT_NE(refusal.find("not the directory it was"), std::string::npos) << refusal;

  const std::string below_link = tree_.directory("real/root");
  tree_.file("real/root/right");
  const OpenRoot other = open_root(below_link);
  fs::rename(tree_.path() + "/real", tree_.path() + "/moved");
  tree_.file("aside/root/wrong");
  ASSERT_EQ(::symlink("aside", (tree_.path() + "/real").c_str()), 0);
  looks_at(other, false);
  looks_at(other, true);
}

TEST_F(Isolation, TreesDeeperThanAnyPathAreListed) {
  constexpr int kLevels = 3000;
  Fd at(::open(tree_.path().c_str(), O_RDONLY | O_DIRECTORY));
  for (int i = 0; i < kLevels; ++i) {
    ASSERT_EQ(::mkdirat(at.get(), "directory", 0755), 0);
    at = Fd(::openat(at.get(), "directory", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    ASSERT_TRUE(at);
  }
  ASSERT_TRUE(Fd(::openat(at.get(), "bottom", O_WRONLY | O_CREAT | O_CLOEXEC, 0644)));
  const Outcome outcome = run_plugin("lister", "", {&root_});
  ASSERT_EQ(outcome.end.reason, EndReason::none) << outcome.end.what;
  EXPECT_EQ(outcome.scanned.directories, static_cast<std::uint64_t>(kLevels) + 1);
  EXPECT_EQ(outcome.scanned.incomplete, 0U);
  EXPECT_EQ(outcome.scanned.findings.size(), 2U);
}

TEST_F(Isolation, MountsBelowARootAreSeenAndNeverEntered) {
  tree_.file("a-mount/hidden");
  const Mounted mounted(tree_.path() + "/a-mount");
  if (!mounted.good()) GTEST_SKIP() << "this user may not mount";
  tree_.file("a-mount/inside");
  const Outcome outcome = run_plugin("lister", "", {&root_});
  ASSERT_EQ(outcome.end.reason, EndReason::none) << outcome.end.what;
  EXPECT_EQ(outcome.scanned.directories, 1U);
  // The plugin proposes the mount point itself, which the host refuses.
  EXPECT_EQ(outcome.scanned.findings, std::vector<std::string>{"0:a"});
}

TEST_F(Isolation, AMountMadeLaterDoesNotAppearInside) {
  tree_.directory("later");
  auto worker = start();
  ASSERT_TRUE(worker);
  const Mounted mounted(tree_.path() + "/later");
  if (!mounted.good()) GTEST_SKIP() << "this user may not mount";
  EXPECT_EQ(lines_of("/proc/" + std::to_string(worker->pid()) + "/mountinfo").size(), 2U);
}

}  // namespace
}  // namespace freshet::channel::testing
