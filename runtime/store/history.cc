#include "runtime/store/history.h"

#include <utility>

#include "runtime/base/mutex.h"
#include "runtime/store/database.h"
#include "runtime/store/schema.h"

namespace freshet::store {
namespace {

constexpr std::string_view kInsertRun =
    "INSERT INTO runs (id, state, started_ns, ended_ns, note) VALUES (?, ?, ?, ?, ?)";
constexpr std::string_view kUpdateRun = "UPDATE runs SET state = ?, ended_ns = ?, note = ? WHERE id = ?";
constexpr std::string_view kPutTask =
    "INSERT OR REPLACE INTO tasks (run_id, number, name, channel, plugin, plugin_sha256, state, note, "
    "unlink, "
    "entries_found, entries_removed, entries_refused, bytes_now, bytes_at_purge, keep_until_ns, grant_json, "
    "result_json) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
constexpr std::string_view kPutTransition =
    "INSERT INTO transitions (run_id, number, state, at_ns) VALUES (?, ?, ?, ?)";
constexpr std::string_view kFindRun = "SELECT id, state, started_ns, ended_ns, note FROM runs WHERE id = ?";
constexpr std::string_view kListRuns =
    "SELECT id, state, started_ns, ended_ns, note FROM runs ORDER BY seq DESC LIMIT ?";
// A run id is compared as bytes, so that no character of the prefix is a wildcard.
constexpr std::string_view kRunsWithPrefix =
    "SELECT id FROM runs WHERE substr(id, 1, length(?1)) = ?1 ORDER BY seq DESC LIMIT 10";
constexpr std::string_view kLastRunOf =
    "SELECT id, state, started_ns, ended_ns, note FROM runs "
    "WHERE id IN (SELECT run_id FROM tasks WHERE name = ?) ORDER BY seq DESC LIMIT 1";
// A task that died while it acted has not recorded its figures: it counts as having something there.
constexpr std::string_view kRunsInQuarantine =
    "SELECT id, state, started_ns, ended_ns, note FROM runs "
    "WHERE state NOT IN ('purged', 'rolled-back') AND EXISTS ("
    "  SELECT 1 FROM tasks WHERE run_id = runs.id AND unlink = 0 AND state <> 'rolled-back' AND "
    "    (entries_removed > 0 OR state IN ('executing', 'rolling-back'))) "
    "ORDER BY seq";
constexpr std::string_view kTasksOf =
    "SELECT number, name, channel, plugin, plugin_sha256, state, note, unlink, entries_found, "
    "entries_removed, "
    "entries_refused, bytes_now, bytes_at_purge, keep_until_ns, grant_json, result_json "
    "FROM tasks WHERE run_id = ? ORDER BY number";
constexpr std::string_view kTransitionsOf =
    "SELECT number, state, at_ns FROM transitions WHERE run_id = ? ORDER BY seq";
constexpr std::string_view kBlock =
    "INSERT OR REPLACE INTO blocked_plugins (sha256, why, at_ns) VALUES (?, ?, ?)";
constexpr std::string_view kUnblock = "DELETE FROM blocked_plugins WHERE sha256 = ?";
constexpr std::string_view kBlocked = "SELECT sha256, why, at_ns FROM blocked_plugins ORDER BY at_ns, sha256";
constexpr std::string_view kWhyBlocked = "SELECT why FROM blocked_plugins WHERE sha256 = ?";
constexpr std::string_view kChanges = "SELECT changes()";

class SqliteHistory final : public History {
 public:
  static Result<std::unique_ptr<History>> open(const std::string& file) {
    auto database = Database::open(file);
    if (!database) return std::unexpected(database.error());
    if (auto ready = migrate(*database); !ready) return std::unexpected(ready.error());
    auto history = std::unique_ptr<SqliteHistory>(new SqliteHistory(std::move(*database)));
    if (auto ready = history->prepare_all(); !ready) return std::unexpected(ready.error());
    return history;
  }

  Status begin_run(const RunRow& run, const std::vector<TransitionRow>& transitions) override {
    return write(Sync::now, [&]() FRESHET_REQUIRES(mutex_) -> Status {
      auto done = insert_run_.bind(run.id)
                      .bind(run.state)
                      .bind(run.started_ns)
                      .bind(run.ended_ns)
                      .bind(run.note)
                      .run();
      for (const TaskRow& task : run.tasks) {
        if (done) done = put_task(task, run.id);
      }
      return done ? put_transitions(transitions) : done;
    });
  }

  Status set_run_state(const std::string& id, const std::string& state, std::int64_t ended_ns,
                       const std::string& note, Sync sync) override {
    return write(sync, [&]() FRESHET_REQUIRES(mutex_) -> Status {
      if (auto done = update_run_.bind(state).bind(ended_ns).bind(note).bind(id).run(); !done) return done;
      auto row = changes_.step();
      const bool changed = row && *row && changes_.number(0) > 0;
      changes_.reset();
      if (!row) return std::unexpected(row.error());
      if (!changed) return fail(ErrorKind::missing, "history " + database_.file() + ": has no run " + id);
      return {};
    });
  }

