#include "engine/control/document_store.h"

namespace lectern::engine {

Result<std::unique_ptr<DocumentStore>> DocumentStore::open(const std::filesystem::path& file) {
  sqlite3* handle = nullptr;
  int code = sqlite3_open_v2(file.c_str(), &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
                             nullptr);
  std::unique_ptr<DocumentStore> store(new DocumentStore(handle));
  if (code != SQLITE_OK) return fail(Code::kInternal, file.string() + ": " + sqlite3_errstr(code));
  // One engine a state directory: the lock is held for as long as the file is open.
  for (const char* sql : {"PRAGMA locking_mode=EXCLUSIVE", "PRAGMA journal_mode=WAL", "PRAGMA synchronous=NORMAL",
                          "CREATE TABLE IF NOT EXISTS documents (kind TEXT NOT NULL, key TEXT NOT NULL, "
                          "text TEXT NOT NULL, PRIMARY KEY (kind, key)) WITHOUT ROWID",
                          "BEGIN IMMEDIATE", "COMMIT"}) {
    auto done = store->execute(sql);
    if (done) continue;
    if (sqlite3_errcode(handle) == SQLITE_BUSY) {
      return fail(Code::kUnavailable, file.string() + " is in use by another engine; choose another --state folder");
    }
    return Failure(done.error().with(file.string()));
  }
  return store;
}

Result<void> DocumentStore::execute(const char* sql) {
  if (sqlite3_exec(handle_.get(), sql, nullptr, nullptr, nullptr) == SQLITE_OK) return {};
  int code = sqlite3_errcode(handle_.get());
  Code kind = code == SQLITE_FULL                               ? Code::kNoSpace
              : code == SQLITE_NOTADB || code == SQLITE_CORRUPT ? Code::kCorrupt
                                                                : Code::kInternal;
  return fail(kind, sqlite3_errmsg(handle_.get()));
}

Result<void> DocumentStore::run(const char* sql, const std::vector<std::string_view>& values) {
  sqlite3_stmt* raw = nullptr;
  int code = sqlite3_prepare_v2(handle_.get(), sql, -1, &raw, nullptr);
  std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)> statement(raw, sqlite3_finalize);
  for (size_t i = 0; code == SQLITE_OK && i < values.size(); ++i) {
    code = sqlite3_bind_text(raw, int(i) + 1, values[i].data(), int(values[i].size()), SQLITE_TRANSIENT);
  }
  if (code == SQLITE_OK) code = sqlite3_step(raw);
  if (code == SQLITE_DONE) return {};
  return fail(code == SQLITE_FULL ? Code::kNoSpace : Code::kInternal, sqlite3_errmsg(handle_.get()));
}

Result<std::vector<Document>> DocumentStore::load() {
  sqlite3_stmt* raw = nullptr;
  const char* sql = "SELECT kind, key, text FROM documents ORDER BY kind, key";
  if (sqlite3_prepare_v2(handle_.get(), sql, -1, &raw, nullptr) != SQLITE_OK) {
    return fail(Code::kCorrupt, sqlite3_errmsg(handle_.get()));
  }
  std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)> statement(raw, sqlite3_finalize);
  std::vector<Document> out;
  int code;
  while ((code = sqlite3_step(raw)) == SQLITE_ROW) {
    auto text = [&](int column) {
      auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(raw, column));
      return std::string(bytes ? bytes : "", size_t(sqlite3_column_bytes(raw, column)));
    };
    out.push_back({text(0), text(1), text(2)});
  }
  if (code != SQLITE_DONE) return fail(Code::kCorrupt, sqlite3_errmsg(handle_.get()));
  return out;
}

Result<void> DocumentStore::put(const std::string& kind, const std::string& key, const std::string& text) {
  return run("INSERT OR REPLACE INTO documents (kind, key, text) VALUES (?, ?, ?)", {kind, key, text});
}

Result<void> DocumentStore::put(const std::vector<Document>& documents) {
  TRY_VOID(execute("BEGIN IMMEDIATE"));
  for (auto& document : documents) {
    if (auto done = put(document.kind, document.key, document.text); !done) {
      (void)execute("ROLLBACK");
      return done;
    }
  }
  auto done = execute("COMMIT");
  if (!done) (void)execute("ROLLBACK");
  return done;
}

Result<void> DocumentStore::erase(const std::string& kind, const std::string& key) {
  return run("DELETE FROM documents WHERE kind = ? AND key = ?", {kind, key});
}

}  // namespace lectern::engine
