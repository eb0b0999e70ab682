#include "runtime/store/history.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <limits>
#include <thread>

#include "tests/unit/store/scratch_dir.h"

namespace freshet::store {
namespace {

std::unique_ptr<History> open_history(const std::string& file) {
  auto history = History::open(file);
  EXPECT_TRUE(history) << history.error().what;
  return history ? std::move(*history) : nullptr;
}

TaskRow task_row(const std::string& run, std::uint32_t number, const std::string& name) {
  return {.run_id = run,
          .number = number,
          .name = name,
          .channel = "web",
          .plugin = "org.example.x 1.0.0",
          .plugin_sha256 = std::string(64, 'a'),
          .state = "executed",
          .note = "odd \n \xff note",
          .unlink = false,
          .entries_found = 10,
          .entries_removed = 8,
          .entries_refused = 2,
          .bytes_now = 0,
          .bytes_at_purge = std::numeric_limits<std::uint64_t>::max() / 4,
          .keep_until_ns = 1234,
          .grant_json = R"({"roots":[]})",
          .result_json = "{}"};
}

RunRow run_row(const std::string& id, const std::string& state = "done") {
  return {.id = id,
          .state = state,
          .started_ns = 5,
          .ended_ns = 0,
          .note = "",
          .tasks = {task_row(id, 0, "first"), task_row(id, 1, "second")}};
}

void exec_sql(const std::string& file, const char* sql) {
  sqlite3* raw = nullptr;
  ASSERT_EQ(sqlite3_open(file.c_str(), &raw), SQLITE_OK);
  EXPECT_EQ(sqlite3_exec(raw, sql, nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(raw);
  sqlite3_close(raw);
}

std::string contents(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

TEST(History, ARunComesBackWithEveryFieldOfItsTasks) {
  const ScratchDir dir;
  const auto history = open_history(dir / "history.db");
  ASSERT_TRUE(history->begin_run(run_row("r1", "executing"), {}));
  ASSERT_TRUE(history->set_run_state("r1", "done", 99, "fine", Sync::now));

  const auto run = history->find_run("r1");
  ASSERT_TRUE(run && *run);
  EXPECT_EQ((*run)->state, "done");
  EXPECT_EQ((*run)->ended_ns, 99);
  EXPECT_EQ((*run)->note, "fine");
  ASSERT_EQ((*run)->tasks.size(), 2U);
  const TaskRow& got = (*run)->tasks[0];
  const TaskRow want = task_row("r1", 0, "first");
  EXPECT_EQ(std::tie(got.run_id, got.number, got.name, got.channel, got.plugin, got.plugin_sha256, got.state,
                     got.note, got.unlink),
            std::tie(want.run_id, want.number, want.name, want.channel, want.plugin, want.plugin_sha256,
                     want.state, want.note, want.unlink));
  EXPECT_EQ(std::tie(got.entries_found, got.entries_removed, got.entries_refused, got.bytes_now,
                     got.bytes_at_purge, got.keep_until_ns, got.grant_json, got.result_json),
            std::tie(want.entries_found, want.entries_removed, want.entries_refused, want.bytes_now,
                     want.bytes_at_purge, want.keep_until_ns, want.grant_json, want.result_json));
}

TEST(History, SetTaskReplacesTheRowOfItsNumber) {
  const ScratchDir dir;
  const auto history = open_history(dir / "history.db");
  ASSERT_TRUE(history->begin_run(run_row("r1"), {}));
  TaskRow task = task_row("r1", 1, "second");
  task.state = "failed";
  ASSERT_TRUE(history->set_task(task, {}, Sync::now));
  const auto run = history->find_run("r1");
  ASSERT_EQ((*run)->tasks.size(), 2U);
  EXPECT_EQ((*run)->tasks[0].state, "executed");
  EXPECT_EQ((*run)->tasks[1].state, "failed");
}

TEST(History, UnknownRunsAreNoSilentPass) {
  const ScratchDir dir;
  const auto history = open_history(dir / "history.db");
  EXPECT_FALSE(*history->find_run("nothing"));
  const auto state = history->set_run_state("nothing", "done", 1, "", Sync::now);
  ASSERT_FALSE(state);
  EXPECT_EQ(state.error().kind, ErrorKind::missing);
  EXPECT_FALSE(history->set_task(task_row("nothing", 0, "x"), {}, Sync::now));
  ASSERT_TRUE(history->begin_run(run_row("r1"), {}));
  EXPECT_FALSE(history->begin_run(run_row("r1"), {})) << "an id is used once";
  EXPECT_EQ((*history->find_run("r1"))->tasks.size(), 2U);
}

TEST(History, ListsAreNewestFirstAndPrefixesAreBytes) {
  const ScratchDir dir;
  const auto history = open_history(dir / "history.db");
  for (const char* id : {"aa-1", "aa-2", "a%-3", "bb-4"}) ASSERT_TRUE(history->begin_run(run_row(id), {}));
  const auto runs = history->list_runs(2);
  ASSERT_TRUE(runs);
  ASSERT_EQ(runs->size(), 2U);
  EXPECT_EQ((*runs)[0].id, "bb-4");
  EXPECT_EQ((*runs)[1].id, "a%-3");
  EXPECT_EQ(*history->runs_with_prefix("aa"), (std::vector<std::string>{"aa-2", "aa-1"}));
  EXPECT_EQ(*history->runs_with_prefix("a%"), (std::vector<std::string>{"a%-3"}));
  EXPECT_TRUE(history->runs_with_prefix("_")->empty());
}

TEST(History, TheLastRunOfATaskIsTheNewestThatHadIt) {
  const ScratchDir dir;
  const auto history = open_history(dir / "history.db");
  RunRow one = run_row("r1");
  one.tasks = {task_row("r1", 0, "alone")};
  ASSERT_TRUE(history->begin_run(one, {}));
  ASSERT_TRUE(history->begin_run(run_row("r2"), {}));
  EXPECT_EQ((*history->last_run_of("alone"))->id, "r1");
  EXPECT_EQ((*history->last_run_of("first"))->id, "r2");
  EXPECT_FALSE(*history->last_run_of("never"));
}

TEST(History, RunsInQuarantineAreThoseWithSomethingLeft) {
  const ScratchDir dir;
  const auto history = open_history(dir / "history.db");
  const auto add = [&](const std::string& id, const std::string& run_state, const std::string& task_state,
                       std::uint64_t removed, bool unlink) {
    RunRow run = run_row(id, run_state);
    run.tasks.resize(1);
    run.tasks[0].state = task_state;
    run.tasks[0].entries_removed = removed;
    run.tasks[0].unlink = unlink;
    ASSERT_TRUE(history->begin_run(run, {}));
  };
  add("kept", "done", "committed", 3, false);
  add("purged", "purged", "committed", 3, false);
  add("back", "rolled-back", "rolled-back", 3, false);
  add("task-back", "partly", "rolled-back", 3, false);
  add("unlinked", "done", "committed", 3, true);
  add("nothing", "done", "committed", 0, false);
  add("crashed", "executing", "executing", 0, false);
  add("half-purged", "purging", "committed", 3, false);
  const auto runs = history->runs_in_quarantine();
  ASSERT_TRUE(runs);
  std::vector<std::string> ids;
  for (const RunRow& run : *runs) ids.push_back(run.id);
  EXPECT_EQ(ids, (std::vector<std::string>{"kept", "crashed", "half-purged"}));
}

TEST(History, TransitionsKeepTheirOrder) {
  const ScratchDir dir;
  const auto history = open_history(dir / "history.db");
  const RunRow run = run_row("r1");
  ASSERT_TRUE(history->begin_run(run, {{"r1", 0, "planned", 9}, {"r1", 0, "admitted", 8}}));
  ASSERT_TRUE(history->set_task(run.tasks.at(0), {{"r1", 1, "refused", 7}}, Sync::now));
  const auto rows = history->transitions("r1");
  ASSERT_TRUE(rows);
  ASSERT_EQ(rows->size(), 3U);
  EXPECT_EQ((*rows)[1].state, "admitted");
  EXPECT_EQ((*rows)[2].number, 1U);
  EXPECT_EQ((*rows)[2].at_ns, 7);
  EXPECT_FALSE(history->set_task(run.tasks.at(0), {{"no-run", 0, "planned", 1}}, Sync::now));
}

TEST(History, WhatIsDurableLaterIsSeenByOthersAtOnce) {
  const ScratchDir dir;
  const auto history = open_history(dir / "history.db");
  RunRow run = run_row("r1");
  ASSERT_TRUE(history->begin_run(run, {}));
  run.tasks[0].state = "executing";
  ASSERT_TRUE(history->set_task(run.tasks[0], {}, Sync::later));
  ASSERT_TRUE(history->set_run_state("r1", "failed", 9, "n", Sync::later));
  const auto seen = open_history(dir / "history.db")->find_run("r1");
  ASSERT_TRUE(seen && *seen);
  EXPECT_EQ((*seen)->state, "failed");
  EXPECT_EQ((*seen)->tasks[0].state, "executing");
}

TEST(History, ABlockedPluginStaysBlockedUntilItIsFreed) {
  const ScratchDir dir;
  {
    const auto history = open_history(dir / "history.db");
    ASSERT_TRUE(history->block_plugin("ff00", "called socket(2)", 1));
  }
  const auto history = open_history(dir / "history.db");
  EXPECT_EQ(*history->why_blocked("ff00"), "called socket(2)");
  EXPECT_EQ(*history->why_blocked("ff00"), "called socket(2)") << "asking twice";
  ASSERT_TRUE(history->unblock_plugin("ff00"));
  EXPECT_FALSE(*history->why_blocked("ff00"));
}

TEST(History, WhatWasDurableSurvivesAKill) {
  const ScratchDir dir;
  const std::string file = dir / "history.db";
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    auto history = History::open(file);
    const bool good = history && (*history)->begin_run(run_row("r1", "executing"), {});
    (void)!::write(ready[1], good ? "y" : "n", 1);
    for (;;) ::pause();
  }
  char answer = 'n';
  ASSERT_EQ(::read(ready[0], &answer, 1), 1);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  ::close(ready[0]);
  ::close(ready[1]);
  ASSERT_EQ(answer, 'y');

  const auto history = open_history(file);
  const auto run = history->find_run("r1");
  ASSERT_TRUE(run && *run);
  EXPECT_EQ((*run)->state, "executing");
  EXPECT_EQ((*run)->tasks.size(), 2U);
}

TEST(History, TheFileIsPrivate) {
  const ScratchDir dir;
  const mode_t old = ::umask(0);
  const auto history = open_history(dir / "history.db");
  ASSERT_TRUE(history->begin_run(run_row("r1"), {}));
  ::umask(old);
  for (const char* name : {"history.db", "history.db-wal", "history.db-shm"}) {
    struct stat seen {};
    ASSERT_EQ(::stat((dir / name).c_str(), &seen), 0) << name;
    EXPECT_EQ(seen.st_mode & 0777, 0600U) << name;
  }
}

TEST(History, RandomBytesAreRefusedAndLeftAsTheyAre) {
  const ScratchDir dir;
  const std::string file = dir / "history.db";
  const std::string noise(9000, '\x5a');
  std::ofstream(file, std::ios::binary) << noise;
  const auto history = History::open(file);
  ASSERT_FALSE(history);
  EXPECT_EQ(history.error().kind, ErrorKind::system);
  EXPECT_NE(history.error().what.find(file), std::string::npos) << history.error().what;
  EXPECT_EQ(contents(file), noise);
}

TEST(History, ATruncatedFileIsRefusedAndLeftAsItIs) {
  const ScratchDir dir;
  const std::string file = dir / "history.db";
  {
    const auto history = open_history(file);
    for (int i = 0; i < 50; ++i) ASSERT_TRUE(history->begin_run(run_row("r" + std::to_string(i)), {}));
  }
  const std::string whole = contents(file);
  for (const std::size_t length :
       {whole.size() / 2, std::size_t{4096}, std::size_t{5000}, std::size_t{100}, std::size_t{17}}) {
    const std::string part = whole.substr(0, length);
    std::ofstream(file, std::ios::binary | std::ios::trunc) << part;
    auto history = History::open(file);
    bool told = !history;
    if (history) {
      // SQLite may see the loss only where a lost page is read; what counts is that nothing is passed off as
      // true.
      const auto runs = (*history)->list_runs(1000);
      told = !runs;
      history->reset();
    }
    EXPECT_TRUE(told) << length;
    EXPECT_EQ(contents(file), part) << length;
  }
}

TEST(History, ANewerSchemaIsRefused) {
  const ScratchDir dir;
  const std::string file = dir / "history.db";
  open_history(file).reset();
  exec_sql(file, "PRAGMA user_version = 77");
  const auto history = History::open(file);
  ASSERT_FALSE(history);
  EXPECT_EQ(history.error().kind, ErrorKind::invalid);
  EXPECT_NE(history.error().what.find("77"), std::string::npos);
}

TEST(History, AnotherProgramsDatabaseIsRefusedUnchanged) {
  const ScratchDir dir;
  const std::string file = dir / "history.db";
  exec_sql(file, "CREATE TABLE theirs (x)");
  const std::string before = contents(file);
  const auto history = History::open(file);
  ASSERT_FALSE(history);
  EXPECT_EQ(history.error().kind, ErrorKind::invalid);
  EXPECT_EQ(contents(file), before);
}

TEST(History, PlacesWhereNoFileCanBeNameThePath) {
  const ScratchDir dir;
  std::filesystem::create_directory(dir / "history.db");
  std::filesystem::create_symlink("/nowhere/at-all", dir / "link.db");
  for (const std::string& file : {dir / "history.db", dir / "link.db", dir / "missing/history.db"}) {
    const auto history = History::open(file);
    ASSERT_FALSE(history);
    EXPECT_EQ(history.error().kind, ErrorKind::system);
    EXPECT_NE(history.error().what.find(file), std::string::npos) << history.error().what;
  }
}

TEST(History, AFullDiskIsAnErrorAndTheRunIsNotThere) {
  const ScratchDir dir;
  const std::string file = dir / "history.db";
  const pid_t child = ::fork();
  if (child == 0) {
    // A file-size limit stands in for the full disk: the write fails in the same place.
    ::signal(SIGXFSZ, SIG_IGN);
    auto history = History::open(file);
    const rlimit limit{.rlim_cur = 16 * 1024, .rlim_max = 16 * 1024};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    RunRow run = run_row("r1", "executing");
    run.note.assign(100'000, 'x');
    const auto begun = (*history)->begin_run(run, {});
    const bool good = !begun && begun.error().kind == ErrorKind::system &&
                      begun.error().what.find(file) != std::string::npos;
    ::_exit(good ? 0 : 1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  const auto history = open_history(file);
  EXPECT_FALSE(*history->find_run("r1"));
  EXPECT_TRUE(history->begin_run(run_row("r1"), {}));
}

TEST(History, ProcessesMayOpenItForTheFirstTimeAtOnce) {
  const ScratchDir dir;
  const std::string file = dir / "history.db";
  std::vector<pid_t> children;
  for (int i = 0; i < 6; ++i) {
    const pid_t child = ::fork();
    if (child == 0) {
      auto history = History::open(file);
      ::_exit(history && (*history)->begin_run(run_row("r" + std::to_string(i)), {}) ? 0 : 1);
    }
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  }
  EXPECT_EQ(open_history(file)->list_runs(100)->size(), 6U);
}

TEST(History, ThreadsShareOneHistory) {
  const ScratchDir dir;
  const auto history = open_history(dir / "history.db");
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&history, t] {
      for (int i = 0; i < 10; ++i) {
        const std::string id = std::to_string(t) + "-" + std::to_string(i);
        EXPECT_TRUE(history->begin_run(run_row(id), {{id, 0, "planned", 1}}));
        EXPECT_TRUE(*history->find_run(id));
        EXPECT_TRUE(history->list_runs(5));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(history->list_runs(1000)->size(), 40U);
}

}  // namespace
}  // namespace freshet::store
