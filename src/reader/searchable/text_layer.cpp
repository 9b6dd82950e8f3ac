#include "reader/searchable/text_layer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

namespace lectern::reader {

namespace {

constexpr double kGlyphEms = 0.5;     // width of every glyph
constexpr double kBelowBase = 0.2;    // share of a line that stands below its base line
constexpr double kLevelSlope = 0.003;  // below this a line counts as level: a pixel in a page's width
constexpr double kLeastSpace = 0.25;  // line heights: readers of PDFs join words that stand closer
constexpr double kSteepSlope = 0.5;    // above this the quad is no tilted line

/// UTF-16BE as hexadecimal digits.
struct Codes {
  std::string hex;
  int units = 0;

  void put(uint32_t unit) {
    hex += fmt::format("{:04X}", unit);
    ++units;
  }
};

Codes utf16(const std::string& text) {
  Codes out;
  for (size_t i = 0; i < text.size();) {
    const auto c = static_cast<unsigned char>(text[i]);
    const size_t length = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
    uint32_t code = length == 1 ? c : c & (0xffu >> (length + 1));
    for (size_t k = 1; k < length && i + k < text.size(); ++k)
      code = code << 6 | (static_cast<unsigned char>(text[i + k]) & 0x3fu);
    i += length;
    if (code < 0x10000) {
      out.put(code);
    } else {
      out.put(0xd800 + ((code - 0x10000) >> 10));
      out.put(0xdc00 + ((code - 0x10000) & 0x3ff));
    }
  }
  return out;
}

/// A line as it stands on the page: how tall it is across, and the lower edge it runs along.
struct Stand {
  double height = 0, slope = 0;
  Point corner;  // bottom left
};

Stand standOf(const Line& line) {
  const auto& [top_left, top_right, bottom_right, bottom_left] = line.quad;
  const double along = (top_right.x - top_left.x + bottom_right.x - bottom_left.x) / 2.0;
  const double down = (top_right.y - top_left.y + bottom_right.y - bottom_left.y) / 2.0;
  const double height = std::hypot(bottom_left.x - top_left.x, bottom_left.y - top_left.y);
  if (along > 0 && height > 0 && std::abs(down) > kLevelSlope * along && std::abs(down) < kSteepSlope * along)
    return {height, down / along, bottom_left};
  return {std::max(1.0, static_cast<double>(line.box.height())), 0,
          {static_cast<float>(line.box.x0), static_cast<float>(line.box.y1)}};
}

/// How far above the page's lower edge a word's base line is: the line's, under the middle of the word.
double baseOf(const Word& word, const Stand& line, int page_height) {
  const double edge = line.corner.y + (word.box.centerX() - line.corner.x) * line.slope;
  return page_height - (edge - kBelowBase * line.height);
}

void show(std::string& out, const std::string& font, const Codes& codes, double size, double length) {
  const double natural = kGlyphEms * size * codes.units;
  out += fmt::format("/{} {:.2f} Tf {:.2f} Tz <{}> Tj\n", font, size, 100 * length / natural, codes.hex);
}

void put16(std::string& out, int value) {
  out += static_cast<char>(value >> 8 & 0xff);
  out += static_cast<char>(value & 0xff);
}
void put32(std::string& out, uint32_t value) {
  put16(out, static_cast<int>(value >> 16));
  put16(out, static_cast<int>(value & 0xffff));
}
std::string shorts(std::initializer_list<int> values) {
  std::string out;
  for (const int v : values) put16(out, v);
  return out;
}
uint32_t checksumOf(const std::string& table) {
  uint32_t sum = 0;
  for (size_t i = 0; i < table.size(); ++i)
    sum += static_cast<uint32_t>(static_cast<unsigned char>(table[i])) << (24 - 8 * (i % 4));
  return sum;
}

}  // namespace

Matrix ontoPage(const Area& area, int turned, double width, double height) {
  switch (turned) {
    case 90:
      return {0, area.height() / width, -area.width() / height, 0, area.x1, area.y0};
    case 180:
      return {-area.width() / width, 0, 0, -area.height() / height, area.x1, area.y1};
    case 270:
      return {0, -area.height() / width, area.width() / height, 0, area.x0, area.y1};
    default:
      return {area.width() / width, 0, 0, area.height() / height, area.x0, area.y0};
  }
}

std::string toPdf(const Matrix& m) {
  return fmt::format("{:.6f} {:.6f} {:.6f} {:.6f} {:.3f} {:.3f}", m[0], m[1], m[2], m[3], m[4], m[5]);
}

std::string textLayer(const Page& page, const Matrix& matrix, const std::string& font) {
  std::string out = "q " + toPdf(matrix) + " cm BT 3 Tr\n";
  for (const auto& block : page.blocks) {
    for (const int l : block.lines) {
      const Line& line = page.lines[static_cast<size_t>(l)];
      const Stand stand = standOf(line);
      std::vector<const Word*> words;
      for (const int w : line.words) {
        const Word& word = page.words[static_cast<size_t>(w)];
        if (!word.text.empty() && !word.box.empty()) words.push_back(&word);
      }
      const double least = kLeastSpace * stand.height;
      for (size_t i = 0; i < words.size(); ++i) {
        const Word& word = *words[i];
        const bool last = i + 1 == words.size();
        double room = last ? 0 : words[i + 1]->box.x0 - word.box.x0;
        if (room <= least) room = word.box.width() + least;  // the next word stands before this one, or there is none
        // Recognised boxes may touch: the space between two words is taken from the first one then.
        const double length = std::min<double>(word.box.width(), std::max(room / 2, room - least));
        out += fmt::format("1 0 0 1 {} {:.1f} Tm ", word.box.x0, baseOf(word, stand, page.height));
        show(out, font, utf16(word.text), stand.height, length);
        if (!last) show(out, font, utf16(" "), stand.height, room - length);
      }
    }
  }
  return out + "ET Q\n";
}

std::string glyphlessFont() {
  // Glyph 0 and glyph 1 are both empty; a glyph is ten bytes of header and no instructions.
  const std::vector<std::pair<std::string, std::string>> tables = {
      {"glyf", std::string(12, '\0')},
      // Version, revision, check sum, magic number, flags, units per em, dates, bounds, style, smallest size, direction,
      // short offsets, format.
      {"head", shorts({1, 0, 1, 0, 0, 0, 0x5f0f, 0x3cf5, 0, 1000, 0, 0, 0, 0, 0, 0, 0, 0, 0, -200, 500, 800, 0, 8, 2, 0, 0})},
      {"hhea", shorts({1, 0, 800, -200, 0, 500, 0, 0, 500, 1, 0, 0, 0, 0, 0, 0, 0, 1})},
      {"hmtx", shorts({500, 0, 0})},
      {"loca", shorts({0, 0, 6})},
      {"maxp", shorts({1, 0, 2, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0})},
  };
  std::string directory = shorts({1, 0, static_cast<int>(tables.size()), 64, 2, 32}), body;
  const size_t start = directory.size() + 16 * tables.size();
  for (const auto& [name, table] : tables) {
    directory += name;
    put32(directory, checksumOf(table));
    put32(directory, static_cast<uint32_t>(start + body.size()));
    put32(directory, static_cast<uint32_t>(table.size()));
    body += table + std::string((4 - table.size() % 4) % 4, '\0');
  }
  return directory + body;
}

std::string everythingToOneGlyph() {
  std::string map;
  for (int code = 0; code < 0x10000; ++code) put16(map, 1);
  return map;
}

std::string codesAreUnicode() {
  std::string map =
      "/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CIDSystemInfo << /Registry (Adobe) /Ordering "
      "(UCS) /Supplement 0 >> def /CMapName /Adobe-Identity-UCS def /CMapType 2 def 1 begincodespacerange <0000> "
      "<FFFF> endcodespacerange\n";
  // A range may not pass the end of a block of 256, and a list of ranges has at most 100.
  for (int block = 0; block < 256; block += 64) {
    map += "64 beginbfrange\n";
    for (int high = block; high < block + 64; ++high) map += fmt::format("<{0:02X}00> <{0:02X}FF> <{0:02X}00>\n", high);
    map += "endbfrange\n";
  }
  return map + "endcmap CMapName currentdict /CMap defineresource pop end end\n";
}

}  // namespace lectern::reader
