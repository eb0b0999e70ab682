// Every limit of the specification beside what this machine needs, with 1,000 registered tasks: native tasks and a
// plugin's on real files, one table. Prints p50 and p99; exits 1 when a p99 is over its limit (--quick: a p50).
#include <benchmark/benchmark.h>
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "runtime/base/log.h"
#include "runtime/config/config.h"
#include "runtime/manager/examine_host.h"
#include "runtime/manager/make_manager.h"
#include "runtime/metrics/limits.h"

namespace freshet {
namespace {

constexpr int kTasks = 1000;
constexpr int kDirectories = 100;

using Clock = std::chrono::steady_clock;
using Measure = std::function<double()>;  // one sample, in seconds

[[noreturn]] void die(const std::string& what) {
  std::fprintf(stderr, "limits: %s\n", what.c_str());
  std::exit(2);
}

double timed(const std::function<void()>& work) {
  const auto began = Clock::now();
  work();
  return std::chrono::duration<double>(Clock::now() - began).count();
}

NativeTask quiet_task() {
  NativeTask task;
  task.run = [](TaskContext& context) -> Status {
    context.count(1, 1);
    return {};
  };
  task.compensate = [](TaskContext&) -> Status { return {}; };
  return task;
}

// A manager with a thousand tasks: a plugin's on two trees, the rest native, each with four dependencies.
class Bench {
 public:
  explicit Bench(std::filesystem::path place) : place_(std::move(place)) {
    add_tree("small", 1000);
    add_tree("large", 10'000);
    open();
  }

  [[nodiscard]] Manager& manager() { return manager_; }
  [[nodiscard]] CleanupHandle plugin(const std::string& name) {
    for (const IRuns::TaskEntry& task : manager_.runs->tasks())
      if (task.name == name) return task.handle;
    die("no task " + name);
  }
  [[nodiscard]] CleanupHandle native(std::size_t i) const { return native_.at(i % native_.size()); }
  [[nodiscard]] CleanupHandle alone() const { return alone_; }
  [[nodiscard]] CleanupHandle in_channel() const { return in_channel_; }
  [[nodiscard]] int registered_beyond() { return beyond_++; }

  CleanupResult execute(CleanupHandle handle) {
    CleanupResult result = manager_.cleanup->execute_cleanup(handle);
    if (result.state != TaskState::committed) die("a task is " + std::string(to_string(result.state)) + ": " + result.note);
    return result;
  }
  void roll_back(CleanupHandle handle) {
    if (!manager_.cleanup->rollback_cleanup(handle)) die("a rollback failed");
  }

 private:
  void add_tree(const std::string& name, int files) {
    const std::filesystem::path root = place_ / name;
    for (int d = 0; d < kDirectories; ++d) {
      const std::filesystem::path dir = root / ("d" + std::to_string(d));
      std::filesystem::create_directories(dir);
      const timespec old[2] = {{1'600'000'000, 0}, {1'600'000'000, 0}};
      for (int f = 0; f < files / kDirectories; ++f) {
        const std::string file = dir / ("f" + std::to_string(f));
        std::ofstream(file) << "x";
        ::utimensat(AT_FDCWD, file.c_str(), old, 0);
      }
      ::utimensat(AT_FDCWD, dir.c_str(), old, 0);
    }
    config::ChannelConfig channel;
    channel.name = name;
    config::RootConfig place;
    place.path = root;
    channel.roots.push_back(place);
    channel.budget.share = 1.0;
    config_.channels.emplace(name, channel);
    config::TaskConfig task;
    task.name = name;
    task.plugin = "org.freshet.expired-files";
    task.channel = name;
    task.settings["older-than"] = {std::string("30d"), {}};
    task.settings["age-by"] = {std::vector<config::SettingValue>{{std::string("mtime"), {}}}, {}};
    task.settings["empty-directories"] = {true, {}};
    config_.tasks.emplace(name, task);
  }

  void open() {
    ManagerOptions options;
    options.state_dir = place_ / "state";
    options.plugin_dirs = {FRESHET_PLUGINS};
    options.role_executable = FRESHET_ROLE;
    config_.isolation = config::Isolation::strict;
    for (const DoctorRow& row : examine_host())
      if (row.needed_for_strict && !row.available) config_.isolation = config::Isolation::best_effort;
    auto made = make_manager(config_, options);
    if (!made) die(made.error().what);
    manager_ = std::move(*made);
    for (int i = 0; i < kTasks - 4; ++i) {
      CleanupTask task{quiet_task(), {}, {}};
      for (int back = 1; back <= 4 && i - back >= 0; ++back) task.after.push_back("n" + std::to_string(i - back));
      native_.push_back(must(manager_.cleanup->register_cleanup_task("n" + std::to_string(i), std::move(task))));
    }
    alone_ = must(manager_.cleanup->register_cleanup_task("alone", {quiet_task(), {}, {}}));
    in_channel_ = must(manager_.cleanup->register_cleanup_task("in-channel", {quiet_task(), {}, {}}, "small"));
  }

  static CleanupHandle must(std::expected<CleanupHandle, RegistrationError> handle) {
    if (!handle) die(handle.error().what);
    return *handle;
  }

  std::filesystem::path place_;
  config::Config config_;
  Manager manager_;
  std::vector<CleanupHandle> native_;
  CleanupHandle alone_, in_channel_;
  int beyond_ = 0;
};

std::size_t entries_of(const char* directory) {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(directory)) ++count;
  return count;
}

// What this process holds: children, descriptors (but for networks, which are made ahead of the next worker), threads.
struct Held {
  std::size_t fds = [] {
    std::size_t count = 0;
    std::error_code gone;  // the listing's own
    for (const auto& fd : std::filesystem::directory_iterator("/proc/self/fd"))
      if (!std::filesystem::read_symlink(fd, gone).string().starts_with("net:[")) ++count;
    return count;
  }();
  std::size_t threads = entries_of("/proc/self/task");
  bool children = [] {
    for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
      std::string line;
      std::getline(std::ifstream(task.path() / "children"), line);
      if (!line.empty()) return true;
    }
    return false;
  }();
  bool operator==(const Held&) const = default;
};

struct Row {
  metrics::Limited limited;
  std::string who;  // "native", "plugin", "plugin, 10,000 files"
  Measure measure;
  int samples;
};

struct Figures {
  double p50 = 0;
  double p99 = 0;
};

double percentile(std::vector<double> values, double part) {
  std::ranges::sort(values);
  const double rank = std::ceil(part * static_cast<double>(values.size()));  // the nearest, from 1
  return values[static_cast<std::size_t>(std::max(rank, 1.0)) - 1];
}

// Takes the samples as Google Benchmark's repetitions and keeps the percentiles; prints nothing itself.
class Collector final : public benchmark::BenchmarkReporter {
 public:
  bool ReportContext(const Context&) override { return true; }
  void ReportRuns(const std::vector<Run>& runs) override {
    for (const Run& run : runs)
      if (run.run_type == Run::RT_Iteration) samples_[run.run_name.function_name].push_back(run.GetAdjustedRealTime());
  }
  [[nodiscard]] const std::vector<double>& samples(const std::string& name) { return samples_[name]; }

