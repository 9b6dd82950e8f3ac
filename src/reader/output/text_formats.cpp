#include "reader/output/text_formats.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <map>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "base/xml.h"
#include "reader/page/rows.h"

namespace lectern::reader {

namespace {

bool isWordByte(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || (c & 0x80) != 0; }

/// The text with a backslash before what Markdown would take for its own.
std::string markdown(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool in_word = i > 0 && i + 1 < text.size() && isWordByte(text[i - 1]) && isWordByte(text[i + 1]);
    const char next = i + 1 < text.size() ? text[i + 1] : ' ';
    const bool own = c == '\\' || c == '`' || c == '*' || c == '|' || c == '~' || (c == '_' && !in_word) ||
                     (c == '<' && next != ' ' && next != '=') || (c == ']' && (next == '(' || next == '[')) ||
                     (c == '&' && (next == '#' || isWordByte(next)));
    if (own) out += '\\';
    out += c;
  }
  return out;
}

/// A line of text; at its beginning stands nothing that makes a heading, a quotation or a rule of it.
std::string markdownLine(std::string_view text) {
  const bool rule = !text.empty() && text.find_first_not_of("-=_ ") == std::string_view::npos;
  const bool marked = text.starts_with('#') || text.starts_with('>');
  return (rule || marked ? "\\" : "") + (rule ? std::string(text) : markdown(text));
}

std::string markdownCell(const std::string& text) {
  std::string out = markdown(text);
  std::replace(out.begin(), out.end(), '\n', ' ');
  return out;
}

constexpr size_t kProseChars = 30;      // in a line, on average
constexpr double kProseMargin = 0.12;   // of a block's width: where lines of prose end
constexpr double kProseLines = 0.8;     // share of them that do

/// Prose goes on in the next line; lines of an address, a list or a receipt stand for themselves.
bool flows(const Page& page, const Block& block) {
  if (block.lines.size() < 2) return false;
  size_t characters = 0, full = 0;
  for (size_t i = 0; i < block.lines.size(); ++i) {
    const Line& line = page.lines[static_cast<size_t>(block.lines[i])];
    characters += line.text.size();
    if (i + 1 < block.lines.size() && line.box.x1 >= block.box.x1 - kProseMargin * block.box.width()) ++full;
  }
  return characters >= kProseChars * block.lines.size() &&
         static_cast<double>(full) >= kProseLines * static_cast<double>(block.lines.size() - 1);
}

/// What stands between two blanks of a page's text.
struct Paragraph {
  std::string role;
  std::vector<std::string> lines;
  bool prose = false;
};

Paragraph paragraphOf(const Page& page, const Block& block) {
  Paragraph out{block.role, {}, flows(page, block)};
  for (const int l : block.lines) out.lines.push_back(page.lines[static_cast<size_t>(l)].text);
  return out;
}

/// The blocks' words by the rows they stand in, top to bottom.
std::vector<Paragraph> paragraphsByRow(const Page& page, const std::vector<const Block*>& blocks) {
  constexpr double kParting = 1.3;  // white space between two paragraphs, in heights of a row
  std::vector<int> words;
  for (const auto* block : blocks) {
    for (const int l : block->lines) {
      const auto& line = page.lines[static_cast<size_t>(l)];
      words.insert(words.end(), line.words.begin(), line.words.end());
    }
  }
  std::vector<Paragraph> out;
  const Box* above = nullptr;
  const auto rows = textRows(page, words, {});
  for (const auto& row : rows) {
    if (above == nullptr || row.box.y0 - above->y1 > kParting * row.box.height()) out.push_back({"paragraph", {}, false});
    std::string text;
    for (const auto& segment : row.segments) text += (text.empty() ? "" : " ") + textOf(page, segment.words);
    out.back().lines.push_back(std::move(text));
    above = &row.box;
  }
  return out;
}

/// The paragraph's lines, each through `written`, with `between` where a line ends for good.
template <typename Written>
std::string textOf(const Paragraph& paragraph, Written written, const std::string& between) {
  std::string out;
  for (size_t i = 0; i < paragraph.lines.size(); ++i) {
    if (i > 0) out += paragraph.prose ? "\n" : between;
    out += written(paragraph.lines[i]);
  }
  return out;
}

std::string bbox(const Box& b) { return fmt::format("bbox {} {} {} {}", b.x0, b.y0, b.x1, b.y1); }

std::vector<std::vector<std::string>> gridOf(const Table& table) {
  std::vector<std::vector<std::string>> grid(static_cast<size_t>(table.rows),
                                             std::vector<std::string>(static_cast<size_t>(table.cols)));
  for (const auto& c : table.cells) {
    if (c.row < table.rows && c.col < table.cols)
      grid[static_cast<size_t>(c.row)][static_cast<size_t>(c.col)] = c.text;
  }
  return grid;
}

std::string tableToMarkdown(const Table& table) {
  std::string head = "|", ruler = "|", body;
  const auto grid = gridOf(table);
  for (int c = 0; c < table.cols; ++c) {
    // Every table has a head in Markdown; where none was found it is empty, so that no values pass for one.
    head += table.header_rows > 0 ? ' ' + markdownCell(grid[0][static_cast<size_t>(c)]) + " |" : "  |";
    ruler += " --- |";
  }
  for (size_t r = table.header_rows > 0 ? 1 : 0; r < grid.size(); ++r) {
    body += '|';
    for (const auto& text : grid[r]) body += ' ' + markdownCell(text) + " |";
    body += '\n';
  }
  return head + '\n' + ruler + '\n' + body + '\n';
}

/// A cell of an HTML table; `cell` is null where the table has none, which must be written all the same, or what
/// follows in the row moves to the left.
void htmlCell(const Cell* cell, int rows, int cols, bool head, std::string& out) {
  const char* tag = head ? "th" : "td";
  out += fmt::format("<{}", tag);
  if (rows > 1) out += fmt::format(" rowspan=\"{}\"", rows);
  if (cols > 1) out += fmt::format(" colspan=\"{}\"", cols);
  out += fmt::format(">{}</{}>", cell == nullptr ? "" : escapeXml(cell->text), tag);
}

std::string tableToHtml(const Table& table) {
  std::map<std::pair<int, int>, const Cell*> begins;
  for (const auto& c : table.cells) begins.emplace(std::pair(c.row, c.col), &c);
  std::set<std::pair<int, int>> taken;
  const auto isFree = [&](int r, int c) { return !taken.contains({r, c}) && !begins.contains({r, c}); };
  std::string out = "<table>\n";
  for (int r = 0; r < table.rows; ++r) {
    out += "<tr>";
    for (int c = 0; c < table.cols; ++c) {
      if (taken.contains({r, c})) continue;
      const auto it = begins.find({r, c});
      const Cell* cell = it == begins.end() ? nullptr : it->second;
      // A span ends where another cell begins.
      int cols = 1, rows = 1;
      while (cell != nullptr && cols < cell->col_span && c + cols < table.cols && isFree(r, c + cols)) ++cols;
      const auto rowIsFree = [&](int row) {
        for (int k = c; k < c + cols; ++k) {
          if (!isFree(row, k)) return false;
        }
        return true;
      };
      while (cell != nullptr && rows < cell->row_span && r + rows < table.rows && rowIsFree(r + rows)) ++rows;
      for (int y = r; y < r + rows; ++y) {
        for (int x = c; x < c + cols; ++x) taken.emplace(y, x);
      }
      htmlCell(cell, rows, cols, r < table.header_rows, out);
    }
    out += "</tr>\n";
  }
  return out + "</table>\n";
}

/// The table a block stands in; null when it stands in none.
const Table* tableAround(const Page& page, const Block& block) {
  const Table* inside = nullptr;
  for (const auto& t : page.tables) {
    if (intersect(t.box, block.box).area() * 2 > block.box.area()) inside = &t;
  }
  return inside;
}

/// Calls text(paragraph) or table(table) in reading order: a table stands where its first block would. On receipts rows
/// belong together, whatever columns the page has: a label and its amount.
template <typename OnText, typename OnTable>
void inOrder(const Document& document, const Page& page, OnText text, OnTable table) {
  const bool by_row = document.type == "receipt";
  std::vector<const Block*> waiting;
  const auto flush = [&] {
    for (const auto& paragraph : paragraphsByRow(page, waiting)) text(paragraph);
    waiting.clear();
  };
  std::set<const Table*> shown;
  for (const auto& block : page.blocks) {
    const Table* inside = tableAround(page, block);
    if (inside == nullptr && by_row && block.role != "heading" && !flows(page, block)) {
      waiting.push_back(&block);
      continue;
    }
    if (inside != nullptr && shown.contains(inside)) continue;
    flush();
    if (inside == nullptr) {
      text(paragraphOf(page, block));
    } else {
      shown.insert(inside);
      table(*inside);
    }
  }
  flush();
  for (const auto& t : page.tables) {
    if (shown.insert(&t).second) table(t);
  }
}

}  // namespace

