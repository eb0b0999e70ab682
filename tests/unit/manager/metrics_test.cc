#include <gtest/gtest.h>

#include <fstream>
#include <thread>

#include "tests/unit/manager/manager_fixture.h"

namespace freshet {
namespace {

using Map = MetricValue::Map;

double number_at(const Map& map, const std::string& key) { return std::get<double>(map.at(key).value); }
const Map& map_at(const Map& map, const std::string& key) { return std::get<Map>(map.at(key).value); }

// What get_cleanup_metrics says and its page, as paths: "tasks.<task>.runs" -> "number".
using Paths = std::map<std::string, std::string>;

void collect(const MetricValue& value, const std::string& path, const std::string& below, Paths& out) {
  if (const auto* map = std::get_if<Map>(&value.value)) {
    if (!path.empty()) out[path] = "map";
    for (const auto& [key, child] : *map) {
      if (path == "tasks" || path == "channels") {
        const std::string one = path + "." + (path == "tasks" ? "<task>" : "<channel>");
        collect(child, one, one, out);
      } else {
        const std::string next = below.empty() ? key : below + "." + key;
        collect(child, next, path == "histograms" ? "histograms.<histogram>" : next, out);
      }
    }
  } else if (const auto* list = std::get_if<MetricValue::List>(&value.value)) {
    out[below] = "list";
    for (const MetricValue& child : *list) collect(child, below + "[]", below + "[]", out);
  } else {
    out[below] = std::holds_alternative<double>(value.value) ? "number" : "text";
  }
}

// Rows "| `key` | kind | .."; a key that stands twice is an error of the page.
Paths documented() {
  Paths out;
  std::ifstream in(METRICS_PAGE);
  for (std::string line; std::getline(in, line);) {
    if (!line.starts_with("| `")) continue;
    const std::size_t end = line.find('`', 3);
    const std::string key = line.substr(3, end - 3);
    const std::size_t from = line.find("| ", end) + 2;
    EXPECT_TRUE(out.emplace(key, line.substr(from, line.find(' ', from) - from)).second) << key;
  }
  return out;
}

class Metrics : public ManagerFixture {
 protected:
  CleanupHandle add(const std::string& name, NativeTask task, const std::optional<std::string>& channel = std::nullopt) {
    return *manager_.cleanup->register_cleanup_task(name, {std::move(task), {}, {}}, channel);
  }
  Map metrics() { return manager_.cleanup->get_cleanup_metrics(); }
};

TEST_F(Metrics, EveryKeyIsDocumentedAndEveryDocumentedKeyIsThere) {
  add_task("old", "cache");
  make_old_file(dir_ / "root/two");
  open();
  std::atomic<int> runs = 0;
  const CleanupHandle native = add("native", counting(runs));
  EXPECT_EQ(manager_.cleanup->execute_cleanup(native).state, TaskState::committed);
  EXPECT_EQ(manager_.cleanup->execute_cleanup(handle("old")).state, TaskState::committed);
  Paths said;
  collect(MetricValue{metrics()}, "", "", said);
  const Paths page = documented();
  for (const auto& [path, kind] : said) {
    const auto row = page.find(path);
    ASSERT_NE(row, page.end()) << path << " is not documented";
    EXPECT_EQ(row->second, kind) << path;
  }
  for (const auto& [path, kind] : page) EXPECT_TRUE(said.contains(path)) << path << " is documented and not there";
}

TEST_F(Metrics, TheyCountWhatWasDone) {
  add_task("old", "cache");
  make_old_file(dir_ / "root/one");
  make_old_file(dir_ / "root/two");
  open();
  const CleanupResult result = manager_.cleanup->execute_cleanup(handle("old"));
  ASSERT_EQ(result.state, TaskState::committed) << result.note;
  Map now = metrics();
  EXPECT_EQ(number_at(now, "tasks_registered"), 1);
  EXPECT_EQ(number_at(now, "runs"), 1);
  EXPECT_EQ(number_at(now, "task_runs"), 1);
  EXPECT_EQ(number_at(now, "entries_removed"), 2);
  EXPECT_EQ(number_at(now, "bytes_reclaimable_at_purge"), static_cast<double>(result.bytes_reclaimable_at_purge));
  const Map& task = map_at(map_at(now, "tasks"), "old");
  EXPECT_EQ(std::get<std::string>(task.at("state").value), "committed");
  EXPECT_EQ(std::get<std::string>(task.at("channel").value), "cache");
  EXPECT_GT(number_at(task, "peak_rss_bytes"), 0);
  const Map& channel = map_at(map_at(now, "channels"), "cache");
  EXPECT_EQ(number_at(channel, "runs"), 1);
  EXPECT_EQ(number_at(channel, "entries_removed"), 2);
  EXPECT_GT(number_at(channel, "bytes_reclaimable_at_purge"), 0);
  for (const char* name : {"execution", "scan", "remove", "verify", "queue_wait", "bytes"})
    EXPECT_EQ(number_at(map_at(map_at(now, "histograms"), name), "count"), 1) << name;
  EXPECT_GE(number_at(map_at(map_at(now, "histograms"), "state_transition"), "count"), 2);
  EXPECT_EQ(number_at(map_at(map_at(now, "histograms"), "rollback"), "count"), 0);

  EXPECT_TRUE(manager_.quarantine->purge(result.run_id).error == std::nullopt);
  now = metrics();
  EXPECT_EQ(number_at(now, "entries_purged"), 2);
  EXPECT_GT(number_at(now, "bytes_purged"), 0);
  EXPECT_EQ(number_at(map_at(map_at(now, "channels"), "cache"), "bytes_purged"), number_at(now, "bytes_purged"));
}

TEST_F(Metrics, ARollbackHasItsPlaceAndANativeFailureIsCounted) {
  open();
  std::atomic<int> runs = 0;
  NativeTask task = counting(runs);
  task.compensate = [](TaskContext&) -> Status { return {}; };
  const CleanupHandle good = add("good", task);
  task.run = [](TaskContext&) -> Status { return fail(ErrorKind::system, "no"); };
  const CleanupHandle bad = add("bad", task, "cache");
  EXPECT_EQ(manager_.cleanup->execute_cleanup(good).state, TaskState::committed);
  EXPECT_TRUE(manager_.cleanup->rollback_cleanup(good));
  EXPECT_EQ(manager_.cleanup->execute_cleanup(bad).state, TaskState::rolled_back);
  const Map now = metrics();
  EXPECT_EQ(number_at(map_at(map_at(now, "histograms"), "rollback"), "count"), 2) << "asked for, and at once";
  EXPECT_EQ(number_at(now, "task_runs"), 2);
  EXPECT_EQ(number_at(now, "task_runs_failed"), 1);
  EXPECT_EQ(number_at(map_at(map_at(now, "channels"), "cache"), "runs"), 1);
  EXPECT_EQ(std::get<std::string>(map_at(map_at(now, "tasks"), "good").at("state").value), "rolled-back");
}

#ifndef FRESHET_SANITIZED  // its roles have other filters
TEST_F(Metrics, ABreachIsCountedForItsChannel) {
  if (config_.isolation != config::Isolation::strict) GTEST_SKIP() << "this host grants no strict isolation";
  add_task("bad", "cache");
  config::TaskConfig& task = config_.tasks.at("bad");
  task.plugin = "org.freshet.test.connect";
  task.settings.clear();
  task.settings["target"] = {std::string("9"), {}};
  make_old_file(dir_ / "root/two");
  open(FRESHET_HOSTILE_PLUGINS);
  EXPECT_EQ(manager_.cleanup->execute_cleanup(handle("bad")).end, EndReason::breach);
  const Map now = metrics();
  EXPECT_EQ(number_at(now, "breaches"), 1);
  EXPECT_EQ(number_at(map_at(map_at(now, "channels"), "cache"), "breaches"), 1);
  EXPECT_EQ(number_at(now, "task_runs"), 0) << "it never came to act";
}
#endif

TEST_F(Metrics, LiveProcessesAreThoseOfTheChannelNow) {
  add_task("old", "cache");
  make_old_file(dir_ / "root/two");
  double most = 0;
  const auto live = [&] { return number_at(map_at(map_at(metrics(), "channels"), "cache"), "live_processes"); };
  on_progress_ = [&](const Progress&) { most = std::max(most, live()); };
  open();
  EXPECT_EQ(manager_.cleanup->execute_cleanup(handle("old")).state, TaskState::committed);
  EXPECT_EQ(most, 1) << "one of the pair at a time";
  EXPECT_EQ(live(), 0);
}

TEST_F(Metrics, ASnapshotAgreesWithItselfWhileTasksRun) {
  constexpr int kThreads = 4;
  constexpr int kEach = 15;
  open();
  std::atomic<int> runs = 0;
  std::vector<CleanupHandle> handles;
  for (int t = 0; t < kThreads; ++t)
    handles.push_back(add("t" + std::to_string(t), counting(runs), t % 2 == 0 ? std::optional<std::string>("cache") : std::nullopt));
  std::atomic<int> running = kThreads;
  {
    std::vector<std::jthread> threads;
    for (const CleanupHandle handle : handles)
      threads.emplace_back([&, handle] {
        for (int i = 0; i < kEach; ++i) EXPECT_EQ(manager_.cleanup->execute_cleanup(handle).state, TaskState::committed);
        --running;
      });
    double last = 0;
    while (running > 0) {
      const Map now = metrics();
      const double task_runs = number_at(now, "task_runs");
      double sum = 0;
      double in_channel = 0;
      for (const auto& [name, value] : map_at(now, "tasks")) {
        const Map& task = std::get<Map>(value.value);
        sum += number_at(task, "runs");
        if (!std::get<std::string>(task.at("channel").value).empty()) in_channel += number_at(task, "runs");
      }
      ASSERT_EQ(sum, task_runs);
      ASSERT_EQ(number_at(map_at(map_at(now, "histograms"), "execution"), "count"), task_runs);
      ASSERT_EQ(number_at(now, "entries_removed"), 3 * task_runs);
      ASSERT_EQ(number_at(now, "bytes_reclaimed_now"), 300 * task_runs);
      ASSERT_EQ(number_at(map_at(map_at(now, "channels"), "cache"), "runs"), in_channel);
      ASSERT_GE(task_runs, last) << "nothing is ever taken away";
      last = task_runs;
    }
  }
  EXPECT_EQ(number_at(metrics(), "task_runs"), kThreads * kEach);
}

TEST_F(Metrics, ATaskReadsThemWhileItRuns) {
  open();
  CleanupHandle self;
  CleanupMetrics seen;
  Map all;
  NativeTask task;
  task.run = [&](TaskContext&) -> Status {
    seen = manager_.cleanup->track_cleanup_performance(self);
    all = metrics();
    return {};
  };
  self = add("curious", task);
  EXPECT_EQ(manager_.cleanup->execute_cleanup(self).state, TaskState::committed);
  EXPECT_EQ(seen.state, TaskState::executing);
  EXPECT_EQ(seen.runs, 0U);
  EXPECT_EQ(std::get<std::string>(map_at(map_at(all, "tasks"), "curious").at("state").value), "executing");
}

}  // namespace
}  // namespace freshet
