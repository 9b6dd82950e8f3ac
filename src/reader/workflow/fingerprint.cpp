#include "reader/workflow/fingerprint.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <span>

#include "reader/question/lexicon.h"

namespace lectern::reader {

namespace {

constexpr size_t kWords = 1024;  // hashed
constexpr size_t kTextCols = 32, kTextRows = 44, kRuleCols = 16, kRuleRows = 22;
constexpr size_t kText = kTextCols * kTextRows, kRules = kRuleCols * kRuleRows;
constexpr size_t kSize = kWords + kText + kRules;
// Fitted on SROIE's training receipts: shops have their own words, receipts of one shop differ in length.
constexpr double kWordsShare = 0.65, kTextShare = 0.25, kRulesShare = 0.10;
constexpr double kLeast = 0.64;
constexpr double kMargin = 0.03;
constexpr double kHeadRows = 0.25;  // of what is printed: where the sender stands
constexpr double kHeadWeight = 2;

uint32_t fnv(const std::string& text) {
  uint32_t hash = 2166136261u;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619u;
  return hash;
}

/// Adds `weight` to the cells of a grid that the box covers; cells are squares of the printed width.
void cover(std::span<float> grid, size_t cols, size_t rows, const Box& printed, const Box& box) {
  const double cell = std::max(1.0, static_cast<double>(printed.width()) / static_cast<double>(cols));
  const auto at = [&](int v, int from, size_t most) {
    return static_cast<size_t>(std::clamp((v - from) / cell, 0.0, static_cast<double>(most - 1)));
  };
  if ((box.y0 - printed.y0) / cell >= static_cast<double>(rows)) return;
  for (size_t y = at(box.y0, printed.y0, rows); y <= at(box.y1 - 1, printed.y0, rows); ++y) {
    for (size_t x = at(box.x0, printed.x0, cols); x <= at(box.x1 - 1, printed.x0, cols); ++x) grid[y * cols + x] += 1;
  }
}

double cosine(std::span<const float> a, std::span<const float> b, bool& empty) {
  double dot = 0, aa = 0, bb = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    dot += a[i] * b[i];
    aa += a[i] * a[i];
    bb += b[i] * b[i];
  }
  empty = aa == 0 && bb == 0;
  return aa == 0 || bb == 0 ? 0 : dot / std::sqrt(aa * bb);
}

}  // namespace

Fingerprint fingerprintOf(const Document& document) {
  Fingerprint print(kSize, 0);
  if (document.pages.empty()) return print;
  const Page& page = document.pages[0];
  Box printed;
  for (const auto& word : page.words) printed = unite(printed, word.box);
  const std::span<float> all(print);
  std::map<std::string, double> words;
  for (const auto& word : page.words) {
    cover(all.subspan(kWords, kText), kTextCols, kTextRows, printed, word.box);
    const std::string plain = plainText(word.text);
    if (plain.size() < 3 || plain.find_first_of("0123456789") != std::string::npos) continue;
    const bool head = word.box.y0 < printed.y0 + kHeadRows * printed.height();
    words[plain] += head ? kHeadWeight : 1;
  }
  for (const auto& [word, weight] : words) all[fnv(word) % kWords] += static_cast<float>(std::sqrt(weight));
  for (const auto& rule : page.rules)
    cover(all.subspan(kWords + kText, kRules), kRuleCols, kRuleRows, printed, rule.box);
  // Parts of length one, so that a mean of samples weighs each sample equally.
  for (const auto& part : {all.subspan(0, kWords), all.subspan(kWords, kText), all.subspan(kWords + kText, kRules)}) {
    double length = 0;
    for (const float v : part) length += v * v;
    for (float& v : part) v = length > 0 ? static_cast<float>(v / std::sqrt(length)) : 0;
  }
  return print;
}

double alike(const Fingerprint& a, const Fingerprint& b) {
  const std::span<const float> x(a), y(b);
  bool none = false, no_text = false, no_rules = false;
  const double words = cosine(x.subspan(0, kWords), y.subspan(0, kWords), none);
  const double text = cosine(x.subspan(kWords, kText), y.subspan(kWords, kText), no_text);
  const double rules = cosine(x.subspan(kWords + kText), y.subspan(kWords + kText), no_rules);
  const double share = kWordsShare + kTextShare + (no_rules ? 0 : kRulesShare);
  return (kWordsShare * words + kTextShare * text + (no_rules ? 0 : kRulesShare * rules)) / share;
}

Fingerprint withSample(const Fingerprint& mean, int samples, const Fingerprint& one) {
  Fingerprint out(kSize);
  const auto n = static_cast<float>(samples);
  for (size_t i = 0; i < kSize; ++i) out[i] = (mean[i] * n + one[i]) / (n + 1);
  return out;
}

std::string toBytes(const Fingerprint& print) {
  std::string bytes(print.size() * sizeof(float), '\0');
  std::memcpy(bytes.data(), print.data(), bytes.size());
  return bytes;
}

Result<Fingerprint> fingerprintFromBytes(const std::string& bytes) {
  if (bytes.size() != kSize * sizeof(float)) return fail(Code::kCorrupt, "a stored template is damaged");
  Fingerprint print(kSize);
  std::memcpy(print.data(), bytes.data(), bytes.size());
  return print;
}

Identity identify(const Fingerprint& print, const std::vector<KnownTemplate>& known) {
  Identity best;
  double second = 0;
  for (size_t i = 0; i < known.size(); ++i) {
    const double score = alike(print, known[i].print);
    if (score > best.score) {
      second = best.score;
      best = {static_cast<int>(i), score};
    } else {
      second = std::max(second, score);
    }
  }
  if (best.score < kLeast || best.score - second < kMargin) best.index = -1;
  return best;
}

}  // namespace lectern::reader
