#include "runtime/store/database.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <limits>

namespace freshet::store {
namespace {

constexpr int kBusyMilliseconds = 10'000;

std::string remedy_for(int code) {
  switch (code & 0xFF) {
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
      return "The file was left as it is. To begin a new history, move it aside together with its -wal and "
             "-shm files; "
             "what waits in the quarantine stays there and names its own origin.";
    case SQLITE_FULL:
      return "The disk is full; nothing was written. Free some space, then run the command again.";
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
      return "Give this user the right to write there, or name another place with --state-dir.";
    case SQLITE_BUSY:
      return "Another process has held the history for 10 s. Run the command again.";
    default:
      return {};
  }
}

std::unexpected<Error> sqlite_error(sqlite3* connection, const std::string& file, int code) {
  std::string what = "history " + file + ": ";
  what += connection != nullptr ? sqlite3_errmsg(connection) : sqlite3_errstr(code);
  // SQLite says "disk I/O error" or "unable to open" where the kernel has the reason.
  const int base = code & 0xFF;
  const int number = connection != nullptr ? sqlite3_system_errno(connection) : 0;
  if (number != 0 && (base == SQLITE_IOERR || base == SQLITE_CANTOPEN || base == SQLITE_FULL)) {
    what += " (" + errno_text(number) + ")";
  }
  return fail(ErrorKind::system, std::move(what), remedy_for(code));
}

// SQLite would make the file with 0644 & ~umask. Made only if it is not there: to open and close a file that
// this process has open through SQLite would drop SQLite's POSIX locks.
Status make_private(const std::string& file) {
  const int fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd >= 0) {
    ::close(fd);
    return {};
  }
  const int why = errno;
  if (why != EEXIST) {
    std::string detail = remedy_for(why == ENOSPC ? SQLITE_FULL : SQLITE_CANTOPEN);
    return fail(ErrorKind::system, "history " + file + ": cannot be made: " + errno_text(why),
                std::move(detail));
  }
  struct stat seen {};
  if (::lstat(file.c_str(), &seen) != 0) return fail_errno("history " + file);
  if (!S_ISREG(seen.st_mode)) {
    return fail(ErrorKind::system, "history " + file + ": is no regular file",
                "Remove what stands there, or name another place with --state-dir.");
  }
  return {};
}

}  // namespace

void Statement::Finalize::operator()(sqlite3_stmt* statement) const {
  sqlite3_finalize(statement);
}
void Database::Close::operator()(sqlite3* connection) const {
  sqlite3_close_v2(connection);
}

Statement::Statement(sqlite3_stmt* statement, std::string file)
    : statement_(statement), file_(std::move(file)) {}

Statement& Statement::bind(std::string_view text) {
  sqlite3_bind_text64(statement_.get(), ++bound_, text.data() != nullptr ? text.data() : "", text.size(),
                      SQLITE_TRANSIENT, SQLITE_UTF8);
  return *this;
}

Statement& Statement::bind(std::int64_t number) {
  sqlite3_bind_int64(statement_.get(), ++bound_, number);
  return *this;
}

Statement& Statement::bind(std::uint64_t number) {
  constexpr auto kMost = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  return bind(static_cast<std::int64_t>(number < kMost ? number : kMost));
}

Result<bool> Statement::step() {
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) {
    reset();
    return false;
  }
  auto error = sqlite_error(sqlite3_db_handle(statement_.get()), file_, code);
  reset();
  return error;
}

Status Statement::run() {
  for (;;) {
    auto row = step();
    if (!row) return std::unexpected(std::move(row.error()));
    if (!*row) return {};
  }
}

void Statement::reset() {
  sqlite3_reset(statement_.get());
  sqlite3_clear_bindings(statement_.get());
  bound_ = 0;
}

std::string Statement::text(int column) const {
  const unsigned char* bytes = sqlite3_column_text(statement_.get(), column);
  const int length = sqlite3_column_bytes(statement_.get(), column);
  if (bytes == nullptr || length <= 0) return {};
  return {reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(length)};
}

std::int64_t Statement::number(int column) const {
  return sqlite3_column_int64(statement_.get(), column);
}

std::uint64_t Statement::count(int column) const {
  const std::int64_t value = number(column);
  return value < 0 ? 0 : static_cast<std::uint64_t>(value);
}

Result<Database> Database::open(const std::string& file) {
  if (auto made = make_private(file); !made) return std::unexpected(made.error());

  Database database;
  database.file_ = file;
  sqlite3* raw = nullptr;
  // NOMUTEX: the history serialises with a mutex of its own.
  const int code = sqlite3_open_v2(file.c_str(), &raw, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
  database.connection_.reset(raw);
  if (code != SQLITE_OK) return sqlite_error(raw, file, code);
  sqlite3_extended_result_codes(raw, 1);
  sqlite3_busy_timeout(raw, kBusyMilliseconds);
  // A stranger's database must not run code of its schema in here.
  sqlite3_db_config(raw, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(raw, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  for (const char* sql :
       {"PRAGMA synchronous = FULL", "PRAGMA foreign_keys = ON", "PRAGMA temp_store = MEMORY"}) {
    if (auto done = database.execute(sql); !done) return std::unexpected(done.error());
  }
  return database;
}

Status Database::execute(const char* sql) {
  const int code = sqlite3_exec(connection_.get(), sql, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return sqlite_error(connection_.get(), file_, code);
  return {};
}

Result<Statement> Database::prepare(std::string_view sql) {
  sqlite3_stmt* raw = nullptr;
  const int code = sqlite3_prepare_v3(connection_.get(), sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &raw, nullptr);
  if (code != SQLITE_OK) return sqlite_error(connection_.get(), file_, code);
  return Statement(raw, file_);
}

Result<std::int64_t> Database::ask_number(const char* sql) {
  auto statement = prepare(sql);
  if (!statement) return std::unexpected(statement.error());
  auto row = statement->step();
  if (!row) return std::unexpected(row.error());
  if (!*row) return 0;
  return statement->number(0);
}

Result<Transaction> Transaction::begin(Database& database, Kind kind) {
  // IMMEDIATE: a deferred transaction that turns into a writer can fail with BUSY at once, without patience.
  if (auto begun = database.execute(kind == Kind::write ? "BEGIN IMMEDIATE" : "BEGIN"); !begun) {
    return std::unexpected(begun.error());
  }
  return Transaction(database);
}

Transaction::~Transaction() {
  if (database_ != nullptr) (void)database_->execute("ROLLBACK");
}

Status Transaction::commit() {
  auto done = database_->execute("COMMIT");
  if (!done) return done;  // the destructor rolls back
  database_ = nullptr;
  return {};
}

}  // namespace freshet::store
