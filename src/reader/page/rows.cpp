#include "reader/page/rows.h"

#include <algorithm>
#include <cmath>
#include <tuple>

namespace lectern::reader {

namespace {

const Box& boxAt(const Page& page, int word) { return page.words[static_cast<size_t>(word)].box; }

struct Band {
  double y0 = 0;
  double y1 = 0;
  std::vector<int> words;
};

/// Puts each word into the band that it overlaps most by half of the smaller height.
std::vector<Band> bandsOf(const Page& page, std::vector<int> words) {
  std::stable_sort(words.begin(), words.end(), [&](int a, int b) {
    return std::tuple(boxAt(page, a).centerY(), boxAt(page, a).x0) <
           std::tuple(boxAt(page, b).centerY(), boxAt(page, b).x0);
  });
  std::vector<Band> bands;
  for (const int w : words) {
    const Box& box = boxAt(page, w);
    Band* best = nullptr;
    double nearest = 0.5;
    const size_t from = bands.size() > 4 ? bands.size() - 4 : 0;
    for (size_t i = from; i < bands.size(); ++i) {
      Band& band = bands[i];
      const double shared = std::min(band.y1, double(box.y1)) - std::max(band.y0, double(box.y0));
      const double smaller = std::min(band.y1 - band.y0, double(box.height()));
      if (smaller <= 0 || shared < 0.4 * smaller) continue;
      // Of two bands that a tall box touches, the one whose middle is nearest.
      const double away = std::abs((band.y0 + band.y1) / 2 - box.centerY()) / smaller;
      if (away <= nearest) {
        nearest = away;
        best = &band;
      }
    }
    if (best == nullptr) {
      bands.push_back({double(box.y0), double(box.y1), {w}});
      continue;
    }
    // A running mean keeps tall words from swallowing the rows around them.
    const double n = static_cast<double>(best->words.size());
    best->y0 = (best->y0 * n + box.y0) / (n + 1);
    best->y1 = (best->y1 * n + box.y1) / (n + 1);
    best->words.push_back(w);
  }
  std::stable_sort(bands.begin(), bands.end(), [](const Band& a, const Band& b) { return a.y0 + a.y1 < b.y0 + b.y1; });
  return bands;
}

bool ruleBetween(const Box& left, const Box& right, const std::vector<Box>& rules) {
  const double y = (std::max(left.y0, right.y0) + std::min(left.y1, right.y1)) / 2.0;
  return std::any_of(rules.begin(), rules.end(), [&](const Box& r) {
    const double x = r.centerX();
    return r.y0 <= y && r.y1 >= y && x >= left.centerX() && x <= right.centerX() &&
           x >= left.x1 - 0.3 * left.height() && x <= right.x0 + 0.3 * right.height();
  });
}

}  // namespace

std::vector<TextRow> textRows(const Page& page, const std::vector<int>& words, const RowOptions& options) {
  std::vector<TextRow> rows;
  for (auto& band : bandsOf(page, words)) {
    std::stable_sort(band.words.begin(), band.words.end(),
                     [&](int a, int b) { return boxAt(page, a).x0 < boxAt(page, b).x0; });
    TextRow row;
    for (const int w : band.words) {
      const Box& box = boxAt(page, w);
      if (!row.segments.empty()) {
        Segment& last = row.segments.back();
        const Box& before = boxAt(page, last.words.back());
        const double gap = box.x0 - last.box.x1;
        const double height = std::min(box.height(), last.box.height());
        if (gap <= options.gap_heights * height && !ruleBetween(before, box, options.vertical_rules)) {
          last.words.push_back(w);
          last.box = unite(last.box, box);
          continue;
        }
      }
      row.segments.push_back({box, {w}});
    }
    for (const auto& s : row.segments) row.box = unite(row.box, s.box);
    rows.push_back(std::move(row));
  }
  return rows;
}

std::string textOf(const Page& page, const std::vector<int>& words) {
  std::string text;
  for (const int w : words) {
    if (!text.empty()) text += ' ';
    text += page.words[static_cast<size_t>(w)].text;
  }
  return text;
}

bool looksNumeric(const std::string& text) {
  size_t digits = 0, letters = 0, marks = 0;
  for (const char c : text) {
    const auto u = static_cast<unsigned char>(c);
    if (c >= '0' && c <= '9')
      ++digits;
    else if ((u | 32) >= 'a' && (u | 32) <= 'z')
      ++letters;
    else if (c != ' ')
      ++marks;
  }
  if (digits > 0) return digits >= letters;
  if (letters == 0) return marks > 0 && marks <= 3;
  return text == "n.a." || text == "n/a" || text == "N/A" || text == "na" || text == "NA";
}

}  // namespace lectern::reader
