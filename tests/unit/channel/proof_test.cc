// The proof of a channel's isolation: it holds, and each of its checks fails where the layer it is about is left out.
#include <fcntl.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>

#include "../place_of_groups.h"
#include "live_worker.h"
#include "runtime/base/proc_file.h"
#include "runtime/channel/live_roles.h"

namespace freshet::channel::testing {
namespace {

namespace fs = std::filesystem;

// A spawner that withholds namespaces from what it starts.
class LesserSpawner final : public sandbox::Spawner {
 public:
  LesserSpawner(std::unique_ptr<sandbox::Spawner> spawner, std::uint64_t without)
      : spawner_(std::move(spawner)), without_(without) {}
  Result<sandbox::Spawned> spawn(const sandbox::SpawnRequest& request) override {
    sandbox::SpawnRequest lesser = request;
    lesser.namespaces &= ~without_;
    return spawner_->spawn(lesser);
  }

 private:
  std::unique_ptr<sandbox::Spawner> spawner_;
  std::uint64_t without_;
};

// What is left out: a step of the lock (by the tests' role executable), a namespace, or a layer of the host.
struct LeftOut {
  std::string step;
  std::uint64_t namespaces = 0;
  sandbox::SupportLimits limits;
  std::vector<std::string> fails;  // at least these
};

class IsolationProof : public ::testing::Test {
 protected:
  void SetUp() override {
    tree_.file("root/file", "contents");
    tree_.file("root/excluded/secret");
    tree_.file("root/.freshet/secret");
    ::chmod(tree_.path().c_str(), 0755);
    root_ = open_root(tree_.path() + "/root");
    root_.config.exclude = {tree_.path() + "/root/excluded"};
  }

  RoleRequest request() {
    RoleRequest out;
    out.role = wire::Role::worker;
    out.roots = {&root_};
    out.areas = {".freshet"};
    out.uid = 1879048192;
    return out;
  }

  Result<std::unique_ptr<RoleProcess>> start_without(const LeftOut& left_out) { return start_without(left_out, request()); }
  Result<std::unique_ptr<RoleProcess>> start_without(const LeftOut& left_out, RoleRequest weak,
                                                     std::shared_ptr<sandbox::ControlGroups> groups = nullptr) {
    const std::string name = tree_.path() + "/without-" + (left_out.step.empty() ? "nothing" : left_out.step);
    if (!fs::exists(name)) fs::copy_file(test_role_executable(), name);
    ::chmod(name.c_str(), 0755);
    auto real = sandbox::Spawner::create(name);
    if (!real) return std::unexpected(real.error());
    lesser_ = std::make_unique<LesserSpawner>(std::move(*real), left_out.namespaces);
    weak.strict = false;
    weak.channel = "cache";
    weak.live = &live_;
    sandbox::HostSupport support = sandbox::find_host_support(left_out.limits);
    support.control_groups = std::move(groups);
    return RoleProcess::start(*lesser_, support, weak);
  }

  // A worker whose process has no limit of its address space ends when its plugin takes more than 64 MiB.
  void expect_end_of_memory(const char* mode, std::shared_ptr<sandbox::ControlGroups> groups = nullptr) {
    auto bytes = read_plugin_file(plugin_path("hostile"));
    ASSERT_TRUE(bytes.has_value());
    RoleRequest asked = request();
    asked.plugin_memfd = bytes->memfd.get();
    asked.limits.memory_bytes = 64ULL << 20;
    asked.limits.wall_ns = 120'000'000'000;
    auto worker = start_without({"RLIMIT_AS", 0, {}, {}}, asked, std::move(groups));
    ASSERT_TRUE(worker.has_value()) << worker.error().what;
    Scanned scanned;
    if (load(**worker, mode)) read_scan(**worker, scanned);
    const End end = (*worker)->finish();
    EXPECT_EQ(end.reason, EndReason::limit) << end.what;
    EXPECT_NE(end.what.find("memory limit of 64 MiB"), std::string::npos) << end.what;
    EXPECT_FALSE(scanned.end.has_value());
  }

  // As it was listed.
  RoleLock role_lock_of(const RoleProcess&) const {
    const auto roles = live_.of("cache");
    return roles.empty() ? RoleLock{} : roles.back()->lock;
  }

