#pragma once
// Questions in plain words about documents in the database. Every answer comes with the SQL that gave it and with the
// place on the page where it stands; what is not there is not found.

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"
#include "reader/page/page.h"
#include "reader/question/guard.h"

namespace lectern::reader {

struct Answer {
  std::optional<std::string> answer;  // as printed or counted; nothing: not found
  std::string normalized;             // ISO date, plain number; empty when it is the same as the answer
  double confidence = 0;              // 0..1
  std::string sql;                    // with its parameters
  std::string document;
  int page = 0;  // 0: not on a page
  std::optional<Box> box;
};

/// {"answer","normalized","confidence","sql","document","page","box"}; answer is null when nothing was found.
json::object answerToJson(const Answer& answer);

class Asker {
 public:
  static Result<std::unique_ptr<Asker>> open(const std::filesystem::path& database, const Clock& clock,
                                             const QueryLimits& limits = {});
  ~Asker();
  /// Asks about one document (by name), or about all when `document` is empty. Remembers where the answer stood for
  /// "and the one below?".
  Result<Answer> ask(const std::string& question, const std::string& document);
  /// The caller's own SQL, read only.
  Result<RowSet> sql(const std::string& statement, const std::vector<std::string>& parameters = {});

 private:
  struct Impl;
  explicit Asker(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace lectern::reader
