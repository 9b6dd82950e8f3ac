#pragma once
// SQL from outside on a connection that can only read: an authoriser admits SELECT and a list of functions, a deadline
// and a row cap bound what a statement may cost.

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace lectern::reader {

struct QueryLimits {
  int64_t max_millis = 5'000;
  size_t max_rows = 1'000;
};

struct RowSet {
  std::vector<std::string> columns;
  std::vector<std::vector<std::optional<std::string>>> rows;
  std::string sql;         // with the parameters filled in
  bool truncated = false;  // there were more rows than the cap
};

class GuardedDatabase {
 public:
  /// kNotFound when there is no such file, kCorrupt when it is no document database.
  static Result<std::unique_ptr<GuardedDatabase>> open(const std::filesystem::path& path, const Clock& clock,
                                                       const QueryLimits& limits = {});
  ~GuardedDatabase();
  /// One statement; kDenied when it would do more than read, kTimeout past the deadline.
  Result<RowSet> query(const std::string& sql, const std::vector<std::string>& parameters = {});

 private:
  struct Impl;
  explicit GuardedDatabase(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace lectern::reader
