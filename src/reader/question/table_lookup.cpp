#include <algorithm>
#include <cstdlib>
#include <map>

#include "reader/question/lexicon.h"
#include "reader/question/lookup.h"

namespace lectern::reader {

namespace {

struct CellRow {
  std::string id, text;
  int table = 0, row = 0, col = 0, col_span = 1;
  bool header = false;
};

/// Characters of the name that the question holds as a phrase; 0 when it does not. Names of one letter count for
/// nothing: they are found everywhere.
double heldBy(const std::string& question, const std::string& name) {
  if (name.size() < 2) return 0;
  const size_t at = (" " + question + " ").find(" " + name + " ");
  if (at != std::string::npos) return static_cast<double>(name.size());
  // All words of a longer name, each nearly.
  const auto asked = tokensOf(question), want = tokensOf(name);
  if (want.size() < 2) {
    for (const auto& a : asked) {
      if (a.size() >= 5 && likeness(a, name) >= 0.84) return 0.9 * static_cast<double>(name.size());
    }
    return 0;
  }
  size_t hits = 0;
  for (const auto& w : want) {
    hits += std::any_of(asked.begin(), asked.end(),
                        [&](const std::string& a) { return a == w || (w.size() >= 4 && likeness(a, w) >= 0.8); })
                ? 1
                : 0;
  }
  return hits * 10 >= want.size() * 8 ? 0.8 * static_cast<double>(name.size()) : 0;
}

std::vector<CellRow> cellsFrom(const RowSet& rows) {
  std::vector<CellRow> out;
  const auto number = [](const std::optional<std::string>& s) {
    return static_cast<int>(std::strtol(s.value_or("0").c_str(), nullptr, 10));
  };
  for (const auto& r : rows.rows) {
    out.push_back({r[0].value_or(""), r[1].value_or(""), number(r[2]), number(r[3]), number(r[4]),
                   std::max(1, number(r[5])), number(r[6]) != 0});
  }
  return out;
}

}  // namespace

Lookup byTableCell(GuardedDatabase& db, const std::string& document, const std::string& plain) {
  TRY(const auto rows,
      db.query("SELECT c.id, c.text, c.table_id, c.row, c.col, c.col_span, c.is_header FROM cell c JOIN entity e ON "
               "e.id = c.id JOIN page p ON p.id = e.page_id JOIN document d ON d.id = p.document_id WHERE d.name = ? "
               "AND c.text <> '' ORDER BY c.table_id, c.row, c.col",
               {document}));
  const auto cells = cellsFrom(rows);
  // Scores of row labels and column headings, then the cell where the best two cross.
  std::map<std::pair<int, int>, double> row_score, col_score;
  for (const auto& c : cells) {
    const double held = heldBy(plain, plainText(c.text));
    if (held <= 0) continue;
    if (c.col == 0 && !c.header) {
      auto& s = row_score[{c.table, c.row}];
      s = std::max(s, held);
    }
    if (c.header || c.row == 0) {
      for (int k = c.col; k < c.col + c.col_span; ++k) col_score[{c.table, k}] += held;
    }
  }
  const CellRow* best = nullptr;
  double best_score = 0;
  std::map<int, int> columns;
  for (const auto& c : cells) columns[c.table] = std::max(columns[c.table], c.col + c.col_span);
  for (const auto& c : cells) {
    if (c.header || c.col == 0) continue;
    const auto row = row_score.find({c.table, c.row});
    if (row == row_score.end()) continue;
    const auto col = col_score.find({c.table, c.col});
    // In a table of two columns the row alone says it.
    if (col == col_score.end() && columns[c.table] != 2) continue;
    const double score = row->second + (col == col_score.end() ? 0 : col->second);
    if (score <= best_score) continue;
    best_score = score;
    best = &c;
  }
  if (best == nullptr || best_score < 4) return std::nullopt;
  TRY(const auto found,
      db.query("SELECT c.text AS answer, '' AS normalized, 0.8 AS confidence, e.x0 AS x0, e.y0 AS y0, e.x1 AS x1, "
               "e.y1 AS y1, e.id AS entity, p.no AS page, d.name AS document FROM cell c JOIN entity e ON e.id = "
               "c.id JOIN page p ON p.id = e.page_id JOIN document d ON d.id = p.document_id WHERE d.name = ? AND "
               "c.table_id = ? AND c.row = ? AND c.col = ?",
               {document, std::to_string(best->table), std::to_string(best->row), std::to_string(best->col)}));
  if (found.rows.empty()) return std::nullopt;
  return foundFrom(found, 0);
}

}  // namespace lectern::reader
