#include "reader/relations/scene.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

namespace lectern::reader {

std::string lowered(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  return text;
}

bool isAmount(const Value& v) {
  return v.simple_type == "currency_amount" || (v.simple_type == "decimal" && v.semantic_type == "amount");
}

long long cents(const std::string& plain) { return std::llround(std::strtod(plain.c_str(), nullptr) * 100); }

Scene::Scene(const Page& p) : page(p) {
  std::vector<int> words, heights;
  for (size_t i = 0; i < page.words.size(); ++i) {
    words.push_back(static_cast<int>(i));
    heights.push_back(page.words[i].box.height());
  }
  if (!heights.empty()) {
    std::nth_element(heights.begin(), heights.begin() + static_cast<long>(heights.size() / 2), heights.end());
    em = std::max(4, heights[heights.size() / 2]);
  }
  std::vector<int> row_of(page.words.size(), -1);
  for (auto& row : textRows(page, words, {1.2, {}})) {
    SceneRow r;
    r.box = row.box;
    for (const auto& s : row.segments) {
      if (!r.text.empty()) r.text += ' ';
      r.text += textOf(page, s.words);
      for (const int w : s.words) row_of[static_cast<size_t>(w)] = static_cast<int>(rows.size());
    }
    r.segments = std::move(row.segments);
    r.small = lowered(r.text);
    rows.push_back(std::move(r));
  }
  for (size_t v = 0; v < page.values.size(); ++v) {
    const auto& of = page.values[v].words;
    if (of.empty() || row_of[static_cast<size_t>(of[0])] < 0) continue;
    rows[static_cast<size_t>(row_of[static_cast<size_t>(of[0])])].values.push_back(static_cast<int>(v));
  }
  for (auto& row : rows) {
    std::stable_sort(row.values.begin(), row.values.end(), [&](int a, int b) {
      return boxOf(page.values[static_cast<size_t>(a)]).x0 < boxOf(page.values[static_cast<size_t>(b)]).x0;
    });
  }
}

Box Scene::boxOf(const Value& value) const {
  Box box;
  for (const int w : value.words) box = unite(box, page.words[static_cast<size_t>(w)].box);
  return box;
}

std::string Scene::textBefore(const SceneRow& row, int x) const {
  std::string text;
  for (const auto& s : row.segments) {
    for (const int w : s.words) {
      const Word& word = page.words[static_cast<size_t>(w)];
      if (word.box.centerX() >= x) continue;
      if (!text.empty()) text += ' ';
      text += word.text;
    }
  }
  return text;
}

Field fieldOf(const Scene& scene, const char* name, const Value& value, double confidence) {
  Field f;
  f.name = name;
  f.value = value.normalized;
  f.text = value.text;
  f.page = scene.page.number;
  f.words = value.words;
  f.confidence = static_cast<float>(std::clamp(confidence, 0.05, 0.99));
  return f;
}

}  // namespace lectern::reader
