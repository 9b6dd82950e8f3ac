#include "reader/question/lookup.h"

#include <re2/re2.h>

#include <algorithm>
#include <cstdlib>

#include "reader/question/lexicon.h"

namespace lectern::reader {

namespace {

constexpr const char* kPlace =
    " e.x0 AS x0, e.y0 AS y0, e.x1 AS x1, e.y1 AS y1, e.id AS entity, p.no AS page, d.name AS document ";

std::string columnOf(const RowSet& rows, size_t row, const std::string& name) {
  for (size_t c = 0; c < rows.columns.size(); ++c) {
    if (rows.columns[c] == name) return rows.rows[row][c].value_or("");
  }
  return "";
}

int intOf(const std::string& text) { return static_cast<int>(std::strtol(text.c_str(), nullptr, 10)); }

}  // namespace

Found foundFrom(const RowSet& rows, size_t row) {
  Found found;
  Answer& a = found.answer;
  a.answer = columnOf(rows, row, "answer");
  a.normalized = columnOf(rows, row, "normalized");
  const std::string confidence = columnOf(rows, row, "confidence");
  a.confidence = confidence.empty() ? 0.5 : std::strtod(confidence.c_str(), nullptr);
  a.sql = rows.sql;
  a.document = columnOf(rows, row, "document");
  a.page = intOf(columnOf(rows, row, "page"));
  if (!columnOf(rows, row, "x0").empty()) {
    a.box = Box{intOf(columnOf(rows, row, "x0")), intOf(columnOf(rows, row, "y0")), intOf(columnOf(rows, row, "x1")),
                intOf(columnOf(rows, row, "y1"))};
  }
  found.entity = std::strtoll(columnOf(rows, row, "entity").c_str(), nullptr, 10);
  return found;
}

Lookup byField(GuardedDatabase& db, const std::string& document, const std::string& field) {
  const std::string printed = field.starts_with("date") ? "f.text" : "f.value";
  TRY(const auto rows,
      db.query("SELECT " + printed +
                   " AS answer, f.value AS normalized, f.confidence AS confidence, f.page_no AS page, "
                   "e.x0 AS x0, e.y0 AS y0, e.x1 AS x1, e.y1 AS y1, e.id AS entity, d.name AS document "
                   "FROM field f JOIN document d ON d.id = f.document_id LEFT JOIN entity e ON e.id = f.entity_id "
                   "WHERE d.name = ? AND f.name = ? ORDER BY f.confidence DESC LIMIT 1",
               {document, field}));
  if (rows.rows.empty()) return std::nullopt;
  return foundFrom(rows, 0);
}

Lookup byTaughtField(GuardedDatabase& db, const std::string& document, const std::string& subject) {
  TRY(const auto known,
      db.query("SELECT count(*) FROM sqlite_master WHERE name='extraction'"));  // not in files of the first schema
  if (subject.empty() || known.rows[0][0] == "0") return std::nullopt;
  TRY(const auto names, db.query("SELECT x.field FROM extraction x JOIN document d ON d.id = x.document_id WHERE "
                                 "d.name = ?",
                                 {document}));
  for (const auto& row : names.rows) {
    const std::string name = row[0].value_or("");
    if (likeness(plainText(name), subject) > 0.85) return byField(db, document, name);
  }
  return std::nullopt;
}

namespace {

/// How alike a key and a subject are; "brand name" is asked for as "brand".
double keyLikeness(const std::string& key, const std::string& subject) {
  static const RE2 suffix(" (?:name|number|no|nr|id|code|title)$");
  const double whole = likeness(key, subject);
  std::string stem = key;
  if (subject.size() < 4 || !RE2::Replace(&stem, suffix, "")) return whole;
  return std::max(whole, 0.9 * likeness(stem, subject));
}

}  // namespace

Lookup byKey(GuardedDatabase& db, const std::string& document, const std::string& subject, double least) {
  if (subject.empty()) return std::nullopt;
  TRY(const auto keys,
      db.query("SELECT k.id, k.key FROM key_value k JOIN page p ON p.id = k.page_id JOIN document d ON "
               "d.id = p.document_id WHERE d.name = ?",
               {document}));
  double best = least;
  std::string id;
  for (const auto& row : keys.rows) {
    const double like = keyLikeness(plainText(row[1].value_or("")), subject);
    if (like <= best) continue;
    best = like;
    id = row[0].value_or("");
  }
  if (id.empty()) return std::nullopt;
  TRY(const auto rows,
      db.query("SELECT k.value AS answer, '' AS normalized, k.confidence AS confidence," + std::string(kPlace) +
                   "FROM key_value k JOIN page p ON p.id = k.page_id JOIN document d ON d.id = p.document_id "
                   "LEFT JOIN entity e ON e.id = k.value_entity WHERE d.name = ? AND k.id = ?",
               {document, id}));
  if (rows.rows.empty()) return std::nullopt;
  Found found = foundFrom(rows, 0);
  found.answer.confidence *= best;
  return found;
}

namespace {

struct Line {
  std::string id;
  std::string text;
};

/// The line that is or begins with something like the text.
Result<std::optional<Line>> anchorLine(GuardedDatabase& db, const std::string& document, const std::string& anchor) {
  TRY(const auto rows, db.query("SELECT id, text FROM v_lines WHERE document = ?", {document}));
  const std::string want = plainText(anchor);
  std::optional<Line> best;
  double best_like = 0.74;
  for (const auto& row : rows.rows) {
    const std::string text = plainText(row[1].value_or(""));
    double like = likeness(text, want);
    if (text.size() > want.size() && !want.empty()) {
      like = std::max(like, 0.97 * likeness(text.substr(0, want.size()), want));
      if (text.find(want) != std::string::npos) like = std::max(like, 0.9);
    }
    if (like <= best_like) continue;
    best_like = like;
    best = Line{row[0].value_or(""), row[1].value_or("")};
  }
  return best;
}

/// The line of the last answer: its own, its word's, or of several that a field stands on the one at the wanted end.
Result<std::string> lineOf(GuardedDatabase& db, int64_t entity, bool first) {
  TRY(const auto of,
      db.query("SELECT coalesce((SELECT line_id FROM word WHERE id = ?1), (SELECT id FROM line WHERE id = ?1), "
               "(SELECT l.id FROM line l JOIN entity e ON e.id = l.id JOIN entity f ON f.page_id = e.page_id WHERE "
               "f.id = CAST(?1 AS INTEGER) AND (e.y0 + e.y1) / 2 BETWEEN f.y0 AND f.y1 AND e.x0 < f.x1 AND e.x1 > f.x0 "
               "ORDER BY " +
                   std::string(first ? "e.y0" : "e.y1 DESC") + " LIMIT 1), ?1)",
               {std::to_string(entity)}));
  return of.rows.empty() ? std::string() : of.rows[0][0].value_or("");
}

}  // namespace

Lookup byDirection(GuardedDatabase& db, const std::string& document, const std::string& plain,
                   const std::optional<std::string>& anchor, const Memory& memory) {
  static const RE2 pattern(
      "(?:to the )?\\b(right of|left of|below|beneath|above|next to|beside|right|left|underneath)\\b(.*)$");
  std::string direction, rest;
  if (!RE2::PartialMatch(plain, pattern, &direction, &rest)) return std::nullopt;
  const std::string kind = direction.starts_with("left")                                                 ? "left_of"
                           : direction == "above"                                                        ? "above"
                           : direction == "below" || direction == "beneath" || direction == "underneath" ? "below"
                                                                                                         : "right_of";
  std::string line;
  const std::string named = anchor ? *anchor : subjectOf(plainText(rest));
  if (named.empty() || named == "it" || named == "that") {
    if (memory.entity == 0) return std::nullopt;
    TRY(line, lineOf(db, memory.entity, kind == "above"));
  } else {
    TRY(const auto found, anchorLine(db, document, named));
    if (!found) return std::nullopt;
    line = found->id;
  }
  // "a right_of b": a is what is asked for, b the anchor.
  TRY(const auto rows,
      db.query("SELECT l.text AS answer, '' AS normalized, 0.8 AS confidence," + std::string(kPlace) +
                   "FROM relation r JOIN line l ON l.id = r.a JOIN entity e ON e.id = l.id JOIN page p ON p.id = "
                   "e.page_id JOIN document d ON d.id = p.document_id WHERE r.b = CAST(? AS INTEGER) AND r.rel = ? "
                   "ORDER BY r.distance LIMIT 1",
               {line, kind}));
  if (rows.rows.empty()) return std::nullopt;
  return foundFrom(rows, 0);
}

Lookup byCount(GuardedDatabase& db, const std::string& document, const std::string& plain) {
  static const RE2 pattern(
      "how many (pages?|words?|lines?|blocks?|tables?|boxes|checkboxes|sentences?|cells?|rules?)\\b");
  std::string what;
  if (!RE2::PartialMatch(plain, pattern, &what)) return std::nullopt;
  std::string sql;
  std::vector<std::string> parameters = {document};
  if (what.starts_with("page")) {
    sql =
        "SELECT n_pages AS answer, n_pages AS normalized, 1.0 AS confidence, name AS document FROM document WHERE "
        "name = ?";
  } else {
    const bool boxes = what == "boxes" || what == "checkboxes";
    if (!boxes && what.back() == 's') what.pop_back();
    sql =
        "SELECT count(*) AS answer, count(*) AS normalized, 0.9 AS confidence, d.name AS document FROM entity e JOIN "
        "page p ON "
        "p.id = e.page_id JOIN document d ON d.id = p.document_id WHERE d.name = ? AND e.kind = ?";
    if (what == "checkboxes") sql += " AND e.id IN (SELECT id FROM box WHERE is_checkbox = 1)";
    parameters.push_back(boxes ? "box" : what);
  }
  TRY(const auto rows, db.query(sql, parameters));
  if (rows.rows.empty()) return std::nullopt;
  return foundFrom(rows, 0);
}

Lookup byType(GuardedDatabase& db, const std::string& document, const std::string& plain) {
  static const RE2 kind(
      "(?:what|which) (?:kind|type|sort) of (?:document|paper|page)|document type|type of (?:the |this )?document");
  if (RE2::PartialMatch(plain, kind)) {
    TRY(const auto rows,
        db.query("SELECT type AS answer, type AS normalized, type_confidence AS confidence, name AS document FROM "
                 "document WHERE name = ? AND type <> ''",
                 {document}));
    if (rows.rows.empty()) return std::nullopt;
    return foundFrom(rows, 0);
  }
  static const RE2 list(
      "(?:list|which|what are|show|all)\\b.*\\b(dates|times|amounts|percentages|numbers|emails|e mails|phone "
      "numbers|ibans|urls|codes)\\b");
  std::string what;
  if (!RE2::PartialMatch(plain, list, &what)) return std::nullopt;
  static const std::vector<std::pair<std::string, std::string>> kinds = {
      {"dates", "s.semantic_type = 'date'"},
      {"times", "s.semantic_type = 'time'"},
      {"amounts", "s.semantic_type = 'amount'"},
      {"percentages", "s.simple_type = 'percent'"},
      {"numbers", "s.simple_type IN ('integer','decimal')"},
      {"emails", "s.semantic_type = 'email'"},
      {"e mails", "s.semantic_type = 'email'"},
      {"phone numbers", "s.semantic_type = 'phone'"},
      {"ibans", "s.semantic_type = 'iban'"},
      {"urls", "s.semantic_type = 'url'"},
      {"codes", "s.simple_type = 'alphanumeric_code'"}};
  for (const auto& [name, condition] : kinds) {
    if (name != what) continue;
    TRY(const auto rows,
        db.query("SELECT s.text AS answer, s.normalized AS normalized, e.confidence AS confidence," +
                     std::string(kPlace) +
                     "FROM span s JOIN entity e ON e.id = s.id JOIN page p ON p.id = e.page_id JOIN document d ON "
                     "d.id = p.document_id WHERE d.name = ? AND " +
                     condition + " ORDER BY e.z_order LIMIT 50",
                 {document}));
    if (rows.rows.empty()) return std::nullopt;
    Found found = foundFrom(rows, 0);
    for (size_t i = 1; i < rows.rows.size(); ++i) {
      const Found more = foundFrom(rows, i);
      *found.answer.answer += "; " + more.answer.answer.value_or("");
      found.answer.normalized += "; " + more.answer.normalized;
    }
    return found;
  }
  return std::nullopt;
}

Lookup bySearch(GuardedDatabase& db, const std::string& document, const std::string& text) {
  if (text.size() < 3) return std::nullopt;
  std::string phrase = "\"";
  for (const char c : text) phrase += c == '"' ? std::string("\"\"") : std::string(1, c);
  phrase += '"';
  TRY(const auto rows,
      db.query("SELECT l.text AS answer, '' AS normalized, 0.8 AS confidence," + std::string(kPlace) +
                   "FROM text_search t JOIN line l ON l.id = t.rowid JOIN entity e ON e.id = l.id JOIN page p ON p.id "
                   "= e.page_id JOIN document d ON d.id = p.document_id WHERE text_search MATCH ? AND d.name = ? "
                   "ORDER BY e.z_order LIMIT 1",
               {phrase, document}));
  if (rows.rows.empty()) return std::nullopt;
  return foundFrom(rows, 0);
}

}  // namespace lectern::reader