  Status set_task(const TaskRow& task, const std::vector<TransitionRow>& transitions, Sync sync) override {
    return write(sync, [&]() FRESHET_REQUIRES(mutex_) -> Status {
      const auto done = put_task(task, task.run_id);
      return done ? put_transitions(transitions) : done;
    });
  }

  Result<std::optional<RunRow>> find_run(const std::string& id) override { return one_run(&SqliteHistory::find_run_, id); }

  Result<std::vector<RunRow>> list_runs(std::size_t limit) override {
    const MutexLock lock(mutex_);
    list_runs_.bind(static_cast<std::uint64_t>(limit));
    return read_runs(list_runs_);
  }

  Result<std::vector<std::string>> runs_with_prefix(const std::string& prefix) override {
    const MutexLock lock(mutex_);
    runs_with_prefix_.bind(prefix);
    std::vector<std::string> ids;
    for (;;) {
      auto row = runs_with_prefix_.step();
      if (!row) return std::unexpected(row.error());
      if (!*row) return ids;
      ids.push_back(runs_with_prefix_.text(0));
    }
  }

  Result<std::optional<RunRow>> last_run_of(const std::string& task_name) override {
    return one_run(&SqliteHistory::last_run_of_, task_name);
  }

  Result<std::vector<RunRow>> runs_in_quarantine() override {
    const MutexLock lock(mutex_);
    return read_runs(runs_in_quarantine_);
  }

  Result<std::vector<TransitionRow>> transitions(const std::string& run_id) override {
    const MutexLock lock(mutex_);
    transitions_of_.bind(run_id);
    std::vector<TransitionRow> rows;
    for (;;) {
      auto row = transitions_of_.step();
      if (!row) return std::unexpected(row.error());
      if (!*row) return rows;
      rows.push_back({.run_id = run_id,
                      .number = static_cast<std::uint32_t>(transitions_of_.count(0)),
                      .state = transitions_of_.text(1),
                      .at_ns = transitions_of_.number(2)});
    }
  }

  Status block_plugin(const std::string& sha256, const std::string& why, std::int64_t at_ns) override {
    return write(Sync::now, [&]() FRESHET_REQUIRES(mutex_) { return block_.bind(sha256).bind(why).bind(at_ns).run(); });
  }

  Status unblock_plugin(const std::string& sha256) override {
    return write(Sync::now, [&]() FRESHET_REQUIRES(mutex_) { return unblock_.bind(sha256).run(); });
  }

  Result<std::optional<std::string>> why_blocked(const std::string& sha256) override {
    const MutexLock lock(mutex_);
    auto row = why_blocked_.bind(sha256).step();
    if (!row) return std::unexpected(row.error());
    if (!*row) return std::nullopt;
    std::string why = why_blocked_.text(0);
    why_blocked_.reset();
    return why;
  }

  Result<std::vector<BlockedRow>> blocked_plugins() override {
    const MutexLock lock(mutex_);
    std::vector<BlockedRow> out;
    for (;;) {
      auto row = blocked_.step();
      if (!row) return std::unexpected(row.error());
      if (!*row) break;
      out.push_back({blocked_.text(0), blocked_.text(1), blocked_.number(2)});
    }
    blocked_.reset();
    return out;
  }

 private:
  explicit SqliteHistory(Database database) : database_(std::move(database)) {}

  Status prepare_all() FRESHET_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    const std::pair<Statement*, std::string_view> all[] = {
        {&insert_run_, kInsertRun},  {&update_run_, kUpdateRun},
        {&put_task_, kPutTask},      {&put_transition_, kPutTransition},
        {&find_run_, kFindRun},      {&list_runs_, kListRuns},
        {&last_run_of_, kLastRunOf}, {&runs_with_prefix_, kRunsWithPrefix},
        {&tasks_of_, kTasksOf},      {&runs_in_quarantine_, kRunsInQuarantine},
        {&block_, kBlock},           {&transitions_of_, kTransitionsOf},
        {&unblock_, kUnblock},       {&why_blocked_, kWhyBlocked},
        {&blocked_, kBlocked},
        {&changes_, kChanges}};
    for (const auto& [statement, sql] : all) {
      auto prepared = database_.prepare(sql);
      if (!prepared) return std::unexpected(prepared.error());
      *statement = std::move(*prepared);
    }
    return {};
  }

  template <class Body>
  Status write(Sync sync, Body body) {
    const MutexLock lock(mutex_);
    if (sync != sync_) {
      const char* sql = sync == Sync::now ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL";
      if (auto set = database_.execute(sql); !set) return set;
      sync_ = sync;
    }
    auto transaction = Transaction::begin(database_, Transaction::Kind::write);
    if (!transaction) return std::unexpected(transaction.error());
    if (auto done = body(); !done) return done;
    return transaction->commit();
  }

