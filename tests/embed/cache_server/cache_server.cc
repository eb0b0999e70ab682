// A cache server that embeds Freshet: its own clean-up (flush the cache, drain the queue, close the pool) is native
// tasks, and what lies on its disk is a plugin's, in a channel. Everything runs on threads that end. It checks what it
// sees and exits 1 at the first thing that is not so.
//
//   cache_server DIR         works in the existing, empty directory DIR
//   cache_server DIR itself  names itself as the role executable, which must fail: the proof that being executed again
//                            would be noticed
//
// Every start of this program, by whomever, adds a line to "<program>.started".
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "runtime/base/log.h"
#include "runtime/manager/examine_host.h"
#include "runtime/manager/make_manager.h"
#include "runtime/policy/codes.h"

namespace {

namespace fs = std::filesystem;

// Before main, so that it needs no argument: a role has an empty environment and arguments of its own.
const bool start_noted = [] {
  std::ofstream(fs::read_symlink("/proc/self/exe").string() + ".started", std::ios::app) << ::getpid() << '\n';
  return true;
}();

void check(bool holds, const std::string& what) {
  if (holds) return;
  std::fprintf(stderr, "cache_server: not so: %s\n", what.c_str());
  std::exit(1);
}

template <class T, class E>
T need(std::expected<T, E> result, const std::string& what) {
  if (!result) check(false, what + ": " + result.error().what + "\n" + result.error().detail);
  return std::move(*result);
}

// Calls `call` on a thread that has ended when this returns.
template <class Call>
void on_a_thread_that_ends(Call call) {
  std::thread(call).join();
}

// ---- the server's own things ----

struct Server {
  std::map<std::string, std::string> cache{{"a", "1"}, {"b", "2"}}, flushed;
  std::vector<int> queue{1, 2, 3};
  bool pool_open = true;
  std::mutex mutex;                 // guards `done`
  std::vector<std::string> done;    // in the order in which it happened

  void note(const std::string& what) {
    const std::lock_guard lock(mutex);
    done.push_back(what);
  }

  freshet::CleanupTask flush_cache() {
    freshet::NativeTask task;
    task.run = [this](freshet::TaskContext& context) -> freshet::Status {
      context.count(cache.size(), 0);
      flushed.swap(cache);
      note("flush");
      return {};
    };
    task.compensate = [this](freshet::TaskContext&) -> freshet::Status {
      flushed.swap(cache);
      note("unflush");
      return {};
    };
    return {task, {}, {}};
  }

  freshet::CleanupTask drain_queue() {
    freshet::NativeTask task;
    task.run = [this](freshet::TaskContext& context) -> freshet::Status {
      while (!queue.empty() && !context.stop().stop_requested()) {
        queue.pop_back();
        context.count(1, 0);
      }
      note("drain");
      return {};
    };
    return {task, {"flush-cache"}, {}};
  }

  freshet::CleanupTask close_pool() {
    freshet::NativeTask task;
    task.run = [this](freshet::TaskContext&) -> freshet::Status {
      if (!queue.empty()) return freshet::fail(freshet::ErrorKind::busy, "the queue is not empty");
      pool_open = false;
      note("close");
      return {};
    };
    task.compensate = [this](freshet::TaskContext&) -> freshet::Status {
      pool_open = true;
      note("reopen");
      return {};
    };
    return {task, {}, {"drain-queue"}};
  }
};

// ---- the disk ----

void write_file(const fs::path& file, int age_days) {
  fs::create_directories(file.parent_path());
  std::ofstream(file) << "cached";
  const timespec then{::time(nullptr) - age_days * 24 * 3600L, 0};
  const timespec times[] = {then, then};
  check(::utimensat(AT_FDCWD, file.c_str(), times, 0) == 0, "times of " + file.string() + " can be set");
}

std::set<std::string> listing(const fs::path& top) {
  std::set<std::string> out;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(top)) out.insert(entry.path().string());
  return out;
}

freshet::config::Config configuration(const fs::path& cache) {
  freshet::config::Config config;
  for (const freshet::DoctorRow& row : freshet::examine_host())
    if (row.needed_for_strict && !row.available) config.isolation = freshet::config::Isolation::best_effort;
  freshet::config::ChannelConfig& channel = config.channels["disk"];
  channel.roots.emplace_back().path = cache.string();
  channel.budget.share = 1;
  freshet::config::TaskConfig& task = config.tasks["old-entries"];
  task.plugin = "org.freshet.expired-files";
  task.channel = "disk";
  task.settings["older-than"].value = "30d";
  task.settings["age-by"].value = std::vector<freshet::config::SettingValue>{{"mtime", {}}};
  return config;
}

const freshet::CleanupResult& find(const std::vector<freshet::CleanupResult>& results, const std::string& task) {
  const auto at = std::ranges::find(results, task, &freshet::CleanupResult::task);
  check(at != results.end(), "there is a result of " + task);
  return *at;
}

freshet::ManagerOptions options_for(const fs::path& work) {
  freshet::ManagerOptions options;
  options.state_dir = (work / "state").string();
  options.plugin_dirs = freshet::find_plugin_dirs();
  return options;
}

