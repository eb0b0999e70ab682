// What follows a breach, the resource checks of workers, and the proof of isolation, through the manager.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <thread>

#include "tests/unit/manager/manager_fixture.h"

namespace freshet {
namespace {

class HostileTest : public ManagerFixture {
 protected:
  void add_hostile(const std::string& name, const std::string& channel, const std::string& plugin, const std::string& how = {}) {
    config::TaskConfig task;
    task.name = name;
    task.plugin = "org.freshet.test." + plugin;
    task.channel = channel;
    if (!how.empty()) task.settings["how"] = {how, {}};
    config_.tasks.emplace(name, task);
  }
  void open_with(const std::string& role = FRESHET_ROLE) {
    ManagerOptions options;
    options.state_dir = dir_ / "state";
    options.plugin_dirs = {FRESHET_PLUGINS, FRESHET_HOSTILE_PLUGINS};
    options.role_executable = role;
    auto made = make_manager(config_, options);
    ASSERT_TRUE(made) << made.error().what;
    manager_ = std::move(*made);
  }
  static bool names(const SecurityValidationResult& result, const std::string& code) {
    return std::ranges::any_of(result.violations, [&](const BoundaryViolation& one) { return one.code == code; });
  }
  bool strict() const { return config_.isolation == config::Isolation::strict; }
};

#ifndef FRESHET_SANITIZED  // its roles have other filters

TEST_F(HostileTest, ABreachBlocksThePluginUntilItIsUnblocked) {
  if (!strict()) GTEST_SKIP() << "this host grants no strict isolation";
  add_hostile("bad", "cache", "fork");
  make_old_file(dir_ / "root/one");
  open_with();
  const CleanupHandle task = handle("bad");
  EXPECT_TRUE(manager_.cleanup->validate_security_boundaries(task).passed);
  CleanupResult result = manager_.cleanup->execute_cleanup(task);
  EXPECT_EQ(result.end, EndReason::breach) << result.note;
  ASSERT_TRUE(result.error);
  EXPECT_TRUE(result.error->is(IsolationCause::breach)) << result.error->what;

  auto blocked = manager_.plugins->blocked();
  ASSERT_TRUE(blocked) << blocked.error().what;
  ASSERT_EQ(blocked->size(), 1U);
  EXPECT_NE((*blocked)[0].why.find("called fork(2)"), std::string::npos) << (*blocked)[0].why;
  EXPECT_NE((*blocked)[0].why.find("task bad"), std::string::npos);
  EXPECT_TRUE(names(manager_.cleanup->validate_security_boundaries(task), "F1060"));
  result = manager_.cleanup->execute_cleanup(task);
  EXPECT_EQ(result.state, TaskState::refused);
  ASSERT_TRUE(result.error);
  EXPECT_TRUE(result.error->is(SecurityCause::blocked));
  for (const PluginFacts& plugin : manager_.plugins->plugins())
    EXPECT_EQ(plugin.blocked.empty(), plugin.id != "org.freshet.test.fork") << plugin.id;

  open_with();  // a block outlives its manager
  EXPECT_TRUE(names(manager_.cleanup->validate_security_boundaries(handle("bad")), "F1060"));
  EXPECT_FALSE(manager_.plugins->unblock("org.freshet.test.connect"));
  EXPECT_FALSE(manager_.plugins->unblock((*blocked)[0].sha256.substr(0, 7))) << "too short to be meant";
  ASSERT_TRUE(manager_.plugins->unblock((*blocked)[0].sha256.substr(0, 12)));
  EXPECT_TRUE(manager_.plugins->blocked()->empty());
  EXPECT_EQ(manager_.plugins->unblock("org.freshet.test.fork").error().kind, ErrorKind::missing);
  result = manager_.cleanup->execute_cleanup(handle("bad"));
  EXPECT_EQ(result.end, EndReason::breach) << "it ran again: " << result.note;
  EXPECT_TRUE(manager_.plugins->unblock("org.freshet.test.fork"));
}

TEST_F(HostileTest, AForgedMessageIsABreach) {
  add_hostile("bad", "cache", "forge-wire", "hello");
  make_old_file(dir_ / "root/one");
  open_with();
  EXPECT_EQ(manager_.cleanup->execute_cleanup(handle("bad")).end, EndReason::protocol);
  EXPECT_EQ(manager_.plugins->blocked()->size(), 1U);
}

// What was planned before it and what would be planned after it: neither takes effect.
TEST_F(HostileTest, ABreachInTheScanClosesTheWholeChannelAndNoOther) {
  struct Deed {
    const char* plugin;
    const char* how;
    EndReason end;
  };
  std::filesystem::create_directory(dir_ / "elsewhere");
  add_channel("elsewhere", dir_ / "elsewhere");
  add_task("a-first", "cache");
  add_task("c-third", "cache");
  add_task("d-other", "elsewhere");
  for (const Deed& deed : {Deed{"forge-wire", "hello", EndReason::protocol}, Deed{"fork", "", EndReason::breach}}) {
    if (deed.end == EndReason::breach && !strict()) continue;
    config_.tasks.erase("b-second");
    add_hostile("b-second", "cache", deed.plugin, deed.how);
    make_old_file(dir_ / "root/old");
    make_old_file(dir_ / "elsewhere/old");
    open_with();
    const auto planned = manager_.runs->plan({});
    ASSERT_TRUE(planned);
    std::map<std::string, CleanupResult> results;
    for (CleanupResult& result : manager_.runs->apply(*planned).tasks) results[result.task] = std::move(result);
    ASSERT_EQ(results.size(), 4U);
    EXPECT_EQ(results["b-second"].end, deed.end) << results["b-second"].note;
    for (const char* name : {"a-first", "c-third"}) {
      EXPECT_EQ(results[name].state, TaskState::skipped) << deed.plugin << ": " << name;
      EXPECT_EQ(results[name].note, "its channel was closed after a breach by b-second") << deed.plugin << ": " << name;
    }
    EXPECT_EQ(results["d-other"].state, TaskState::committed) << results["d-other"].note;
    EXPECT_TRUE(exists("old"));
    EXPECT_FALSE(exists(".freshet"));
    EXPECT_FALSE(std::filesystem::exists(dir_ / "elsewhere/old"));
  }
}

TEST_F(HostileTest, AnIpcObjectThatWasNotShownIsNoFinding) {
  add_hostile("bad", "cache", "forge-wire", "ipc-object");
  make_old_file(dir_ / "root/one");
  open_with();
  const CleanupResult bad = manager_.cleanup->execute_cleanup(handle("bad"));
  EXPECT_EQ(bad.end, EndReason::protocol) << bad.note;
  EXPECT_NE(bad.note.find("was not shown"), std::string::npos) << bad.note;
}

// Two tasks share a channel; each has what is its own of it.
TEST_F(HostileTest, ATaskReachesNoRootOfItsChannelThatIsNotItsOwn) {
  std::filesystem::create_directory(dir_ / "others");
  config::RootConfig second = config_.channels.at("cache").roots.front();
  second.path = dir_ / "others";
  config_.channels.at("cache").roots.push_back(second);
  add_hostile("bad", "cache", "forge-wire", "next-root");
  config_.tasks.at("bad").roots = {config_.channels.at("cache").roots.front()};
  add_task("good", "cache");  // all of its channel's
  make_old_file(dir_ / "root/one");
  make_old_file(dir_ / "others/victim");
  open_with();
  const CleanupResult bad = manager_.cleanup->execute_cleanup(handle("bad"));
  EXPECT_EQ(bad.end, EndReason::protocol) << bad.note;
  EXPECT_NE(bad.note.find("a root that was not granted"), std::string::npos) << bad.note;
  EXPECT_TRUE(std::filesystem::exists(dir_ / "others/victim"));
  const CleanupResult good = manager_.cleanup->execute_cleanup(handle("good"));
  EXPECT_EQ(good.state, TaskState::committed) << good.note;
  EXPECT_FALSE(std::filesystem::exists(dir_ / "others/victim")) << "the control";
}

TEST_F(HostileTest, ABreachInTheActTakesBackTheWholeChannelAndNoOther) {
  if (!strict()) GTEST_SKIP() << "this host grants no strict isolation";
  std::filesystem::create_directory(dir_ / "elsewhere");
  add_channel("elsewhere", dir_ / "elsewhere");
  config_.channels.at("cache").quarantine.keep_ns = 1'000'000'000'000;
  add_task("a-first", "cache");
  add_hostile("b-second", "cache", "well-behaved");
  add_hostile("c-third", "cache", "well-behaved");
  add_task("d-other", "elsewhere");
  config_.tasks.at("a-first").on_failure = config::OnFailure::keep;  // a breach is no failure of the task's own
  make_old_file(dir_ / "root/old");
  std::ofstream(dir_ / "root/young") << "young";
  make_old_file(dir_ / "elsewhere/old");
  open_with(FRESHET_FORGING_ROLE);
  const auto planned = manager_.runs->plan({});
  ASSERT_TRUE(planned);
  const RunResult run = manager_.runs->apply(*planned);
  std::map<std::string, const CleanupResult*> results;
  for (const CleanupResult& result : run.tasks) results[result.task] = &result;
  ASSERT_EQ(results.size(), 4U);
  EXPECT_EQ(results.at("b-second")->end, EndReason::breach) << results.at("b-second")->note;
  EXPECT_EQ(results.at("a-first")->state, TaskState::rolled_back) << results.at("a-first")->note;
  EXPECT_EQ(results.at("a-first")->entries_removed, 0U);
  ASSERT_TRUE(results.at("a-first")->error);
  EXPECT_TRUE(results.at("a-first")->error->is(IsolationCause::breach));
  EXPECT_EQ(results.at("c-third")->state, TaskState::skipped);
  EXPECT_EQ(results.at("d-other")->state, TaskState::committed) << results.at("d-other")->note;
  EXPECT_TRUE(exists("old"));
  EXPECT_TRUE(exists("young"));
  EXPECT_FALSE(std::filesystem::exists(dir_ / "elsewhere/old"));
  EXPECT_EQ(manager_.plugins->blocked()->size(), 1U);
  const auto again = manager_.history->find_run(run.run_id);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->tasks.at(0).state, TaskState::rolled_back) << "history says so too";
}

TEST_F(HostileTest, OtherEndsBlockNothing) {
  config_.channels.at("cache").limits.wall_ns = 1'000'000'000;
  add_hostile("crashes", "cache", "crash");
  add_hostile("spins", "cache", "spin");
  make_old_file(dir_ / "root/one");
  open_with();
  EXPECT_EQ(manager_.cleanup->execute_cleanup(handle("crashes")).end, EndReason::signal);
  const EndReason spun = manager_.cleanup->execute_cleanup(handle("spins")).end;
  EXPECT_TRUE(spun == EndReason::timeout || spun == EndReason::limit);
  EXPECT_TRUE(manager_.plugins->blocked()->empty());
}

// ---- what a worker leaves behind ----

struct Leak {
  const char* how;
  const char* check;  // empty: all pass
  std::uint64_t least;
};
void PrintTo(const Leak& leak, std::ostream* out) { *out << leak.how; }

class WorkerThatKeeps : public HostileTest, public ::testing::WithParamInterface<Leak> {};

TEST_P(WorkerThatKeeps, IsReportedWithItsSize) {
  if (!strict()) GTEST_SKIP() << "this host grants no strict isolation";
  add_hostile("leaky", "cache", "leak", GetParam().how);
  make_old_file(dir_ / "root/one");
  open_with();
  const CleanupResult result = manager_.cleanup->execute_cleanup(handle("leaky"));
  EXPECT_EQ(result.end, EndReason::none) << result.note;
  ASSERT_EQ(result.resources.size(), 4U);
  for (const ResourceCheck& check : result.resources) {
    EXPECT_EQ(check.passed, check.name != GetParam().check) << check.name << ": " << check.detail;
    EXPECT_EQ(check.passed, check.detail.empty()) << check.detail;
    if (check.name == GetParam().check) {
      EXPECT_GE(check.after, check.before + GetParam().least) << check.detail;
    }
  }
  const bool clean = *GetParam().check == '\0';
  EXPECT_EQ(result.error && result.error->is(CompletionCause::leaked), !clean);
  EXPECT_TRUE(manager_.plugins->blocked()->empty()) << "a leak is no breach";
}

INSTANTIATE_TEST_SUITE_P(Hostile, WorkerThatKeeps,
                         ::testing::Values(Leak{"nothing", "", 0}, Leak{"memory", "memory reclamation", 1 << 20},
                                           Leak{"pages", "memory reclamation", 16 << 20},
                                           Leak{"thread", "thread pool restoration", 1},
                                           Leak{"descriptor", "channel resources", 1}, Leak{"buffer", "buffer pool", 1},
                                           Leak{"late-write", "buffer pool", 0}),
                         [](const auto& tested) {
                           std::string name = tested.param.how;
                           std::ranges::replace(name, '-', '_');
                           return name;
                         });

class BrokerThatKeeps : public HostileTest, public ::testing::WithParamInterface<Leak> {};

TEST_P(BrokerThatKeeps, IsReportedWithItsSize) {
  if (!strict()) GTEST_SKIP() << "this host grants no strict isolation";
  // What it keeps is in the name of its file: no message or option of the real role could ask for it.
  const std::string role = dir_ / (std::string("keeps-") + GetParam().how);
  std::filesystem::copy_file(FRESHET_KEEPING_ROLE, role);
  add_task("old", "cache");
  make_old_file(dir_ / "root/one");
  open_with(role);
  const CleanupResult result = manager_.cleanup->execute_cleanup(handle("old"));
  EXPECT_EQ(result.state, TaskState::committed) << result.note;
  EXPECT_FALSE(exists("one"));
  ASSERT_EQ(result.resources.size(), 4U);
  for (const ResourceCheck& check : result.resources) {
    EXPECT_EQ(check.passed, check.name != GetParam().check) << check.name << ": " << check.detail;
    if (check.passed) continue;
    EXPECT_EQ(check.detail.find("the broker: "), 0U) << check.detail;
    EXPECT_GE(check.after, check.before + GetParam().least) << check.detail;
  }
  const bool clean = *GetParam().check == '\0';
  EXPECT_EQ(result.error && result.error->is(CompletionCause::leaked), !clean);
  EXPECT_EQ(manager_.cleanup->verify_cleanup_completion(handle("old")).complete, clean);
  EXPECT_TRUE(manager_.cleanup->rollback_cleanup(handle("old"))) << "a leak is no reason to keep what it moved";
}

INSTANTIATE_TEST_SUITE_P(Leaking, BrokerThatKeeps,
                         ::testing::Values(Leak{"nothing", "", 0}, Leak{"memory", "memory reclamation", 16 << 20},
                                           Leak{"thread", "thread pool restoration", 1},
                                           Leak{"descriptors", "channel resources", 100},
                                           Leak{"lock", "channel resources", 0}, Leak{"process", "channel resources", 0}),
                         [](const auto& tested) { return std::string(tested.param.how); });

TEST_F(HostileTest, AnHonestTaskLeavesNothingBehind) {
  add_task("old", "cache");
  for (int i = 0; i < 300; ++i) make_old_file(dir_ / ("root/d" + std::to_string(i % 20) + "/f" + std::to_string(i)));
  open_with();
  const CleanupResult result = manager_.cleanup->execute_cleanup(handle("old"));
  EXPECT_EQ(result.state, TaskState::committed) << result.note;
  ASSERT_EQ(result.resources.size(), 4U);
  for (const ResourceCheck& check : result.resources) EXPECT_TRUE(check.passed) << check.name << ": " << check.detail;
  EXPECT_FALSE(result.error);
}

// ---- isolation ----

TEST_F(HostileTest, IsolationIsProvedInAProbeAndSeenOnALiveWorker) {
  if (!strict()) GTEST_SKIP() << "this host grants no strict isolation";
  config_.channels.at("cache").limits.wall_ns = 20'000'000'000;
  config_.channels.at("cache").limits.cpu_ns = 3'000'000'000;
  add_hostile("spins", "cache", "spin");
  make_old_file(dir_ / "root/one");
  open_with();
  std::jthread running([&] { (void)manager_.cleanup->execute_cleanup(handle("spins")); });
  CleanupIsolationResult result;
  bool live = false;
  for (int i = 0; i < 200 && !live; ++i) {
    result = manager_.cleanup->verify_cleanup_isolation("cache");
    ASSERT_FALSE(result.error) << result.error->what;
    live = std::ranges::any_of(result.checks, [](const IsolationCheck& check) { return check.on == "live worker"; });
  }
  EXPECT_TRUE(live);
  for (const IsolationCheck& check : result.checks)
    EXPECT_TRUE(check.passed) << check.on << ": " << check.name << ": expected " << check.expected << ", seen " << check.seen;
  EXPECT_TRUE(result.isolated);
  EXPECT_GT(result.start_ns, 0);
  EXPECT_GT(result.checks_ns, 0);
  EXPECT_TRUE(manager_.cleanup->verify_cleanup_isolation("no-such").error->cause == IsolationCause::unknown_channel);
}

#endif

}  // namespace
}  // namespace freshet
