#pragma once
// The document database: many documents in one SQLite file, one transaction a document.

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "reader/page/page.h"

namespace lectern::reader {

class Database;

class Store {
 public:
  /// Opens or creates the file and brings its schema up to date.
  static Result<std::unique_ptr<Store>> open(const std::filesystem::path& path);
  ~Store();

  /// Puts a document in; one that has the same name is replaced. All or nothing. Ids must have been assigned.
  Result<void> put(const Document& document);
  /// True when a document of this name and content is in.
  Result<bool> has(const std::string& name, const std::string& sha256);
  /// Names of all documents, sorted.
  Result<std::vector<std::string>> names();

 private:
  explicit Store(std::unique_ptr<Database> database);
  std::unique_ptr<Database> database_;
};

}  // namespace lectern::reader
