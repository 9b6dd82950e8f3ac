#include "reader/store/database.h"

namespace lectern::reader {

namespace {
constexpr int kPatienceMillis = 10'000;  // with another connection that holds a lock
constexpr int kPauseMillis = 10;

Failure sqliteFailure(sqlite3* handle, std::string_view doing) {
  const int code = sqlite3_errcode(handle) & 0xff;  // the primary one
  const Code kind = code == SQLITE_FULL                                                         ? Code::kNoSpace
                    : code == SQLITE_CORRUPT || code == SQLITE_NOTADB                           ? Code::kCorrupt
                    : code == SQLITE_READONLY || code == SQLITE_CANTOPEN || code == SQLITE_AUTH ? Code::kDenied
                    : code == SQLITE_BUSY                                                       ? Code::kUnavailable
                                                                                                : Code::kInternal;
  return fail(kind, std::string(doing) + ": " + sqlite3_errmsg(handle));
}
}  // namespace

Statement& Statement::bind(int at, int64_t value) {
  sqlite3_bind_int64(statement_.get(), at, value);
  return *this;
}
Statement& Statement::bind(int at, double value) {
  sqlite3_bind_double(statement_.get(), at, value);
  return *this;
}
Statement& Statement::bind(int at, std::string_view text) {
  sqlite3_bind_text(statement_.get(), at, text.data(), static_cast<int>(text.size()), SQLITE_TRANSIENT);
  return *this;
}
Statement& Statement::bindBlob(int at, std::string_view bytes) {
  sqlite3_bind_blob(statement_.get(), at, bytes.data(), static_cast<int>(bytes.size()), SQLITE_TRANSIENT);
  return *this;
}

Statement& Statement::bindNull(int at) {
  sqlite3_bind_null(statement_.get(), at);
  return *this;
}

Result<bool> Statement::step() {
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return sqliteFailure(sqlite3_db_handle(statement_.get()), "database");
}

Result<void> Statement::run() {
  while (true) {
    TRY(const bool row, step());
    if (!row) break;
  }
  reset();
  return {};
}

void Statement::reset() {
  sqlite3_reset(statement_.get());
  sqlite3_clear_bindings(statement_.get());
}

std::string Statement::text(int column) const {
  const unsigned char* value = sqlite3_column_text(statement_.get(), column);
  if (value == nullptr) return {};
  return std::string(reinterpret_cast<const char*>(value),
                     static_cast<size_t>(sqlite3_column_bytes(statement_.get(), column)));
}

Result<Database> Database::open(const std::filesystem::path& path, Mode mode) {
  sqlite3* handle = nullptr;
  const int flags = mode == Mode::kReadOnly ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  const int code = sqlite3_open_v2(path.c_str(), &handle, flags | SQLITE_OPEN_EXRESCODE, nullptr);
  Database database(handle);
  if (code != SQLITE_OK) return sqliteFailure(handle, "open database " + path.string());
  sqlite3_busy_timeout(handle, kPatienceMillis);
  return database;
}

Result<Statement> Database::prepare(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v2(handle_.get(), sql.data(), static_cast<int>(sql.size()), &statement, nullptr) != SQLITE_OK) {
    return sqliteFailure(handle_.get(), "database");
  }
  return Statement(statement);
}

Result<void> Database::execute(const std::string& sql) {
  if (sqlite3_exec(handle_.get(), sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) {
    return sqliteFailure(handle_.get(), "database");
  }
  return {};
}

Result<void> Database::useWriteAheadLog() {
  // SQLite's own timeout does not hold here: the change takes a read lock first, and one who has that is not made to
  // wait for a writer.
  Result<void> done = execute("PRAGMA journal_mode=WAL");
  for (int waited = 0; !done && done.error().code == Code::kUnavailable && waited < kPatienceMillis;
       waited += kPauseMillis) {
    sqlite3_sleep(kPauseMillis);
    done = execute("PRAGMA journal_mode=WAL");
  }
  return done;
}

Result<Transaction> Transaction::begin(Database& database) {
  TRY_VOID(database.execute("BEGIN IMMEDIATE"));
  return Transaction(database);
}

Transaction::~Transaction() {
  if (database_ != nullptr) sqlite3_exec(database_->raw(), "ROLLBACK", nullptr, nullptr, nullptr);
}

Result<void> Transaction::commit() {
  TRY_VOID(database_->execute("COMMIT"));
  database_ = nullptr;
  return {};
}

}  // namespace lectern::reader
