#pragma once
// Ways to answer; each gives nothing when it does not apply or finds nothing.

#include <optional>
#include <string>

#include "base/result.h"
#include "reader/question/guard.h"
#include "reader/question/question.h"

namespace lectern::reader {

/// What an answer stood on, for the next question.
struct Memory {
  std::string document;
  int64_t entity = 0;
};

struct Found {
  Answer answer;
  int64_t entity = 0;
};
using Lookup = Result<std::optional<Found>>;

Lookup byField(GuardedDatabase& db, const std::string& document, const std::string& field);
/// A field of a workflow whose name reads like the subject.
Lookup byTaughtField(GuardedDatabase& db, const std::string& document, const std::string& subject);
/// A key of the document that is like the subject.
Lookup byKey(GuardedDatabase& db, const std::string& document, const std::string& subject, double least);
/// "right of X", "below X", ...; also from where the last answer stood.
Lookup byDirection(GuardedDatabase& db, const std::string& document, const std::string& plain,
                   const std::optional<std::string>& anchor, const Memory& memory);
Lookup byCount(GuardedDatabase& db, const std::string& document, const std::string& plain);
Lookup byType(GuardedDatabase& db, const std::string& document, const std::string& plain);
Lookup byTableCell(GuardedDatabase& db, const std::string& document, const std::string& plain);
Lookup bySearch(GuardedDatabase& db, const std::string& document, const std::string& text);
/// Sums, averages, extremes, counts and lists over documents.
Lookup byAggregate(GuardedDatabase& db, const std::string& plain, const std::vector<std::string>& quoted_texts);

/// Reads answer, normalized, confidence, page, x0, y0, x1, y1, entity, document from the columns of those names.
Found foundFrom(const RowSet& rows, size_t row);

}  // namespace lectern::reader
