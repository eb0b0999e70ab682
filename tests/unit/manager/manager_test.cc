#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <thread>

#include "runtime/config/config.h"
#include "runtime/manager/examine_host.h"
#include "runtime/manager/make_manager.h"
#include "tests/unit/manager/temp_dir.h"

namespace freshet {
namespace {

// A manager on real files, with real workers and brokers.
class ManagerTest : public ::testing::Test {
 protected:
  ManagerTest() {
    std::filesystem::create_directory(dir_ / "root");
    config_.isolation = config::Isolation::strict;
    for (const DoctorRow& row : examine_host())
      if (row.needed_for_strict && !row.available) config_.isolation = config::Isolation::best_effort;
    add_channel("cache", dir_ / "root");
  }

  void add_channel(const std::string& name, const std::string& root) {
    config::ChannelConfig channel;
    channel.name = name;
    config::RootConfig place;
    place.path = root;
    channel.roots.push_back(place);
    channel.budget.share = 1.0;
    config_.channels.emplace(name, channel);
  }
  void add_task(const std::string& name, const std::string& channel, const std::string& age = "30d") {
    config::TaskConfig task;
    task.name = name;
    task.plugin = "org.freshet.expired-files";
    task.channel = channel;
    task.settings["older-than"] = {age, {}};
    task.settings["age-by"] = {std::vector<config::SettingValue>{{std::string("mtime"), {}}}, {}};
    task.settings["empty-directories"] = {true, {}};
    config_.tasks.emplace(name, task);
  }
  void make_old_file(const std::string& path) {
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    std::ofstream(path) << "content of " << path;
    const timespec times[2] = {{1'600'000'000, 5}, {1'600'000'000, 7}};
    ASSERT_EQ(::utimensat(AT_FDCWD, path.c_str(), times, 0), 0);
  }
  void open() {
    ManagerOptions options;
    options.state_dir = dir_ / "state";
    options.plugin_dirs = {FRESHET_PLUGINS};
    options.role_executable = FRESHET_ROLE;
    auto made = make_manager(config_, options);
    ASSERT_TRUE(made) << made.error().what;
    manager_ = std::move(*made);
  }
  CleanupHandle handle(const std::string& name) {
    for (const IRuns::TaskEntry& task : manager_.runs->tasks())
      if (task.name == name) return task.handle;
    return {};
  }
  [[nodiscard]] bool exists(const std::string& name) const { return std::filesystem::exists(dir_ / ("root/" + name)); }

