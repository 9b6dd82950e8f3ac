#include "reader/question/guard.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "reader/store/database.h"

namespace lectern::reader {

namespace {

/// What the progress handler looks at.
struct Watch {
  const Clock& clock;
  SteadyTime deadline{};
};

// What statements may call; none of them touches files, loads code or grows without bound.
constexpr std::array<std::string_view, 45> kFunctions = {
    "abs",   "avg",    "coalesce",  "count", "date",      "datetime",  "group_concat", "ifnull",      "iif",
    "instr", "length", "like",      "lower", "ltrim",     "match",     "max",          "min",         "nullif",
    "glob",  "hex",    "quote",     "round", "rtrim",     "replace",   "snippet",      "strftime",    "substr",
    "sum",   "time",   "total",     "trim",  "typeof",    "upper",     "unicode",      "rank",        "row_number",
    "lag",   "lead",   "julianday", "bm25",  "highlight", "substring", "sign",         "first_value", "dense_rank"};

int authorize(void*, int action, const char* first, const char* second, const char*, const char*) {
  switch (action) {
    case SQLITE_SELECT:
    case SQLITE_READ:
    case SQLITE_RECURSIVE:
      return SQLITE_OK;
    case SQLITE_FUNCTION: {
      const std::string_view name = second == nullptr ? "" : second;
      return std::find(kFunctions.begin(), kFunctions.end(), name) != kFunctions.end() ? SQLITE_OK : SQLITE_DENY;
    }
    case SQLITE_PRAGMA:
      // Full text search reads its own data version.
      return first != nullptr && std::string_view(first) == "data_version" && second == nullptr ? SQLITE_OK
                                                                                                : SQLITE_DENY;
    default:
      return SQLITE_DENY;
  }
}

int pastDeadline(void* context) {
  const auto* watch = static_cast<const Watch*>(context);
  return watch->clock.now() > watch->deadline ? 1 : 0;
}

}  // namespace

struct GuardedDatabase::Impl {
  Database database;
  QueryLimits limits;
  Watch watch;
};

GuardedDatabase::GuardedDatabase(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
GuardedDatabase::~GuardedDatabase() = default;

Result<std::unique_ptr<GuardedDatabase>> GuardedDatabase::open(const std::filesystem::path& path, const Clock& clock,
                                                               const QueryLimits& limits) {
  std::error_code ec;
  if (!std::filesystem::exists(path, ec)) {
    return fail(Code::kNotFound, "no database " + path.string() + "; lectern read makes one (--db)");
  }
  TRY(auto database, Database::open(path, Database::Mode::kReadOnly));
  {
    TRY(auto check,
        database.prepare("SELECT count(*) FROM sqlite_master WHERE name IN ('document','field','entity')"));
    TRY(const bool row, check.step());
    if (!row || check.integer(0) != 3) return fail(Code::kCorrupt, path.string() + " is no document database");
  }
  auto impl = std::unique_ptr<Impl>(new Impl{std::move(database), limits, {clock, {}}});
  sqlite3* handle = impl->database.raw();
  sqlite3_set_authorizer(handle, authorize, nullptr);
  sqlite3_limit(handle, SQLITE_LIMIT_LENGTH, 16 << 20);
  sqlite3_limit(handle, SQLITE_LIMIT_SQL_LENGTH, 64 << 10);
  sqlite3_limit(handle, SQLITE_LIMIT_ATTACHED, 0);
  sqlite3_progress_handler(handle, 2'000, pastDeadline, &impl->watch);
  return std::unique_ptr<GuardedDatabase>(new GuardedDatabase(std::move(impl)));
}

Result<RowSet> GuardedDatabase::query(const std::string& sql, const std::vector<std::string>& parameters) {
  impl_->watch.deadline = impl_->watch.clock.now() + std::chrono::milliseconds(impl_->limits.max_millis);
  auto statement = impl_->database.prepare(sql);
  if (!statement) {
    const int code = sqlite3_errcode(impl_->database.raw());
    if (code == SQLITE_AUTH)
      return fail(Code::kDenied, "only reading is allowed here (" + statement.error().message + ")");
    return fail(Code::kInvalid, "SQL: " + statement.error().message);
  }
  if (statement->raw() == nullptr) return fail(Code::kInvalid, "SQL: there is no statement");
  for (size_t i = 0; i < parameters.size(); ++i)
    statement->bind(static_cast<int>(i) + 1, std::string_view(parameters[i]));
  RowSet out;
  if (char* expanded = sqlite3_expanded_sql(statement->raw())) {
    out.sql = expanded;
    sqlite3_free(expanded);
  }
  for (int c = 0; c < statement->columns(); ++c) out.columns.push_back(statement->columnName(c));
  while (true) {
    auto row = statement->step();
    if (!row) {
      if ((sqlite3_errcode(impl_->database.raw()) & 0xff) == SQLITE_INTERRUPT) {
        return fail(Code::kTimeout, "the query takes longer than " + std::to_string(impl_->limits.max_millis) + " ms");
      }
      return Failure(row.error());
    }
    if (!*row) break;
    if (out.rows.size() >= impl_->limits.max_rows) {
      out.truncated = true;
      break;
    }
    std::vector<std::optional<std::string>> values;
    for (int c = 0; c < statement->columns(); ++c) {
      if (statement->isNull(c))
        values.emplace_back(std::nullopt);
      else
        values.emplace_back(statement->text(c));
    }
    out.rows.push_back(std::move(values));
  }
  return out;
}

}  // namespace lectern::reader
