#include "runtime/store/schema.h"

#include <array>
#include <chrono>
#include <string>
#include <thread>

namespace freshet::store {
namespace {

// Entry n brings version n to n + 1. Append only: released entries never change. HISTORY.md explains every
// column.
constexpr std::array<const char*, 1> kMigrations = {
    R"sql(
CREATE TABLE runs (
  seq        INTEGER PRIMARY KEY AUTOINCREMENT,
  id         TEXT NOT NULL UNIQUE,
  state      TEXT NOT NULL,
  started_ns INTEGER NOT NULL,
  ended_ns   INTEGER NOT NULL DEFAULT 0,
  note       TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE TABLE tasks (
  run_id          TEXT NOT NULL REFERENCES runs(id) ON DELETE CASCADE,
  number          INTEGER NOT NULL,
  name            TEXT NOT NULL,
  channel         TEXT NOT NULL,
  plugin          TEXT NOT NULL,
  plugin_sha256   TEXT NOT NULL,
  state           TEXT NOT NULL,
  note            TEXT NOT NULL,
  unlink          INTEGER NOT NULL,
  entries_found   INTEGER NOT NULL,
  entries_removed INTEGER NOT NULL,
  entries_refused INTEGER NOT NULL,
  bytes_now       INTEGER NOT NULL,
  bytes_at_purge  INTEGER NOT NULL,
  keep_until_ns   INTEGER NOT NULL,
  grant_json      TEXT NOT NULL,
  result_json     TEXT NOT NULL,
  PRIMARY KEY (run_id, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX tasks_by_name ON tasks(name);
CREATE TABLE transitions (
  seq    INTEGER PRIMARY KEY AUTOINCREMENT,
  run_id TEXT NOT NULL REFERENCES runs(id) ON DELETE CASCADE,
  number INTEGER NOT NULL,
  state  TEXT NOT NULL,
  at_ns  INTEGER NOT NULL
) STRICT;
CREATE INDEX transitions_by_run ON transitions(run_id);
CREATE TABLE blocked_plugins (
  sha256 TEXT PRIMARY KEY,
  why    TEXT NOT NULL,
  at_ns  INTEGER NOT NULL
) STRICT;
)sql",
};

std::unexpected<Error> foreign_file(const Database& database) {
  return fail(ErrorKind::invalid, "history " + database.file() + ": is the database of another program",
              "Nothing was changed. Name another place with --state-dir.");
}

std::unexpected<Error> newer_file(const Database& database, std::int64_t version) {
  return fail(ErrorKind::invalid,
              "history " + database.file() + ": was written by a newer Freshet (schema " +
                  std::to_string(version) + ", this one knows " + std::to_string(schema_version()) + ")",
              "Nothing was changed. Use that Freshet, or name another place with --state-dir.");
}

// 0 for an empty file; errors for a foreign or a newer one.
Result<std::int64_t> find_version(Database& database) {
  // In this order: another process may make the file between the two, and its tables come together with its mark.
  auto tables = database.ask_number("SELECT count(*) FROM sqlite_schema");
  if (!tables) return tables;
  auto application = database.ask_number("PRAGMA application_id");
  if (!application) return application;
  if (*tables == 0 && *application == 0) return 0;
  if (*application != kApplicationId) return foreign_file(database);
  auto version = database.ask_number("PRAGMA user_version");
  if (version && *version > schema_version()) return newer_file(database, *version);
  return version;
}

// Two processes that both make the file can get BUSY here at once, without SQLite's own patience.
Status use_wal(Database& database) {
  Status done;
  for (int tries = 0; tries < 200; ++tries) {
    done = database.execute("PRAGMA journal_mode = WAL");
    if (done) return done;
    if (done.error().what.find("locked") == std::string::npos) return done;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  return done;
}

}  // namespace

std::int64_t schema_version() {
  return static_cast<std::int64_t>(kMigrations.size());
}

Status migrate(Database& database) {
  // Before WAL is asked for, which writes the file: a foreign file must stay as it is.
  auto found = find_version(database);
  if (!found) return std::unexpected(found.error());
  if (auto wal = use_wal(database); !wal) return wal;
  if (*found == schema_version()) return {};

  auto transaction = Transaction::begin(database, Transaction::Kind::write);
  if (!transaction) return std::unexpected(transaction.error());
  // Again, now that no other process can migrate.
  auto version = find_version(database);
  if (!version) return std::unexpected(version.error());
  for (std::int64_t step = *version; step < schema_version(); ++step) {
    if (auto done = database.execute(kMigrations[static_cast<std::size_t>(step)]); !done) return done;
  }
  const std::string mark = "PRAGMA application_id = " + std::to_string(kApplicationId) +
                           "; PRAGMA user_version = " + std::to_string(schema_version());
  if (auto done = database.execute(mark.c_str()); !done) return done;
  return transaction->commit();
}

}  // namespace freshet::store