  std::vector<CheckedPoint> prove(RoleProcess& probe) {
    const auto proof = probe.prove();
    EXPECT_TRUE(proof.has_value()) << proof.error().what;
    if (!proof) return {};
    std::vector<CheckedPoint> out = judge_proof(*proof, {root_.config.path});
    for (CheckedPoint& point : probe.check()) out.push_back(std::move(point));
    return out;
  }

  // "create a file in the grant (/tmp/..)" is "create a file in the grant".
  static std::string plain(const std::string& name) { return name.substr(0, name.find(" (")); }

  static void expect_words(const CheckedPoint& point) {
    EXPECT_FALSE(point.name.empty());
    EXPECT_FALSE(point.expected.empty()) << point.name;
    EXPECT_FALSE(point.seen.empty()) << point.name;
    EXPECT_TRUE(point.passed || point.expected != point.seen) << point.name;
  }

  // A folder as /proc has it of a process with wide limits.
  Fd proc_with_wide_limits(RoleProcess& of) {
    const std::string folder = tree_.directory("proc");
    std::ofstream(folder + "/status") << std::ifstream("/proc/" + std::to_string(of.pid()) + "/status").rdbuf();
    std::ifstream real("/proc/" + std::to_string(of.pid()) + "/limits");
    std::ofstream wide(folder + "/limits");
    for (std::string line; std::getline(real, line);) {
      std::string columns = line.substr(0, 26);
      if (line.starts_with("Max ")) columns += "unlimited            unlimited            ";
      wide << columns << "\n";
    }
    return Fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  }

