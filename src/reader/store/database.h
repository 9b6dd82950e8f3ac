#pragma once
// A thin wrapper over SQLite: prepared statements with bound parameters, errors as Result.

#include <sqlite3.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace lectern::reader {

class Statement {
 public:
  explicit Statement(sqlite3_stmt* statement) : statement_(statement, sqlite3_finalize) {}
  /// Parameters count from 1.
  Statement& bind(int at, int64_t value);
  Statement& bind(int at, int value) { return bind(at, static_cast<int64_t>(value)); }
  Statement& bind(int at, double value);
  Statement& bind(int at, std::string_view text);
  Statement& bindBlob(int at, std::string_view bytes);
  Statement& bindNull(int at);
  /// True while there is a row; kInternal with SQLite's words otherwise.
  Result<bool> step();
  /// Runs to the end and makes the statement ready for new parameters.
  Result<void> run();
  void reset();
  int64_t integer(int column) const { return sqlite3_column_int64(statement_.get(), column); }
  double real(int column) const { return sqlite3_column_double(statement_.get(), column); }
  /// A text or a blob; empty for null.
  std::string text(int column) const;
  bool isNull(int column) const { return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL; }
  int columns() const { return sqlite3_column_count(statement_.get()); }
  std::string columnName(int column) const { return sqlite3_column_name(statement_.get(), column); }
  sqlite3_stmt* raw() const { return statement_.get(); }

 private:
  std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)> statement_;
};

class Database {
 public:
  enum class Mode { kReadWrite, kReadOnly };
  static Result<Database> open(const std::filesystem::path& path, Mode mode);
  Result<Statement> prepare(std::string_view sql);
  /// Runs one or more statements without parameters.
  Result<void> execute(const std::string& sql);
  /// Turns write-ahead logging on: readers and a second writer go on while one writes.
  Result<void> useWriteAheadLog();
  int64_t lastId() const { return sqlite3_last_insert_rowid(handle_.get()); }
  sqlite3* raw() const { return handle_.get(); }

 private:
  explicit Database(sqlite3* handle) : handle_(handle, sqlite3_close_v2) {}
  std::unique_ptr<sqlite3, int (*)(sqlite3*)> handle_;
};

/// Rolls back unless commit() was called.
class Transaction {
 public:
  static Result<Transaction> begin(Database& database);
  Transaction(Transaction&& other) noexcept : database_(other.database_) { other.database_ = nullptr; }
  ~Transaction();
  Result<void> commit();

 private:
  explicit Transaction(Database& database) : database_(&database) {}
  Database* database_;
};

}  // namespace lectern::reader