  Status put_task(const TaskRow& task, const std::string& run_id) FRESHET_REQUIRES(mutex_) {
    return put_task_.bind(run_id)
        .bind(std::int64_t{task.number})
        .bind(task.name)
        .bind(task.channel)
        .bind(task.plugin)
        .bind(task.plugin_sha256)
        .bind(task.state)
        .bind(task.note)
        .bind(std::int64_t{task.unlink ? 1 : 0})
        .bind(task.entries_found)
        .bind(task.entries_removed)
        .bind(task.entries_refused)
        .bind(task.bytes_now)
        .bind(task.bytes_at_purge)
        .bind(task.keep_until_ns)
        .bind(task.grant_json)
        .bind(task.result_json)
        .run();
  }

  Status put_transitions(const std::vector<TransitionRow>& rows) FRESHET_REQUIRES(mutex_) {
    for (const TransitionRow& row : rows) {
      const auto put =
          put_transition_.bind(row.run_id).bind(std::int64_t{row.number}).bind(row.state).bind(row.at_ns).run();
      if (!put) return put;
    }
    return {};
  }

  Result<std::optional<RunRow>> one_run(Statement SqliteHistory::*which, const std::string& argument) {
    const MutexLock lock(mutex_);
    Statement& statement = this->*which;
    statement.bind(argument);
    auto rows = read_runs(statement);
    if (!rows) return std::unexpected(rows.error());
    if (rows->empty()) return std::nullopt;
    return std::move(rows->front());
  }

  // `statement` is bound; runs and their tasks are read from one snapshot.
  Result<std::vector<RunRow>> read_runs(Statement& statement) FRESHET_REQUIRES(mutex_) {
    auto transaction = Transaction::begin(database_, Transaction::Kind::read);
    if (!transaction) return std::unexpected(transaction.error());
    std::vector<RunRow> runs;
    for (;;) {
      auto row = statement.step();
      if (!row) return std::unexpected(row.error());
      if (!*row) break;
      runs.push_back({.id = statement.text(0),
                      .state = statement.text(1),
                      .started_ns = statement.number(2),
                      .ended_ns = statement.number(3),
                      .note = statement.text(4),
                      .tasks = {}});
    }
    for (RunRow& run : runs) {
      if (auto read = read_tasks(run); !read) return std::unexpected(read.error());
    }
    if (auto ended = transaction->commit(); !ended) return std::unexpected(ended.error());
    return runs;
  }

  Status read_tasks(RunRow& run) FRESHET_REQUIRES(mutex_) {
    tasks_of_.bind(run.id);
    for (;;) {
      auto row = tasks_of_.step();
      if (!row) return std::unexpected(row.error());
      if (!*row) return {};
      const Statement& s = tasks_of_;
      run.tasks.push_back({.run_id = run.id,
                           .number = static_cast<std::uint32_t>(s.count(0)),
                           .name = s.text(1),
                           .channel = s.text(2),
                           .plugin = s.text(3),
                           .plugin_sha256 = s.text(4),
                           .state = s.text(5),
                           .note = s.text(6),
                           .unlink = s.number(7) != 0,
                           .entries_found = s.count(8),
                           .entries_removed = s.count(9),
                           .entries_refused = s.count(10),
                           .bytes_now = s.count(11),
                           .bytes_at_purge = s.count(12),
                           .keep_until_ns = s.number(13),
                           .grant_json = s.text(14),
                           .result_json = s.text(15)});
    }
  }

  // Held only across calls into SQLite.
  Mutex mutex_;
  Sync sync_ FRESHET_GUARDED_BY(mutex_) = Sync::now;  // what `synchronous` stands at
  Database database_ FRESHET_GUARDED_BY(mutex_);  // before the statements: it must outlive them
  Statement insert_run_ FRESHET_GUARDED_BY(mutex_);
  Statement update_run_ FRESHET_GUARDED_BY(mutex_);
  Statement put_task_ FRESHET_GUARDED_BY(mutex_);
  Statement put_transition_ FRESHET_GUARDED_BY(mutex_);
  Statement find_run_ FRESHET_GUARDED_BY(mutex_);
  Statement list_runs_ FRESHET_GUARDED_BY(mutex_);
  Statement runs_with_prefix_ FRESHET_GUARDED_BY(mutex_);
  Statement last_run_of_ FRESHET_GUARDED_BY(mutex_);
  Statement runs_in_quarantine_ FRESHET_GUARDED_BY(mutex_);
  Statement tasks_of_ FRESHET_GUARDED_BY(mutex_);
  Statement transitions_of_ FRESHET_GUARDED_BY(mutex_);
  Statement block_ FRESHET_GUARDED_BY(mutex_);
  Statement unblock_ FRESHET_GUARDED_BY(mutex_);
  Statement blocked_ FRESHET_GUARDED_BY(mutex_);
  Statement why_blocked_ FRESHET_GUARDED_BY(mutex_);
  Statement changes_ FRESHET_GUARDED_BY(mutex_);
};

}  // namespace

Result<std::unique_ptr<History>> History::open(const std::string& file) {
  return SqliteHistory::open(file);
}

}  // namespace freshet::store
