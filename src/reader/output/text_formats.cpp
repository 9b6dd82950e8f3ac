#include "reader/output/text_formats.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <vector>

#include "base/xml.h"

namespace lectern::reader {

namespace {

std::string markdownCell(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '|') out += '\\';
    out += c == '\n' ? ' ' : c;
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
  std::string out;
  const auto grid = gridOf(table);
  for (size_t r = 0; r < grid.size(); ++r) {
    out += '|';
    for (const auto& text : grid[r]) out += ' ' + markdownCell(text) + " |";
    out += '\n';
    if (r == 0) {
      out += '|';
      for (size_t c = 0; c < grid[r].size(); ++c) out += " --- |";
      out += '\n';
    }
  }
  return out + '\n';
}

std::string tableToHtml(const Table& table) {
  std::string out = "<table border=\"1\">\n";
  for (int r = 0; r < table.rows; ++r) {
    out += "<tr>";
    for (const auto& c : table.cells) {
      if (c.row != r) continue;
      const char* tag = r < table.header_rows ? "th" : "td";
      out += fmt::format("<{}", tag);
      if (c.row_span > 1) out += fmt::format(" rowspan=\"{}\"", c.row_span);
      if (c.col_span > 1) out += fmt::format(" colspan=\"{}\"", c.col_span);
      out += fmt::format(">{}</{}>", escapeXml(c.text), tag);
    }
    out += "</tr>\n";
  }
  return out + "</table>\n";
}

/// Calls text(block) or table(table) in reading order: a table stands where its first block would.
template <typename OnText, typename OnTable>
void inOrder(const Page& page, OnText text, OnTable table) {
  std::set<const Table*> shown;
  for (const auto& block : page.blocks) {
    const Table* inside = nullptr;
    for (const auto& t : page.tables) {
      if (intersect(t.box, block.box).area() * 2 > block.box.area()) inside = &t;
    }
    if (inside == nullptr) {
      text(block);
    } else if (shown.insert(inside).second) {
      table(*inside);
    }
  }
  for (const auto& t : page.tables) {
    if (shown.insert(&t).second) table(t);
  }
}

}  // namespace

std::string documentToMarkdown(const Document& document) {
  std::string out;
  for (const auto& page : document.pages) {
    inOrder(
        page,
        [&](const Block& b) {
          if (b.role == "header" || b.role == "footer") return;
          if (b.role == "heading") out += "## ";
          for (const char c : b.text) out += b.role == "heading" && c == '\n' ? ' ' : c;
          out += "\n\n";
        },
        [&](const Table& t) { out += tableToMarkdown(t); });
  }
  return out;
}

std::string documentToHtml(const Document& document) {
  std::string out =
      fmt::format("<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\"><title>{}</title></head><body>\n",
                  escapeXml(document.name));
  for (const auto& page : document.pages) {
    out += fmt::format("<section id=\"page{}\">\n", page.number);
    inOrder(
        page,
        [&](const Block& b) {
          std::string text;
          for (const char c : escapeXml(b.text)) text += c == '\n' ? std::string("<br>\n") : std::string(1, c);
          const char* tag = b.role == "heading" ? "h2" : "p";
          out += fmt::format("<{0}>{1}</{0}>\n", tag, text);
        },
        [&](const Table& t) { out += tableToHtml(t); });
    out += "</section>\n";
  }
  return out + "</body></html>\n";
}

std::string documentToTsv(const Document& document) {
  std::string out = "level\tpage_num\tblock_num\tpar_num\tline_num\tword_num\tleft\ttop\twidth\theight\tconf\ttext\n";
  const auto row = [&](int level, int page, size_t block, size_t line, size_t word, const Box& b, int confidence,
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
          row(5, page.number, b + 1, l + 1, w + 1, word.box, static_cast<int>(word.confidence * 100), word.text);
        }
      }
    }
  }
  return out;
}

std::string documentToHocr(const Document& document) {
  std::string out =
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!DOCTYPE html PUBLIC \"-//W3C//DTD XHTML 1.0 Transitional//EN\" "
      "\"http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd\">\n<html xmlns=\"http://www.w3.org/1999/xhtml\" "
      "xml:lang=\"en\" lang=\"en\">\n<head>\n<title></title>\n<meta http-equiv=\"Content-Type\" content=\"text/html;"
      "charset=utf-8\"/>\n<meta name=\"ocr-system\" content=\"lectern\"/>\n<meta name=\"ocr-capabilities\" "
      "content=\"ocr_page ocr_carea ocr_par ocr_line ocrx_word\"/>\n</head>\n<body>\n";
  for (const auto& page : document.pages) {
    out += fmt::format(
        "<div class=\"ocr_page\" id=\"page_{}\" title=\"image &quot;{}&quot;; bbox 0 0 {} {}; ppageno {}\">\n",
        page.number, escapeXml(document.name), page.width, page.height, page.number - 1);
    for (const auto& block : page.blocks) {
      out += fmt::format("<div class=\"ocr_carea\" id=\"{}\" title=\"{}\"><p class=\"ocr_par\" title=\"{}\">\n",
                         block.id, bbox(block.box), bbox(block.box));
      for (const int l : block.lines) {
        const Line& line = page.lines[static_cast<size_t>(l)];
        out += fmt::format("<span class=\"ocr_line\" id=\"{}\" title=\"{}; x_size {}\">", line.id, bbox(line.box),
                           line.box.height());
        for (const int w : line.words) {
          const Word& word = page.words[static_cast<size_t>(w)];
          out += fmt::format("<span class=\"ocrx_word\" id=\"{}\" title=\"{}; x_wconf {}\">{}</span> ", word.id,
                             bbox(word.box), static_cast<int>(word.confidence * 100), escapeXml(word.text));
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