std::string documentToMarkdown(const Document& document) {
  std::string out;
  for (const auto& page : document.pages) {
    inOrder(
        document, page,
        [&](const Paragraph& p) {
          if (p.role == "header" || p.role == "footer") return;
          const bool heading = p.role == "heading";
          out += (heading ? "## " : "") + textOf(p, markdownLine, heading ? " " : "\\\n") + "\n\n";
        },
        [&](const Table& t) { out += tableToMarkdown(t); });
  }
  return out;
}

namespace {
/// The attribute that names the document's language; nothing when it is not known.
std::string language(const Document& document, const char* attribute) {
  return document.language.empty() ? "" : fmt::format(" {}=\"{}\"", attribute, escapeXml(document.language));
}

/// Percent, as Tesseract counts.
long percent(float confidence) { return std::lround(100 * std::clamp(confidence, 0.0f, 1.0f)); }

/// hOCR: slope of the base line and where it passes the left edge, counted from the bottom of the line's box.
std::string baseline(const Line& line) {
  constexpr double kBelowBase = 0.2;  // share of a line's height
  const auto& right = line.quad[2];
  const auto& left = line.quad[3];
  const double width = static_cast<double>(right.x) - left.x;
  const double slope = width > 0 ? (right.y - left.y) / width : 0;
  if (width <= 0 || std::abs(slope) > 1) return fmt::format("baseline 0 {:.0f}", -kBelowBase * line.box.height());
  const double height = std::abs(static_cast<double>(left.y) - line.quad[0].y);
  const double at_left = left.y + slope * (line.box.x0 - left.x) - kBelowBase * height;
  return fmt::format("baseline {:.3f} {:.0f}", slope, at_left - line.box.y1);
}
}  // namespace

