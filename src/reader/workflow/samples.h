#pragma once
// Made-up till receipts of two shops for the tests of this folder.

#include <string>
#include <vector>

#include "reader/page/page.h"

namespace lectern::reader {

struct Row {
  int y;
  std::vector<std::pair<int, std::string>> pieces;  // x, words
};

/// A page of rows; letters are 10 wide and 20 high. Words that are amounts become values.
inline Document documentOf(const std::string& name, const std::vector<Row>& rows) {
  Document d;
  d.name = name;
  d.sha256 = name;
  Page page;
  page.width = 600;
  page.height = 800;
  for (const auto& row : rows) {
    for (const auto& [x, text] : row.pieces) {
      Line line;
      int at = x;
      for (size_t begin = 0; begin < text.size();) {
        const size_t end = std::min(text.find(' ', begin), text.size());
        Word word;
        word.text = text.substr(begin, end - begin);
        word.box = {at, row.y, at + 10 * static_cast<int>(word.text.size()), row.y + 20};
        word.line = static_cast<int>(page.lines.size());
        line.words.push_back(static_cast<int>(page.words.size()));
        line.box = unite(line.box, word.box);
        if (word.text.size() > 3 && word.text[word.text.size() - 3] == '.')
          page.values.push_back({"",
                                 word.text,
                                 "decimal",
                                 "amount",
                                 word.text,
                                 "",
                                 "",
                                 Checksum::kNone,
                                 0.9f,
                                 {static_cast<int>(page.words.size())}});
        at = word.box.x1 + 8;
        begin = end + 1;
        page.words.push_back(std::move(word));
      }
      line.text = text;
      line.quad = quadOf(line.box);
      line.block = static_cast<int>(page.blocks.size());
      page.blocks.push_back({"", text, line.box, {static_cast<int>(page.lines.size())}, "paragraph"});
      page.lines.push_back(std::move(line));
    }
  }
  d.pages = {std::move(page)};
  assignIds(d);
  return d;
}

inline Document tillReceipt(const std::string& name, const std::string& cashier, const std::string& total, int items) {
  std::vector<Row> rows = {{20, {{150, "Harbour Stationery Limited"}}},
                           {50, {{180, "Quay Street Port Lindon"}}},
                           {110, {{40, "Cashier:"}, {300, cashier}}},
                           {140, {{40, "Member"}, {300, "none"}}}};
  int y = 200;
  for (int i = 0; i < items; ++i, y += 30) rows.push_back({y, {{40, "Paper"}, {300, std::to_string(2 + i) + ".10"}}});
  rows.push_back({y + 20, {{40, "Amount due"}, {300, total}}});
  rows.push_back({y + 80, {{150, "Thank you come again"}}});
  return documentOf(name, rows);
}

inline Document cafeBill(const std::string& name) {
  return documentOf(name, {{20, {{60, "Blue Door Cafe"}}},
                           {80, {{60, "Table seven"}, {400, "Waiter Ann"}}},
                           {140, {{60, "Espresso"}, {420, "2.40"}}},
                           {170, {{60, "Croissant"}, {420, "3.10"}}},
                           {230, {{60, "Sum"}, {420, "5.50"}}},
                           {300, {{60, "Visit bluedoor example"}}}});
}

}  // namespace lectern::reader