 private:
  std::map<std::string, std::vector<double>> samples_;
};

std::vector<Row> rows(Bench& bench, int samples) {
  using enum metrics::Limited;
  const auto& manager = bench.manager().cleanup;
  std::vector<Row> out;
  const auto row = [&](metrics::Limited limited, std::string who, int count, Measure measure) {
    out.push_back({limited, std::move(who), std::move(measure), count});
  };
  row(registration, "native", samples * 5, [&] {
    const std::string name = "beyond-" + std::to_string(bench.registered_beyond());
    CleanupTask task{quiet_task(), {}, {}};
    return timed([&] {
      if (!manager->register_cleanup_task(name, std::move(task))) die("a registration failed");
    });
  });
  row(execution, "native", samples, [&] { return timed([&] { bench.execute(bench.alone()); }); });
  for (const char* tree : {"small", "large"}) {
    const std::string who = std::string("plugin, ") + (tree[0] == 's' ? "1,000" : "10,000") + " files";
    const CleanupHandle handle = bench.plugin(tree);
    row(execution, who, samples, [&bench, handle] {
      const double seconds = timed([&] { bench.execute(handle); });
      bench.roll_back(handle);
      return seconds;
    });
  }
  row(security_validation, "native", samples * 5, [&] { return timed([&] { (void)manager->validate_security_boundaries(bench.alone()); }); });
  row(security_validation, "plugin", samples * 5, [&] { return timed([&] { (void)manager->validate_security_boundaries(bench.plugin("small")); }); });
  row(isolation_check, "checks alone", samples, [&] { return static_cast<double>(manager->verify_cleanup_isolation("small").checks_ns) * 1e-9; });
  row(isolation_check, "with the probe's start", samples, [&] { return timed([&] { (void)manager->verify_cleanup_isolation("small"); }); });
  row(tracking_overhead, "plugin", samples, [&] {
    bench.execute(bench.plugin("small"));
    bench.roll_back(bench.plugin("small"));
    return static_cast<double>(manager->track_cleanup_performance(bench.plugin("small")).overhead_ns) * 1e-9;
  });
  row(tracking_overhead, "native", samples, [&] {
    bench.execute(bench.alone());
    return static_cast<double>(manager->track_cleanup_performance(bench.alone()).overhead_ns) * 1e-9;
  });
  row(dependency_validation, "1,000 tasks, 4,000 edges", samples * 5,
      [&] { return timed([&] { (void)manager->validate_dependencies(bench.native(kTasks - 5)); }); });
  row(completion_verification, "native", samples, [&] { return timed([&] { (void)manager->verify_cleanup_completion(bench.alone()); }); });
  for (const char* tree : {"small", "large"}) {
    const std::string who = std::string("plugin, ") + (tree[0] == 's' ? "1,000" : "10,000") + " files";
    const CleanupHandle handle = bench.plugin(tree);
    row(completion_verification, who, samples, [&bench, &manager, handle] {
      bench.execute(handle);
      const double seconds = timed([&] {
        if (!manager->verify_cleanup_completion(handle).complete) die("a completed task is not complete");
      });
      bench.roll_back(handle);
      return seconds;
    });
    row(rollback, who, samples, [&bench, handle] {
      bench.execute(handle);
      return timed([&] { bench.roll_back(handle); });
    });
  }
  row(rollback, "native", samples, [&] {
    bench.execute(bench.alone());
    return timed([&] { bench.roll_back(bench.alone()); });
  });
  row(channel_operation, "native, with minus without", samples, [&] {
    const double with = timed([&] { bench.execute(bench.in_channel()); });
    const double without = timed([&] { bench.execute(bench.alone()); });
    return std::max(0.0, with - without);
  });
  row(channel_operation, "plugin: start of worker and broker", samples, [&] {
    bench.execute(bench.plugin("small"));
    const double seconds = static_cast<double>(manager->track_cleanup_performance(bench.plugin("small")).start_ns) * 1e-9;
    bench.roll_back(bench.plugin("small"));
    return seconds;
  });
  row(resource_release, "plugin", samples, [&] {
    const Held before;
    bench.execute(bench.plugin("small"));
    // What is still held when the call has returned is waited for; what was released inside it is in the figures.
    const double seconds = timed([&] {
      for (int tries = 0; !(Held() == before); ++tries)
        if (tries == 10'000) die("a run has left something behind");
    });
    bench.roll_back(bench.plugin("small"));
    return seconds + static_cast<double>(manager->track_cleanup_performance(bench.plugin("small")).release_ns) * 1e-9;
  });
  row(state_transition, "native", samples, [&] {
    bench.execute(bench.alone());
    return static_cast<double>(manager->track_cleanup_performance(bench.alone()).transition_ns) * 1e-9;
  });
  return out;
}

std::string shown(double seconds) {
  char text[32];
  if (seconds < 1e-3) std::snprintf(text, sizeof text, "%.1f us", seconds * 1e6);
  else std::snprintf(text, sizeof text, "%.2f ms", seconds * 1e3);
  return text;
}

// "memory reclamation" as the specification has it: verified, or not.
bool memory_is_reclaimed(Bench& bench) {
  bool good = true;
  for (const CleanupHandle handle : {bench.alone(), bench.plugin("small")}) {
    const CleanupResult result = bench.execute(handle);
    const auto check = std::ranges::find(result.resources, "memory reclamation", &ResourceCheck::name);
    good = good && check != result.resources.end() && check->passed;
    bench.roll_back(handle);
  }
  return good;
}

int run(bool quick, const std::filesystem::path& place) {
  Bench bench(place);
  Collector collector;
  const std::vector<Row> all = rows(bench, quick ? 5 : 100);
  for (const Row& row : all) {
    const metrics::Limit& limit = metrics::kLimits[static_cast<std::size_t>(row.limited)];
    const std::string name = std::string(limit.name) + " | " + row.who;
    benchmark::RegisterBenchmark(name.c_str(), [&row](benchmark::State& state) {
      for ([[maybe_unused]] const auto once : state) state.SetIterationTime(row.measure());
    })->UseManualTime()->Iterations(1)->Repetitions(row.samples)->Unit(benchmark::kSecond);
  }
  benchmark::RunSpecifiedBenchmarks(&collector);

  std::printf("%-26s %-36s %10s %12s %12s %8s\n", "limit of the specification", "task", "limit", "p50", "p99", "ratio");
  bool over = false;
  int missed = 0;
  for (const Row& row : all) {
    const metrics::Limit& limit = metrics::kLimits[static_cast<std::size_t>(row.limited)];
    const std::vector<double>& samples = collector.samples(std::string(limit.name) + " | " + row.who);
    if (samples.empty()) die("no samples of " + row.who);
    const Figures figures{percentile(samples, 0.5), percentile(samples, 0.99)};
    const double allowed = static_cast<double>(limit.ns) * 1e-9;
    const double judged = quick ? figures.p50 : figures.p99;
    const double ratio = judged / allowed;
    const char* note = ratio > 1 ? "  OVER THE LIMIT" : ratio > 0.1 ? "  over a tenth" : "";
    over = over || ratio > 1;
    missed += ratio > 0.1 && ratio <= 1 ? 1 : 0;
    std::printf("%-26s %-36s %10s %12s %12s %7.3f%s\n", std::string(limit.name).c_str(), row.who.c_str(), shown(allowed).c_str(),
                shown(figures.p50).c_str(), shown(figures.p99).c_str(), ratio, note);
  }
  const bool reclaimed = memory_is_reclaimed(bench);
  std::printf("%-26s %-36s %10s %12s\n", "memory reclamation", "native and plugin", "verified", reclaimed ? "verified" : "NOT VERIFIED");
  std::printf("\n%d of %zu rows are over a tenth of their limit.\n", missed, all.size());
  return over || !reclaimed ? 1 : 0;
}

}  // namespace
}  // namespace freshet

int main(int argc, char** argv) {
  bool quick = false;
  std::string place;
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--quick") == 0) quick = true;
    else if (std::strcmp(argv[i], "--place") == 0 && i + 1 < argc) place = argv[++i];
    else {
      std::fprintf(stderr, "Usage: %s --place DIR [--quick]\n", argv[0]);
      return 64;
    }
  }
  if (place.empty()) {
    std::fprintf(stderr, "Usage: %s --place DIR [--quick]\n", argv[0]);
    return 64;
  }
  return freshet::run(quick, place);
}
