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
  /// A document as `put` took it, but for quads, sentences, relations, key-value pairs, timings and models; words of
  /// cells, values and fields are those that stand in their boxes. kNotFound when there is none of this name.
  Result<Document> load(const std::string& name);
  /// Renews the template and the fields that workflows found of a document that is in; other fields of those names go.
  Result<void> putWorkflowFields(const Document& document);
  /// True when a document of this name and content is in.
  Result<bool> has(const std::string& name, const std::string& sha256);
  /// Names of all documents, sorted.
  Result<std::vector<std::string>> names();
  /// For tables that others keep in the same file.
  Database& database() { return *database_; }

 private:
  explicit Store(std::unique_ptr<Database> database);
  std::unique_ptr<Database> database_;
};

}  // namespace lectern::reader
