#include <re2/re2.h>

#include <algorithm>

#include "reader/question/lexicon.h"
#include "reader/question/lookup.h"

namespace lectern::reader {

namespace {

struct Filter {
  std::string sql;
  std::vector<std::string> parameters;
};

/// Conditions on documents: kind, company and date.
Filter filterOf(GuardedDatabase& db, const std::string& plain, const std::vector<std::string>& quoted_texts) {
  Filter f;
  static const RE2 kind("\\b(receipt|invoice|form|letter|article)s?\\b");
  std::string type;
  if (RE2::PartialMatch(plain, kind, &type)) {
    f.sql += " AND d.type = ?";
    f.parameters.push_back(type);
  }
  std::string company = quoted_texts.empty() ? "" : plainText(quoted_texts[0]);
  static const RE2 from("\\b(?:from|of|by|at)\\s((?:[^ ]+ ?)+?)(?: in | on | during | since |$)");
  if (company.empty()) {
    auto known = db.query("SELECT DISTINCT value FROM field WHERE name IN ('company','seller')");
    for (const auto& row : known ? known->rows : RowSet{}.rows) {
      const std::string name = plainText(row[0].value_or(""));
      if (name.size() >= 3 && (" " + plain + " ").find(" " + name + " ") != std::string::npos &&
          name.size() > company.size())
        company = name;
    }
    // A part of a name is enough: "from aeon".
    std::string said;
    if (company.empty() && RE2::PartialMatch(plain, from, &said)) {
      for (const auto& row : known ? known->rows : RowSet{}.rows) {
        const std::string name = plainText(row[0].value_or(""));
        if (said.size() >= 3 && name.find(said) != std::string::npos) company = said;
      }
      static const RE2 generic("^(?:all|the|receipts?|invoices?|documents?)");
      if (company.empty() && !RE2::PartialMatch(said, generic) && dateAsked(said).empty()) company = said;
    }
  }
  if (!company.empty()) {
    // Compared without marks and blanks: recognition and people set them differently.
    std::string pattern = "%";
    for (const char c : company) {
      if (c != ' ')
        pattern += c;
      else
        pattern += '%';
    }
    f.sql +=
        " AND EXISTS(SELECT 1 FROM field g WHERE g.document_id = d.id AND g.name IN ('company','seller') AND "
        "lower(g.value) LIKE ?)";
    f.parameters.push_back(pattern + "%");
  }
  if (const std::string date = dateAsked(plain); !date.empty()) {
    f.sql += " AND EXISTS(SELECT 1 FROM field g WHERE g.document_id = d.id AND g.name = 'date' AND g.value LIKE ?)";
    f.parameters.push_back(date + "%");
  }
  return f;
}

Lookup run(GuardedDatabase& db, const std::string& sql, std::vector<std::string> parameters) {
  TRY(const auto rows, db.query(sql, parameters));
  if (rows.rows.empty() || !rows.rows[0][0]) return std::nullopt;
  Found found = foundFrom(rows, 0);
  return found;
}

}  // namespace

Lookup byAggregate(GuardedDatabase& db, const std::string& plain, const std::vector<std::string>& quoted_texts) {
  static const RE2 count(
      "how many (?:documents|receipts|invoices|forms|letters|articles|files)|number of "
      "(?:documents|receipts|invoices)");
  static const RE2 average("average|mean\\b");
  static const RE2 most("highest|largest|biggest|maximum|most expensive|\\bmax\\b");
  static const RE2 least("lowest|smallest|minimum|cheapest|\\bmin\\b");
  static const RE2 sum(
      "\\bsum\\b|total of|totals of|how much .*(?:all|together|altogether|spend|spent)|altogether|sum up");
  static const RE2 list("(?:which|list|show|what) (?:all )?(?:the )?(?:documents|receipts|invoices|forms|files)");
  const Filter filter = filterOf(db, plain, quoted_texts);
  if (RE2::PartialMatch(plain, count)) {
    return run(
        db,
        "SELECT count(*) AS answer, count(*) AS normalized, 0.9 AS confidence FROM document d WHERE 1" + filter.sql,
        filter.parameters);
  }
  const bool tax = RE2::PartialMatch(plain, "\\btax|\\bgst\\b|\\bvat\\b");
  std::vector<std::string> parameters = {tax ? "tax" : "total"};
  parameters.insert(parameters.end(), filter.parameters.begin(), filter.parameters.end());
  const std::string from = " FROM field f JOIN document d ON d.id = f.document_id WHERE f.name = ?" + filter.sql;
  if (RE2::PartialMatch(plain, most) || RE2::PartialMatch(plain, least)) {
    const std::string order = RE2::PartialMatch(plain, most) ? "DESC" : "ASC";
    return run(db,
               "SELECT f.value AS answer, f.value AS normalized, f.confidence AS confidence, f.page_no AS page, e.x0 "
               "AS x0, e.y0 AS "
               "y0, e.x1 AS x1, e.y1 AS y1, e.id AS entity, d.name AS document FROM field f JOIN document d ON d.id = "
               "f.document_id "
               "LEFT JOIN entity e ON e.id = f.entity_id WHERE f.name = ?" +
                   filter.sql + " ORDER BY CAST(f.value AS REAL) " + order + " LIMIT 1",
               parameters);
  }
  if (RE2::PartialMatch(plain, average)) {
    return run(
        db,
        "SELECT round(avg(CAST(f.value AS REAL)), 2) AS answer, round(avg(CAST(f.value AS REAL)), 2) AS normalized, "
        "avg(f.confidence) AS confidence" +
            from,
        parameters);
  }
  if (RE2::PartialMatch(plain, sum)) {
    return run(
        db,
        "SELECT round(sum(CAST(f.value AS REAL)), 2) AS answer, round(sum(CAST(f.value AS REAL)), 2) AS normalized, "
        "avg(f.confidence) AS confidence" +
            from,
        parameters);
  }
  if (RE2::PartialMatch(plain, list)) {
    return run(
        db,
        "SELECT group_concat(d.name, '; ') AS answer, '' AS normalized, 0.9 AS confidence FROM document d WHERE 1" +
            filter.sql,
        filter.parameters);
  }
  return std::nullopt;
}

}  // namespace lectern::reader