std::string documentToHtml(const Document& document) {
  std::string out =
      fmt::format("<!DOCTYPE html>\n<html{}><head><meta charset=\"utf-8\"><title>{}</title>\n<style>table {{ "
                  "border-collapse: collapse }} th, td {{ border: 1px solid; padding: 2px 6px; vertical-align: top }}"
                  "</style></head><body>\n",
                  language(document, "lang"), escapeXml(document.name));
  for (const auto& page : document.pages) {
    out += fmt::format("<section id=\"page{}\">\n", page.number);
    inOrder(
        document, page,
        [&](const Paragraph& p) {
          const std::string text = textOf(p, [](const std::string& t) { return escapeXml(t); }, "<br>\n");
          out += fmt::format("<{0}>{1}</{0}>\n", p.role == "heading" ? "h2" : "p", text);
        },
        [&](const Table& t) { out += tableToHtml(t); });
    out += "</section>\n";
  }
  return out + "</body></html>\n";
}

std::string documentToTsv(const Document& document) {
  std::string out = "level\tpage_num\tblock_num\tpar_num\tline_num\tword_num\tleft\ttop\twidth\theight\tconf\ttext\n";
  const auto row = [&](int level, int page, size_t block, size_t line, size_t word, const Box& b, long confidence,
                       const std::string& text) {
    out += fmt::format("{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\n", level, page, block, level > 2 ? 1 : 0, line,
                       word, b.x0, b.y0, b.width(), b.height(), confidence, text);
  };
  for (const auto& page : document.pages) {
    row(1, page.number, 0, 0, 0, {0, 0, page.width, page.height}, -1, "");
    for (size_t b = 0; b < page.blocks.size(); ++b) {
      const Block& block = page.blocks[b];
      row(2, page.number, b + 1, 0, 0, block.box, -1, "");
      row(3, page.number, b + 1, 0, 0, block.box, -1, "");
      for (size_t l = 0; l < block.lines.size(); ++l) {
        const Line& line = page.lines[static_cast<size_t>(block.lines[l])];
        row(4, page.number, b + 1, l + 1, 0, line.box, -1, "");
        for (size_t w = 0; w < line.words.size(); ++w) {
          const Word& word = page.words[static_cast<size_t>(line.words[w])];
          row(5, page.number, b + 1, l + 1, w + 1, word.box, percent(word.confidence), word.text);
        }
      }
    }
  }
  return out;
}

