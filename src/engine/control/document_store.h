#pragma once
// Documents (kind, key, JSON text) in SQLite, changed in transactions: after a kill there is the old state or the new
// one.

#include <sqlite3.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace lectern::engine {

struct Document {
  std::string kind, key, text;
};

class DocumentStore {
 public:
  /// Opens or makes the file. kCorrupt when it is not a database of ours, kUnavailable when another engine uses it.
  static Result<std::unique_ptr<DocumentStore>> open(const std::filesystem::path& file);

  Result<std::vector<Document>> load();
  Result<void> put(const std::string& kind, const std::string& key, const std::string& text);
  /// All of them or none.
  Result<void> put(const std::vector<Document>& documents);
  Result<void> erase(const std::string& kind, const std::string& key);

 private:
  explicit DocumentStore(sqlite3* handle) : handle_(handle, sqlite3_close_v2) {}
  Result<void> execute(const char* sql);
  Result<void> run(const char* sql, const std::vector<std::string_view>& values);
  std::unique_ptr<sqlite3, int (*)(sqlite3*)> handle_;
};

}  // namespace lectern::engine
