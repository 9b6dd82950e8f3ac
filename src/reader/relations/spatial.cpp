#include <algorithm>
#include <cmath>
#include <limits>
#include <tuple>

#include "reader/relations/relations.h"
#include "reader/relations/scene.h"

namespace lectern::reader {

namespace {

/// An entity that takes part in relations.
struct Item {
  const std::string* id = nullptr;
  Box box;
};

constexpr int kNearest = 3;        // neighbours a direction
constexpr double kReach = 30;      // in text heights
constexpr size_t kMaxItems = 800;  // a page with more gets reading order and structure only

struct Neighbour {
  double rank = 0;
  double distance = 0;
  size_t to = 0;
};

/// Distance and rank to the right of `a`; negative distance: not to the right. `down` looks below instead.
bool beside(const Box& a, const Box& b, bool down, double em, Neighbour& out) {
  const double gap = down ? b.y0 - a.y1 : b.x0 - a.x1;
  if (gap < -0.3 * em || gap > kReach * em) return false;
  const double shared = down ? horizontalOverlap(a, b) : verticalOverlap(a, b);
  const bool aligned = down && std::abs(a.x0 - b.x0) < em;
  if (shared < (down ? 0.3 : 0.4) && !aligned) return false;
  const double off = down ? std::abs(a.x0 - b.x0) : std::abs(a.centerY() - b.centerY());
  out.distance = std::max(0.0, gap);
  out.rank = out.distance + 0.3 * off;
  return true;
}

void add(Page& page, const std::string& from, const std::string& to, const char* kind, double distance) {
  page.relations.push_back({from, to, kind, distance});
}

void neighbours(Page& page, const std::vector<Item>& items, double em) {
  for (const bool down : {false, true}) {
    for (size_t i = 0; i < items.size(); ++i) {
      std::vector<Neighbour> found;
      for (size_t j = 0; j < items.size(); ++j) {
        Neighbour n;
        if (i == j || !beside(items[i].box, items[j].box, down, em, n)) continue;
        n.to = j;
        found.push_back(n);
      }
      const auto count = std::min<size_t>(found.size(), kNearest);
      std::partial_sort(
          found.begin(), found.begin() + static_cast<long>(count), found.end(),
          [](const Neighbour& a, const Neighbour& b) { return std::pair(a.rank, a.to) < std::pair(b.rank, b.to); });
      for (size_t k = 0; k < count; ++k) {
        const Item& other = items[found[k].to];
        add(page, *other.id, *items[i].id, down ? "below" : "right_of", found[k].distance);
        add(page, *items[i].id, *other.id, down ? "above" : "left_of", found[k].distance);
        if (k > 0) continue;
        if (!down)
          add(page, *items[i].id, *other.id, "same_line", found[k].distance);
        else if (std::abs(items[i].box.x0 - other.box.x0) < 0.5 * em)
          add(page, *items[i].id, *other.id, "aligned_left", found[k].distance);
        else if (std::abs(items[i].box.x1 - other.box.x1) < 0.5 * em)
          add(page, *items[i].id, *other.id, "aligned_right", found[k].distance);
      }
    }
  }
}

double insideShare(const Box& a, const Box& b) {
  return a.area() == 0 ? 0 : static_cast<double>(intersect(a, b).area()) / static_cast<double>(a.area());
}

void structure(Page& page, const std::vector<Item>& items, double em) {
  for (const auto& item : items) {
    for (const auto& f : page.frames) {
      if (!f.checkbox && insideShare(item.box, f.box) >= 0.9) add(page, *item.id, f.id, "inside", 0);
    }
    for (const auto& t : page.tables) {
      if (insideShare(item.box, t.box) >= 0.9) add(page, *item.id, t.id, "inside", 0);
    }
  }
  for (size_t b = 0; b + 1 < page.blocks.size(); ++b) {
    add(page, page.blocks[b].id, page.blocks[b + 1].id, "next_in_reading_order", 0);
  }
  // A caption: the nearest line just above (or below) a table that is not part of it and begins like one.
  for (const auto& t : page.tables) {
    const Line* best = nullptr;
    double best_gap = 4 * em;
    for (const auto& l : page.lines) {
      if (horizontalOverlap(l.box, t.box) < 0.5 || insideShare(l.box, t.box) > 0.3) continue;
      const std::string small = lowered(l.text);
      const bool named = small.starts_with("tab") || small.starts_with("fig") || small.starts_with("exhibit");
      const double gap = l.box.y1 <= t.box.y0 + 0.5 * em ? t.box.y0 - l.box.y1 : l.box.y0 - t.box.y1;
      if (gap < -em || gap > (named ? 8 * em : best_gap)) continue;
      if (!named && l.box.y0 > t.box.y1) continue;
      if (best == nullptr || named || gap < best_gap) {
        best = &l;
        best_gap = gap;
        if (named) break;
      }
    }
    if (best != nullptr) add(page, best->id, t.id, "caption_of", best_gap);
  }
}

/// Labels and values as relations between the lines that hold them.
void keys(Page& page) {
  for (const auto& kv : page.key_values) {
    if (kv.key_words.empty() || kv.value_words.empty()) continue;
    const std::string& key = page.words[static_cast<size_t>(kv.key_words[0])].id;
    const std::string& value = page.words[static_cast<size_t>(kv.value_words[0])].id;
    if (key == value) continue;
    add(page, key, value, "key_of", 0);
    add(page, value, key, "value_of", 0);
  }
}

void headers(Page& page) {
  for (const auto& t : page.tables) {
    for (const auto& head : t.cells) {
      if (head.row >= t.header_rows || head.words.empty()) continue;
      for (const auto& cell : t.cells) {
        if (cell.row < t.header_rows || cell.words.empty()) continue;
        if (cell.col < head.col || cell.col >= head.col + head.col_span) continue;
        add(page, page.words[static_cast<size_t>(head.words[0])].id, page.words[static_cast<size_t>(cell.words[0])].id,
            "header_of", std::max(0, cell.box.y0 - head.box.y1));
      }
    }
  }
}

}  // namespace

void findRelations(Page& page) {
  page.relations.clear();
  std::vector<Item> items;
  std::vector<int> heights;
  for (const auto& l : page.lines) {
    items.push_back({&l.id, l.box});
    heights.push_back(l.box.height());
  }
  if (items.empty()) return;
  std::nth_element(heights.begin(), heights.begin() + static_cast<long>(heights.size() / 2), heights.end());
  const double em = std::max(4, heights[heights.size() / 2]);
  if (items.size() <= kMaxItems) neighbours(page, items, em);
  structure(page, items, em);
  keys(page);
  headers(page);
  // One relation of a kind between two entities.
  std::stable_sort(page.relations.begin(), page.relations.end(), [](const Relation& a, const Relation& b) {
    return std::tie(a.from, a.kind, a.to) < std::tie(b.from, b.kind, b.to);
  });
  page.relations.erase(std::unique(page.relations.begin(), page.relations.end(),
                                   [](const Relation& a, const Relation& b) {
                                     return a.from == b.from && a.kind == b.kind && a.to == b.to;
                                   }),
                       page.relations.end());
}

}  // namespace lectern::reader