  TempDir dir_;
  config::Config config_;
  Manager manager_;
};

NativeTask counting(std::atomic<int>& count) {
  NativeTask task;
  task.run = [&](TaskContext& context) -> Status {
    ++count;
    context.count(3, 300);
    return {};
  };
  return task;
}

TEST_F(ManagerTest, AChannelsTaskRunsIsVerifiedAndComesBack) {
  add_task("old", "cache");
  make_old_file(dir_ / "root/a/one");
  make_old_file(dir_ / "root/two");
  open();
  const CleanupHandle task = handle("old");
  EXPECT_TRUE(manager_.cleanup->validate_security_boundaries(task).passed);
  EXPECT_EQ(manager_.cleanup->track_cleanup_performance(task).state, TaskState::registered);

  const CleanupResult result = manager_.cleanup->execute_cleanup(task);
  ASSERT_FALSE(result.error) << result.error->what;
  EXPECT_EQ(result.state, TaskState::committed) << result.note;
  EXPECT_EQ(result.entries_removed, 2U);
  EXPECT_FALSE(result.trusted_in_process);
  EXPECT_GT(result.bytes_reclaimable_at_purge, 0U);
  EXPECT_FALSE(exists("a/one"));
  EXPECT_TRUE(exists("a")) << "it is young, and stays";

  const CompletionStatus status = manager_.cleanup->verify_cleanup_completion(task);
  EXPECT_TRUE(status.complete);
  EXPECT_EQ(status.units_in_place, 2U);
  const CleanupMetrics metrics = manager_.cleanup->track_cleanup_performance(task);
  EXPECT_EQ(metrics.entries, 2U);
  EXPECT_GT(metrics.scan_ns, 0);
  EXPECT_GT(metrics.peak_rss_bytes, 0U);

  EXPECT_TRUE(manager_.cleanup->rollback_cleanup(task));
  EXPECT_TRUE(exists("a/one"));
  EXPECT_FALSE(exists(".freshet")) << "an empty area goes";
  EXPECT_TRUE(manager_.cleanup->rollback_cleanup(task)) << "safe twice";
  struct stat info {};
  ASSERT_EQ(::stat((dir_ / "root/a/one").c_str(), &info), 0);
  EXPECT_EQ(info.st_mtim.tv_sec, 1'600'000'000);
  EXPECT_EQ(info.st_mtim.tv_nsec, 7);
}

TEST_F(ManagerTest, CompletionSeesWhatWasTakenOutOfTheQuarantine) {
  add_task("old", "cache");
  make_old_file(dir_ / "root/two");
  open();
  const CleanupResult result = manager_.cleanup->execute_cleanup(handle("old"));
  ASSERT_EQ(result.state, TaskState::committed) << result.note;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(dir_ / "root"))
    if (entry.path().filename() == "two") std::filesystem::remove(entry.path());
  const CompletionStatus status = manager_.cleanup->verify_cleanup_completion(handle("old"));
  EXPECT_FALSE(status.complete);
  ASSERT_EQ(status.wrong.size(), 1U);
  EXPECT_NE(status.wrong[0].path.find("root/two"), std::string::npos);
}

TEST_F(ManagerTest, RollbackNeverOverwritesAndNamesTheConflict) {
  add_task("old", "cache");
  make_old_file(dir_ / "root/one");
  make_old_file(dir_ / "root/two");
  open();
  const CleanupResult result = manager_.cleanup->execute_cleanup(handle("old"));
  ASSERT_EQ(result.state, TaskState::committed) << result.note;
  std::ofstream(dir_ / "root/two") << "somebody else's";
  const RollbackReport report = manager_.quarantine->rollback(result.run_id);
  EXPECT_FALSE(report.complete);
  ASSERT_EQ(report.conflicts.size(), 1U);
  EXPECT_NE(report.conflicts[0].path.find("two"), std::string::npos);
  EXPECT_TRUE(exists("one"));
  std::string text;
  std::getline(std::ifstream(dir_ / "root/two"), text);
  EXPECT_EQ(text, "somebody else's");
  std::filesystem::remove(dir_ / "root/two");
  EXPECT_TRUE(manager_.quarantine->rollback(result.run_id).complete);
  std::getline(std::ifstream(dir_ / "root/two"), text);
  EXPECT_EQ(text, "content of " + (dir_ / "root/two"));
}

TEST_F(ManagerTest, IsolationIsShownByChecksThatAllPass) {
  if (config_.isolation != config::Isolation::strict) GTEST_SKIP() << "this host grants no strict isolation";
  add_task("old", "cache");
  open();
  const CleanupIsolationResult result = manager_.cleanup->verify_cleanup_isolation("cache");
  ASSERT_FALSE(result.error) << result.error->what;
  for (const IsolationCheck& check : result.checks) EXPECT_TRUE(check.passed) << check.name << ": " << check.seen;
  EXPECT_TRUE(result.isolated);
  EXPECT_GE(result.checks.size(), 10U);
  EXPECT_TRUE(manager_.cleanup->verify_cleanup_isolation("no-such").error.has_value());
}

TEST_F(ManagerTest, NativeTasksRunOnceInTheirOrderAndAreNeverCalledIsolated) {
  open();
  std::atomic<int> first = 0;
  std::atomic<int> second = 0;
  CleanupTask later{counting(second), {}, {"first"}};
  const auto second_handle = manager_.cleanup->register_cleanup_task("second", later);
  ASSERT_TRUE(second_handle);
  EXPECT_FALSE(manager_.cleanup->validate_dependencies(*second_handle).valid) << "its dependency comes later";
  ASSERT_TRUE(manager_.cleanup->register_cleanup_task("first", {counting(first), {}, {}}));
  const DependencyValidationResult order = manager_.cleanup->validate_dependencies(*second_handle);
  EXPECT_TRUE(order.valid);
  EXPECT_EQ(order.order, (std::vector<std::string>{"first", "second"}));
  const CleanupResult result = manager_.cleanup->execute_cleanup(*second_handle);
  EXPECT_EQ(result.state, TaskState::committed) << result.note;
  EXPECT_TRUE(result.trusted_in_process);
  ASSERT_EQ(result.others.size(), 1U);
  EXPECT_EQ(result.others[0].task, "first");
  EXPECT_EQ(first, 1);
  EXPECT_EQ(second, 1);
  EXPECT_EQ(result.entries_removed, 3U);
}

TEST_F(ManagerTest, AFailedRequirementSkipsItsDependentAndCompensatesTheFailure) {
  open();
  std::atomic<int> compensated = 0;
  std::atomic<int> ran = 0;
  NativeTask failing;
  failing.run = [](TaskContext&) -> Status { return fail(ErrorKind::system, "the pool does not close"); };
  failing.compensate = [&](TaskContext&) -> Status {
    ++compensated;
    return {};
  };
  NativeTask throwing;
  throwing.run = [](TaskContext&) -> Status { throw std::runtime_error("thrown"); };
  ASSERT_TRUE(manager_.cleanup->register_cleanup_task("failing", {failing, {}, {}}));
  ASSERT_TRUE(manager_.cleanup->register_cleanup_task("throwing", {throwing, {}, {}}));
  const auto handle = manager_.cleanup->register_cleanup_task("last", {counting(ran), {"throwing"}, {"failing"}});
  const CleanupResult result = manager_.cleanup->execute_cleanup(*handle);
  EXPECT_EQ(result.state, TaskState::skipped);
  EXPECT_NE(result.note.find("the pool does not close"), std::string::npos);
  EXPECT_EQ(ran, 0);
  EXPECT_EQ(compensated, 1);
}

TEST_F(ManagerTest, ANativeTaskIsTakenBackByItsCompensateInAChannelToo) {
  open();
  std::atomic<int> ran = 0;
  std::atomic<int> compensated = 0;
  NativeTask task = counting(ran);
  task.compensate = [&](TaskContext&) -> Status {
    ++compensated;
    return {};
  };
  const auto with_channel = manager_.cleanup->register_cleanup_task("in-channel", {task, {}, {}}, "cache");
  const auto without = manager_.cleanup->register_cleanup_task("alone", {task, {}, {}});
  const auto one_way = manager_.cleanup->register_cleanup_task("one-way", {counting(ran), {}, {}}, "cache");
  for (const auto& handle : {with_channel, without, one_way}) {
    ASSERT_TRUE(handle);
    EXPECT_EQ(manager_.cleanup->execute_cleanup(*handle).state, TaskState::committed);
  }
  EXPECT_TRUE(manager_.cleanup->rollback_cleanup(*with_channel));
  EXPECT_TRUE(manager_.cleanup->rollback_cleanup(*without));
  EXPECT_EQ(compensated, 2);
  EXPECT_FALSE(manager_.cleanup->rollback_cleanup(*one_way)) << "nothing can take it back";
}

TEST_F(ManagerTest, BadRegistrationsSayWhatIsWrong) {
  open();
  std::atomic<int> count = 0;
  ICleanupManager& manager = *manager_.cleanup;
  EXPECT_FALSE(manager.register_cleanup_task("", {counting(count), {}, {}}));
  EXPECT_FALSE(manager.register_cleanup_task("a b", {counting(count), {}, {}}));
  EXPECT_FALSE(manager.register_cleanup_task(std::string(65, 'x'), {counting(count), {}, {}}));
  EXPECT_FALSE(manager.register_cleanup_task("self", {counting(count), {"self"}, {}}));
  EXPECT_FALSE(manager.register_cleanup_task("empty", {NativeTask{}, {}, {}}));
  EXPECT_EQ(manager.register_cleanup_task("lost", {counting(count), {}, {}}, "no-channel").error().kind, ErrorKind::missing);
  EXPECT_TRUE(manager.register_cleanup_task("good", {counting(count), {}, {}}));
  EXPECT_FALSE(manager.register_cleanup_task("good", {counting(count), {}, {}}));
}

TEST_F(ManagerTest, ForeignAndMadeUpHandlesAreErrorsEverywhere) {
  open();
  for (const CleanupHandle bad : {CleanupHandle{}, CleanupHandle{1, 2, 3}, CleanupHandle{~0ULL, ~0ULL, ~0ULL}}) {
    EXPECT_TRUE(manager_.cleanup->execute_cleanup(bad).error.has_value());
    EXPECT_TRUE(manager_.cleanup->validate_security_boundaries(bad).error.has_value());
    EXPECT_TRUE(manager_.cleanup->track_cleanup_performance(bad).error.has_value());
    EXPECT_TRUE(manager_.cleanup->validate_dependencies(bad).error.has_value());
    EXPECT_TRUE(manager_.cleanup->verify_cleanup_completion(bad).error.has_value());
    EXPECT_FALSE(manager_.cleanup->rollback_cleanup(bad));
  }
}

TEST_F(ManagerTest, EveryViolationIsNamedAtOnce) {
  add_channel("etc", "/etc");
  config_.channels.at("etc").roots[0].access.remove = false;
  add_task("bad", "etc", "not an age");
  open();
  const SecurityValidationResult result = manager_.cleanup->validate_security_boundaries(handle("bad"));
  std::vector<std::string> codes;
  for (const BoundaryViolation& violation : result.violations) codes.push_back(violation.code);
  for (const char* code : {"F1011", "F1001", "F2012"}) EXPECT_NE(std::ranges::find(codes, code), codes.end()) << code;
  const CleanupResult run = manager_.cleanup->execute_cleanup(handle("bad"));
  EXPECT_EQ(run.state, TaskState::refused);
}

TEST_F(ManagerTest, ARunIsOpenedFromHistoryByAnotherManager) {
  add_task("old", "cache");
  make_old_file(dir_ / "root/two");
  open();
  const std::string run = manager_.cleanup->execute_cleanup(handle("old")).run_id;
  manager_ = {};
  config_.tasks.clear();
  config_.channels.clear();
  open();
  const auto handles = manager_.runs->open(run);
  ASSERT_TRUE(handles);
  ASSERT_EQ(handles->size(), 1U);
  EXPECT_TRUE(manager_.cleanup->verify_cleanup_completion(handles->front()).complete);
  EXPECT_TRUE(manager_.cleanup->rollback_cleanup(handles->front()));
  EXPECT_TRUE(exists("two"));
}

TEST_F(ManagerTest, MetricsCountWhatWasDone) {
  add_task("old", "cache");
  make_old_file(dir_ / "root/two");
  open();
  (void)manager_.cleanup->execute_cleanup(handle("old"));
  const std::map<std::string, MetricValue> metrics = manager_.cleanup->get_cleanup_metrics();
  EXPECT_EQ(std::get<double>(metrics.at("runs").value), 1.0);
  EXPECT_EQ(std::get<double>(metrics.at("entries_removed").value), 1.0);
  const auto& tasks = std::get<MetricValue::Map>(metrics.at("tasks").value);
  EXPECT_EQ(std::get<std::string>(std::get<MetricValue::Map>(tasks.at("old").value).at("state").value), "committed");
  std::string docs;
  std::ifstream in(METRICS_PAGE);
  for (std::string line; std::getline(in, line);) docs += line + "\n";
  for (const auto& [key, value] : metrics) EXPECT_NE(docs.find("`" + key + "`"), std::string::npos) << key;
}

TEST_F(ManagerTest, ManyThreadsRunManyTasksEachOnce) {
  open();
  constexpr int kTasks = 40;
  std::vector<std::atomic<int>> counts(kTasks);
  std::vector<CleanupHandle> handles;
  for (int i = 0; i < kTasks; ++i)
    handles.push_back(*manager_.cleanup->register_cleanup_task("t" + std::to_string(i), {counting(counts[static_cast<std::size_t>(i)]), {}, {}}));
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 8; ++t)
      threads.emplace_back([&, t] {
        for (int i = t; i < kTasks; i += 8) {
          EXPECT_EQ(manager_.cleanup->execute_cleanup(handles[static_cast<std::size_t>(i)]).state, TaskState::committed);
          (void)manager_.cleanup->get_cleanup_metrics();
          (void)manager_.cleanup->track_cleanup_performance(handles[0]);
        }
      });
  }
  for (const auto& count : counts) EXPECT_EQ(count, 1);
}

}  // namespace
}  // namespace freshet