void run_and_take_back(const fs::path& work) {
  const fs::path cache = work / "cache";
  for (int i = 0; i < 20; ++i) write_file(cache / "old" / std::to_string(i), 90);
  for (int i = 0; i < 5; ++i) write_file(cache / "mixed" / std::to_string(i), i < 2 ? 90 : 1);
  const std::set<std::string> before = listing(cache);
  const std::vector<std::string> dirs = freshet::find_plugin_dirs();
  check(!dirs.empty() && fs::equivalent(dirs.front(), PLUGIN_DIR), "plugins are looked for where they were installed");

  Server server;
  freshet::Manager manager;
  on_a_thread_that_ends([&] {
    manager = need(freshet::make_manager(configuration(cache), options_for(work)), "making a manager");
    need(manager.cleanup->register_cleanup_task("flush-cache", server.flush_cache()), "registering");
    need(manager.cleanup->register_cleanup_task("drain-queue", server.drain_queue()), "registering");
    need(manager.cleanup->register_cleanup_task("close-pool", server.close_pool()), "registering");
  });

  freshet::PlanId plan;
  on_a_thread_that_ends([&] { plan = need(manager.runs->plan({}), "planning"); });
  const freshet::PlanSummary summary = need(manager.runs->summary(plan), "reading the plan");
  for (const freshet::PlannedTask& task : summary.tasks) check(task.state == freshet::TaskState::admitted, task.name + " is admitted: " + task.note);
  check(summary.admitted && summary.entries == 22, "the 22 old files are planned, not " + std::to_string(summary.entries));
  check(listing(cache) == before && server.done.empty(), "planning changes nothing");

  freshet::RunResult run;
  on_a_thread_that_ends([&] { run = manager.runs->apply(plan); });
  check(!run.error && run.state == freshet::RunState::done, "the run is done");
  check(run.tasks.size() == 4, "four tasks ran");
  check(!find(run.tasks, "old-entries").trusted_in_process, "the plugin was isolated");
  check(find(run.tasks, "drain-queue").trusted_in_process, "native tasks say so");
  check(find(run.tasks, "old-entries").entries_removed == 22, "the plugin's entries went");
  check(find(run.tasks, "drain-queue").entries_removed == 3, "native tasks' counts are kept");
  check(server.done == std::vector<std::string>({"flush", "drain", "close"}), "native tasks ran once each, in order");
  check(fs::is_empty(cache / "old") && fs::exists(cache / "mixed/4") && !fs::exists(cache / "mixed/0"), "old files went, others stayed");

  on_a_thread_that_ends([&] {
    const freshet::CleanupIsolationResult isolation = manager.cleanup->verify_cleanup_isolation("disk");
    check(!isolation.error && isolation.isolated, "the channel is isolated");
    for (const freshet::CleanupHandle handle : need(manager.runs->open(run.run_id), "opening the run"))
      check(!manager.cleanup->verify_cleanup_completion(handle).error, "completion can be verified");
  });

  on_a_thread_that_ends([&] {
    const freshet::RollbackReport report = manager.quarantine->rollback(run.run_id);
    check(!report.error && !report.complete, "a drained queue cannot come back, and that is said");
  });
  check(listing(cache) == before, "every file came back");
  check(server.pool_open && server.cache.size() == 2, "what can be compensated was");
  check(server.done == std::vector<std::string>({"flush", "drain", "close", "reopen", "unflush"}), "dependents first");

  on_a_thread_that_ends([&] {
    const auto tasks = manager.runs->tasks();
    const auto disk = std::ranges::find(tasks, "old-entries", &freshet::IRuns::TaskEntry::name);
    const freshet::CleanupResult again = manager.cleanup->execute_cleanup(disk->handle);
    check(!again.error && again.entries_removed == 22, "the same task runs again: " + again.note);
    check(manager.cleanup->rollback_cleanup(disk->handle), "and comes back again");
  });
  check(listing(cache) == before, "every file came back again");
  check(need(manager.history->history(10), "reading the history").size() == 2, "both runs are in the history");
}

void configure_from_files(const fs::path& work) {
  const fs::path file = work / "server.toml";
  std::ofstream(file) << "[task.old-entries]\nplugin = \"org.freshet.expired-files\"\nroots = [{ path = \"" << (work / "cache").string()
                      << "\" }]\nsettings = { older-than = \"30d\" }\n";
  const freshet::Manager manager = need(freshet::make_manager_from_file(file.string(), options_for(work)), "making a manager from a file");
  check(manager.runs->tasks().size() == 1, "the file's task is registered");
  check(manager.plugins->inspect("/nowhere.so").error.has_value(), "a plugin that is not there is an error");

  std::ofstream(file) << "[task.x]\nplugin = \"a\"\nroofs = []\n";
  const auto refused = freshet::make_manager_from_file(file.string(), options_for(work));
  check(!refused && refused.error().kind == freshet::ErrorKind::invalid, "a wrong file is refused");
  check(refused.error().detail.find("server.toml:3:") != std::string::npos, "with the line");
  check(!freshet::make_manager_from_file((work / "none.toml").string(), options_for(work)), "no file, no manager");

  freshet::config::Config wrong = configuration("relative");
  const auto relative = freshet::make_manager(wrong, options_for(work));
  check(!relative && relative.error().what.find("is not absolute") != std::string::npos, "a wrong structure is refused");
  check(freshet::policy::find_code_page("F1001") != nullptr, "codes have pages");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2 || argc > 3 || !start_noted) return 64;
  const fs::path work = argv[1];
  if (argc == 3) {
    freshet::ManagerOptions options = options_for(work);
    options.role_executable = fs::read_symlink("/proc/self/exe").string();
    fs::create_directories(work / "cache");
    const auto manager = freshet::make_manager(configuration(work / "cache"), options);
    check(manager && !manager->plugins->plugins().empty(), "plugins are found");
    check(manager->plugins->plugins().front().error.has_value(), "no plugin can be read without a role executable");
    return 0;
  }
  check(freshet::setup_logging({.level = "error"}).has_value(), "logging can be set up");
  run_and_take_back(work);
  configure_from_files(work);
  std::puts("cache_server: all is as it should be");
}
