#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "runtime/base/error.h"

struct sqlite3;
struct sqlite3_stmt;

namespace freshet::store {

// One prepared statement. Arguments are bound from 1, columns are read from 0. Belongs to the thread that
// holds the database's mutex; must die before its Database.
class Statement {
 public:
  Statement() = default;
  Statement(sqlite3_stmt* statement, std::string file);

  Statement& bind(std::string_view text);
  Statement& bind(std::int64_t number);
  Statement& bind(std::uint64_t number);  // beyond 2^63-1: stored as 2^63-1

  // True: a row waits in the columns. False: done, and reset for the next use.
  Result<bool> step();
  // For statements without rows: steps to the end and resets.
  Status run();
  // Ends a reading early. Also clears what was bound.
  void reset();

  [[nodiscard]] std::string text(int column) const;
  [[nodiscard]] std::int64_t number(int column) const;
  [[nodiscard]] std::uint64_t count(int column) const;

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
  std::string file_;
  int bound_ = 0;
};

// One open SQLite file: WAL, synchronous = FULL, foreign keys on, 10 s of patience with other processes. Not
// thread-safe. Errors: kind `system`, with the path, SQLite's text and the kernel's where there is one.
class Database {
 public:
  // Opens or makes `file`, 0600; its directory must exist.
  static Result<Database> open(const std::string& file);

  Status execute(const char* sql);
  Result<Statement> prepare(std::string_view sql);
  Result<std::int64_t> ask_number(const char* sql);

  [[nodiscard]] const std::string& file() const { return file_; }

 private:
  struct Close {
    void operator()(sqlite3* connection) const;
  };
  std::unique_ptr<sqlite3, Close> connection_;
  std::string file_;
};

// BEGIN .. COMMIT; rolls back unless `commit` was called and succeeded.
class Transaction {
 public:
  enum class Kind { read, write };
  static Result<Transaction> begin(Database& database, Kind kind);
  Transaction(Transaction&& other) noexcept : database_(std::exchange(other.database_, nullptr)) {}
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();

  Status commit();

 private:
  explicit Transaction(Database& database) : database_(&database) {}
  Database* database_;
};

}  // namespace freshet::store
