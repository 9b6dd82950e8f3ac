#include "reader/workflow/view.h"

#include <algorithm>
#include <cstdlib>
#include <numeric>

#include "reader/question/lexicon.h"

namespace lectern::reader {

View::View(const Document& document) : document_(document) {
  for (const Page& page : document.pages) {
    PageView view;
    std::vector<int> all(page.words.size());
    std::iota(all.begin(), all.end(), 0);
    view.rows = textRows(page, all, {});
    view.row_of.assign(page.words.size(), -1);
    for (size_t r = 0; r < view.rows.size(); ++r) {
      for (const auto& segment : view.rows[r].segments) {
        for (const int w : segment.words) view.row_of[static_cast<size_t>(w)] = static_cast<int>(r);
      }
    }
    for (const Word& word : page.words) view.plain.push_back(plainText(word.text));
    pages_.push_back(std::move(view));
  }
}

Span View::spanOf(int page_index, std::vector<int> words) const {
  Span span{page_index, std::move(words), {}};
  for (const int w : span.words) span.box = unite(span.box, page(page_index).words[static_cast<size_t>(w)].box);
  return span;
}

std::string View::text(const Span& span) const { return textOf(page(span.page), span.words); }

int View::rowOf(const Span& span) const {
  return span.words.empty() ? -1
                            : pages_[static_cast<size_t>(span.page)].row_of[static_cast<size_t>(span.words.front())];
}

Span View::right(const Span& from) const {
  const int at = rowOf(from);
  if (at < 0) return {};
  for (const auto& segment : rows(from.page)[static_cast<size_t>(at)].segments) {
    std::vector<int> rest;
    for (const int w : segment.words) {
      const Box& box = page(from.page).words[static_cast<size_t>(w)].box;
      const bool own = std::find(from.words.begin(), from.words.end(), w) != from.words.end();
      if (!own && box.centerX() > from.box.x1) rest.push_back(w);
    }
    if (!rest.empty()) return spanOf(from.page, std::move(rest));
  }
  return {};
}

Span View::left(const Span& from) const {
  const int at = rowOf(from);
  if (at < 0) return {};
  const auto& segments = rows(from.page)[static_cast<size_t>(at)].segments;
  for (auto segment = segments.rbegin(); segment != segments.rend(); ++segment) {
    std::vector<int> rest;
    for (const int w : segment->words) {
      if (page(from.page).words[static_cast<size_t>(w)].box.centerX() < from.box.x0) rest.push_back(w);
    }
    if (!rest.empty()) return spanOf(from.page, std::move(rest));
  }
  return {};
}

Span View::vertical(const Span& from, int direction) const {
  const int at = rowOf(from);
  if (at < 0) return {};
  const auto& all = rows(from.page);
  constexpr int kFarthest = 4;  // rows
  for (int r = at + direction; r >= 0 && r < static_cast<int>(all.size()) && std::abs(r - at) <= kFarthest;
       r += direction) {
    const Segment* best = nullptr;
    double best_share = 0;
    for (const auto& segment : all[static_cast<size_t>(r)].segments) {
      double share = horizontalOverlap(from.box, segment.box);
      if (std::abs(segment.box.x0 - from.box.x0) <= from.box.height()) share = std::max(share, 0.5);
      if (share <= best_share) continue;
      best_share = share;
      best = &segment;
    }
    if (best != nullptr && best_share >= 0.2) return spanOf(from.page, best->words);
  }
  return {};
}

Span View::row(const Span& from) const {
  const int at = rowOf(from);
  if (at < 0) return {};
  std::vector<int> words;
  for (const auto& segment : rows(from.page)[static_cast<size_t>(at)].segments)
    words.insert(words.end(), segment.words.begin(), segment.words.end());
  return spanOf(from.page, std::move(words));
}

Span View::block(const Span& from) const {
  if (from.words.empty()) return {};
  const Page& p = page(from.page);
  const int line = p.words[static_cast<size_t>(from.words.front())].line;
  const int block = line < 0 ? -1 : p.lines[static_cast<size_t>(line)].block;
  if (block < 0) return {};
  std::vector<int> words;
  for (const int l : p.blocks[static_cast<size_t>(block)].lines) {
    const auto& of = p.lines[static_cast<size_t>(l)].words;
    words.insert(words.end(), of.begin(), of.end());
  }
  return spanOf(from.page, std::move(words));
}

}  // namespace lectern::reader