std::string documentToHocr(const Document& document) {
  std::string out = fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!DOCTYPE html PUBLIC \"-//W3C//DTD XHTML 1.0 Transitional//EN\" "
      "\"http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd\">\n<html xmlns=\"http://www.w3.org/1999/xhtml\"{}{}>\n"
      "<head>\n<title>{}</title>\n<meta http-equiv=\"Content-Type\" content=\"text/html;charset=utf-8\"/>\n<meta "
      "name=\"ocr-system\" content=\"lectern\"/>\n<meta name=\"ocr-capabilities\" content=\"ocr_page ocr_carea ocr_par "
      "ocr_line ocrx_word\"/>\n</head>\n<body>\n",
      language(document, "xml:lang"), language(document, "lang"), escapeXml(document.name));
  for (const auto& page : document.pages) {
    const std::string resolution = page.dpi > 0 ? fmt::format("; scan_res {0} {0}", page.dpi) : "";
    out += fmt::format(
        "<div class=\"ocr_page\" id=\"page_{}\" title=\"image &quot;{}&quot;; bbox 0 0 {} {}; ppageno {}{}\">\n",
        page.number, escapeXml(document.name), page.width, page.height, page.number - 1, resolution);
    for (const auto& block : page.blocks) {
      out += fmt::format("<div class=\"ocr_carea\" id=\"{}\" title=\"{}\"><p class=\"ocr_par\" title=\"{}\">\n",
                         block.id, bbox(block.box), bbox(block.box));
      for (const int l : block.lines) {
        const Line& line = page.lines[static_cast<size_t>(l)];
        out += fmt::format("<span class=\"ocr_line\" id=\"{}\" title=\"{}; {}; x_size {}\">", line.id, bbox(line.box),
                           baseline(line), line.box.height());
        for (const int w : line.words) {
          const Word& word = page.words[static_cast<size_t>(w)];
          out += fmt::format("<span class=\"ocrx_word\" id=\"{}\" title=\"{}; x_wconf {}\">{}</span> ", word.id,
                             bbox(word.box), percent(word.confidence), escapeXml(word.text));
        }
        out += "</span>\n";
      }
      out += "</p></div>\n";
    }
    out += "</div>\n";
  }
  return out + "</body>\n</html>\n";
}

}  // namespace lectern::reader
