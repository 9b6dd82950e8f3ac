#include "reader/page/page.h"

#include <algorithm>
#include <cmath>

namespace lectern::reader {

Box intersect(const Box& a, const Box& b) {
  Box r{std::max(a.x0, b.x0), std::max(a.y0, b.y0), std::min(a.x1, b.x1), std::min(a.y1, b.y1)};
  return r.empty() ? Box{} : r;
}

Box unite(const Box& a, const Box& b) {
  if (a.empty()) return b;
  if (b.empty()) return a;
  return {std::min(a.x0, b.x0), std::min(a.y0, b.y0), std::max(a.x1, b.x1), std::max(a.y1, b.y1)};
}

double intersectionOverUnion(const Box& a, const Box& b) {
  const double shared = static_cast<double>(intersect(a, b).area());
  const double all = static_cast<double>(a.area() + b.area()) - shared;
  return all <= 0 ? 0 : shared / all;
}

namespace {
double overlap(int a0, int a1, int b0, int b1) {
  const int smaller = std::min(a1 - a0, b1 - b0);
  const int shared = std::min(a1, b1) - std::max(a0, b0);
  return smaller <= 0 || shared <= 0 ? 0 : static_cast<double>(shared) / smaller;
}
}  // namespace

double verticalOverlap(const Box& a, const Box& b) { return overlap(a.y0, a.y1, b.y0, b.y1); }
double horizontalOverlap(const Box& a, const Box& b) { return overlap(a.x0, a.x1, b.x0, b.x1); }

Quad quadOf(const Box& b) {
  const auto x0 = static_cast<float>(b.x0), y0 = static_cast<float>(b.y0);
  const auto x1 = static_cast<float>(b.x1), y1 = static_cast<float>(b.y1);
  return {Point{x0, y0}, Point{x1, y0}, Point{x1, y1}, Point{x0, y1}};
}

Box boundsOf(const Quad& quad) {
  const auto [left, right] = std::minmax_element(quad.begin(), quad.end(), [](auto& a, auto& b) { return a.x < b.x; });
  const auto [top, bottom] = std::minmax_element(quad.begin(), quad.end(), [](auto& a, auto& b) { return a.y < b.y; });
  return {static_cast<int>(std::floor(left->x)), static_cast<int>(std::floor(top->y)),
          static_cast<int>(std::ceil(right->x)), static_cast<int>(std::ceil(bottom->y))};
}

namespace {
template <typename Entities>
void number(Entities& entities, char letter, int& next) {
  for (auto& e : entities) e.id = letter + std::to_string(next++);
}
}  // namespace

void assignIds(Document& document) {
  int word = 1, line = 1, block = 1, sentence = 1, rule = 1, frame = 1, table = 1, value = 1;
  for (auto& page : document.pages) {
    number(page.words, 'w', word);
    number(page.lines, 'l', line);
    number(page.blocks, 'b', block);
    number(page.sentences, 's', sentence);
    number(page.rules, 'r', rule);
    number(page.frames, 'f', frame);
    number(page.tables, 't', table);
    number(page.values, 'v', value);
  }
}

}  // namespace lectern::reader