  TempTree tree_;
  OpenRoot root_;
  LiveRoles live_;
  std::unique_ptr<sandbox::Spawner> lesser_;
};

#ifndef FRESHET_SANITIZED  // a sanitizer's role has another filter, and its own words inside

TEST_F(IsolationProof, HoldsForAWorkerAsItIsStarted) {
  auto probe = RoleProcess::start(spawner(), sandbox::find_host_support(), request());
  ASSERT_TRUE(probe.has_value()) << probe.error().what;
  const auto points = prove(**probe);
  EXPECT_GE(points.size(), 75U);
  for (const CheckedPoint& point : points)
    EXPECT_TRUE(point.passed) << point.name << ": expected " << point.expected << ", seen " << point.seen;
  EXPECT_EQ((*probe)->finish().reason, EndReason::none);
}

#endif

TEST_F(IsolationProof, IsRefusedOfAProcessThatMayLoadAPlugin) {
  auto bytes = read_plugin_file(plugin_path("lister"));
  ASSERT_TRUE(bytes.has_value());
  auto worker = start_worker(*bytes, {&root_}, {});
  ASSERT_TRUE(worker.has_value()) << worker.error().what;
  const auto proof = (*worker)->prove();
  ASSERT_FALSE(proof.has_value());
  EXPECT_EQ(proof.error().kind, ErrorKind::bug);
  EXPECT_TRUE((*worker)->open());
  EXPECT_TRUE(load(**worker, ""));
}

#ifndef FRESHET_SANITIZED

// One layer after another is left out, the checks that are about it fail, and no check is without a layer.
TEST_F(IsolationProof, FailsWhereALayerIsLeftOut) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root's roles have ids and capabilities to give up";
  const sandbox::SupportLimits whole;
  const sandbox::SupportLimits no_filter{.no_seccomp = true};
  std::vector<std::string> calls;  // what only the filter refuses
  std::set<std::string> all;
  {
    auto probe = start_without({"", 0, whole, {}});
    ASSERT_TRUE(probe.has_value()) << probe.error().what;
    for (const CheckedPoint& point : prove(**probe)) {
      EXPECT_TRUE(point.passed) << point.name << ": " << point.seen;
      if (point.expected.starts_with("refused")) calls.push_back(plain(point.name));
      all.insert(plain(point.name));
    }
  }
  std::vector<std::string> without_filter = calls;
  without_filter.push_back("Seccomp");
  without_filter.push_back("Seccomp_filters");
  const LeftOut rows[] = {
      {"", 0, no_filter, without_filter},
      {"no-new-privileges", 0, no_filter, {"NoNewPrivs"}},
      {"landlock", 0, whole, {"list the top of its own root", "read a file that nothing grants", "read contents that are not granted"}},
      {"private-root", 0, whole, {"open a file outside", "see that a file outside exists", "mounts", "descriptors", "descriptors it can use"}},
      {"read-only", 0, whole, {"mounts that can be written"}},
      {"no-links", 0, whole, {"mounts with set-uid, devices or links"}},
      {"no-programs", 0, whole, {"roots with programs"}},
      {"private-mounts", 0, whole, {"mounts that the host shares"}},
      {"cover", 0, whole, {"see what is excluded", "see the quarantine"}},
      {"capabilities", 0, whole, {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"}},
      {"ids", 0, whole, {"Uid", "Gid"}},
      {"groups", 0, whole, {"Groups"}},
      {"dumpable", 0, whole, {"dumpable"}},
      {"one-thread", 0, whole, {"threads"}},
      {"close-on-start", 0, whole, {"descriptors", "descriptors it can use"}},
      {"RLIMIT_AS", 0, whole, {"max address space"}},
      {"RLIMIT_CPU", 0, whole, {"max cpu time"}},
      {"RLIMIT_FSIZE", 0, whole, {"max file size"}},
      {"RLIMIT_CORE", 0, whole, {"max core file size"}},
      {"RLIMIT_NOFILE", 0, whole, {"max open files"}},
      {"RLIMIT_NPROC", 0, whole, {"max processes"}},
      {"RLIMIT_MEMLOCK", 0, whole, {"max locked memory"}},
      {"RLIMIT_MSGQUEUE", 0, whole, {"max msgqueue size"}},
      {"RLIMIT_SIGPENDING", 0, whole, {"max pending signals"}},
      {"RLIMIT_NICE", 0, whole, {"max nice priority"}},
      {"RLIMIT_RTPRIO", 0, whole, {"max realtime priority"}},
      {"private-root", CLONE_NEWNS, whole, {"namespace mnt"}},
      {"", CLONE_NEWPID, whole, {"namespace pid"}},
      {"", CLONE_NEWNET, whole, {"namespace net"}},
      {"", CLONE_NEWIPC, whole, {"namespace ipc"}},
      {"", CLONE_NEWUTS, whole, {"namespace uts"}},
      {"", CLONE_NEWCGROUP, whole, {"namespace cgroup"}},
      {"", 0, {.no_user_namespace = true}, {"namespace user"}},
  };
  const gid_t group = 4;
  ASSERT_EQ(::setgroups(1, &group), 0);
  std::set<std::string> shown;
  for (const LeftOut& row : rows) {
    // Where this process is itself held to what the lock asks for, leaving it out changes nothing.
    const auto nothing_to_lose = [](__rlimit_resource what) {
      rlimit now{};
      return ::getrlimit(what, &now) == 0 && now.rlim_max == 0;
    };
    if (row.step == "RLIMIT_CORE" && nothing_to_lose(RLIMIT_CORE)) continue;
    if (row.step == "RLIMIT_NICE" && nothing_to_lose(RLIMIT_NICE)) continue;
    if (row.step == "RLIMIT_RTPRIO" && nothing_to_lose(RLIMIT_RTPRIO)) continue;
    const std::string what = row.step + (row.namespaces != 0 ? " namespaces " + std::to_string(row.namespaces) : "");
    auto probe = start_without(row);
    ASSERT_TRUE(probe.has_value()) << what << ": " << probe.error().what;
    std::set<std::string> failed;
    for (const CheckedPoint& point : prove(**probe)) {
      expect_words(point);
      if (!point.passed) failed.insert(plain(point.name));
    }
    // Where mounts are shared, as under systemd, this one has covered the host's own directories.
    if (row.step == "private-mounts")
      for (const char* covered : {"/root/excluded", "/root/.freshet"})
        while (::umount2((tree_.path() + covered).c_str(), MNT_DETACH) == 0) {
        }
    for (const std::string& name : row.fails) EXPECT_TRUE(failed.contains(name)) << "without " << what << ", passed: " << name;
    shown.insert(failed.begin(), failed.end());
  }
  // The limits once more, where nothing of this host can stand in for the lock.
  auto probe = start_without({});
  ASSERT_TRUE(probe.has_value()) << probe.error().what;
  const Fd proc = proc_with_wide_limits(**probe);
  for (const CheckedPoint& point : look_from_outside(proc.get(), role_lock_of(**probe)))
    if (!point.passed && point.name.starts_with("max ")) shown.insert(point.name);
  for (const std::string& name : all) EXPECT_TRUE(shown.contains(name)) << "no layer's absence makes this fail: " << name;
}

// Memory has two limits, one inside and one watched from outside; each holds alone.
TEST_F(IsolationProof, MemoryIsWatchedWhereTheKernelSetsNoLimit) {
  expect_end_of_memory("allocate-slowly");
}

// The third, where the host has delegated one.
TEST_F(IsolationProof, MemoryIsLimitedByTheControlGroupWhereTheProcessHasNoLimit) {
  const ::freshet::testing::PlaceOfGroups place;
  if (!place) GTEST_SKIP() << "no control group may be made here: " << place.why();
  auto groups = sandbox::ControlGroups::in(place.open());
  ASSERT_TRUE(groups.has_value());
  if (!groups->limits_memory()) GTEST_SKIP() << "no memory controller in version 2 here";
  expect_end_of_memory("allocate-sparsely", std::make_shared<sandbox::ControlGroups>(std::move(*groups)));
  // By the kernel, before the look from outside saw as much.
  EXPECT_EQ(read_proc(AT_FDCWD, (place.path() + "/memory.events").c_str()).find("oom_kill 0\n"), std::string::npos);
}

TEST_F(IsolationProof, NothingOfTheSwitchIsInTheRealRole) {
  std::ifstream file(role_executable(), std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(file)), {});
  ASSERT_GT(bytes.size(), 10'000U);
  for (const char* word : {"/without-", "no-new-privileges", "RLIMIT_MSGQUEUE", "close-on-start"})
    EXPECT_EQ(bytes.find(word), std::string::npos) << word;
}

#endif

// A process of which /proc tells nothing but that it lives.
TEST_F(IsolationProof, WhatIsNotToldFailsInWords) {
  const std::string folder = tree_.directory("proc");
  std::ofstream(folder + "/status") << "State:\tS (sleeping)\n";
  const Fd proc(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  for (const wire::Role role : {wire::Role::worker, wire::Role::broker, wire::Role::probe}) {
    RoleLock lock;
    lock.role = role;
    lock.own_ids = true;
    lock.memory_bytes = lock.cpu_seconds = lock.processes = 1;
    std::set<std::string> failed;
    for (const CheckedPoint& point : look_from_outside(proc.get(), lock)) {
      expect_words(point);
      if (!point.passed) failed.insert(point.name);
    }
    std::vector<const char*> names = {"NoNewPrivs", "Seccomp", "CapEff", "CapBnd", "threads", "Uid", "Groups", "namespace net",
                                      "max address space", "max open files", "max core file size"};
    if (role != wire::Role::broker) names.insert(names.end(), {"mounts", "mounts that can be written", "roots with programs"});
    for (const char* name : names) EXPECT_TRUE(failed.contains(name)) << name;
  }
}

TEST_F(IsolationProof, LiveRolesAreListedWhileTheyLiveAndLookLocked) {
  LiveRoles live;
  RoleRequest asked = request();
  asked.channel = "cache";
  asked.live = &live;
  {
    auto bytes = read_plugin_file(plugin_path("lister"));
    ASSERT_TRUE(bytes.has_value());
    asked.plugin_memfd = bytes->memfd.get();
    auto worker = RoleProcess::start(spawner(), sandbox::find_host_support(), asked);
    ASSERT_TRUE(worker.has_value()) << worker.error().what;
    asked.role = wire::Role::broker;
    asked.plugin_memfd = -1;
    asked.uid = 1879048193;
    auto broker = RoleProcess::start(spawner(), sandbox::find_host_support(), asked);
    ASSERT_TRUE(broker.has_value()) << broker.error().what;
    EXPECT_TRUE(live.of("other").empty());
    const auto roles = live.of("cache");
    ASSERT_EQ(roles.size(), 2U);
    for (const auto& role : roles) {
      const auto points = look_from_outside(role->proc.get(), role->lock);
      EXPECT_GE(points.size(), 25U);
      for (const CheckedPoint& point : points)
        EXPECT_TRUE(point.passed) << (role->lock.role == wire::Role::broker ? "broker: " : "worker: ") << point.name
                                  << ": expected " << point.expected << ", seen " << point.seen;
    }
    (*worker)->finish();
    EXPECT_EQ(live.count(), 1U);
    // Who still has it sees that it is gone, and never another process.
    for (const auto& role : roles) {
      const bool ended = role->lock.role == wire::Role::worker;
      EXPECT_EQ(look_from_outside(role->proc.get(), role->lock).empty(), ended);
    }
  }
  EXPECT_EQ(live.count(), 0U);
}

}  // namespace
}  // namespace freshet::channel::testing
