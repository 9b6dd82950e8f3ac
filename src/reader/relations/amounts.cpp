#include <algorithm>
#include <map>

#include "reader/relations/finders.h"
#include "reader/relations/labels.h"

namespace lectern::reader {

namespace {

struct Candidate {
  const Value* value = nullptr;
  size_t row = 0;
  double score = 0;
};

std::vector<const Value*> amountsOf(const Scene& scene, const SceneRow& row) {
  std::vector<const Value*> out;
  for (const int v : row.values) {
    const Value& value = scene.page.values[static_cast<size_t>(v)];
    if (isAmount(value)) out.push_back(&value);
  }
  return out;
}

/// How much a label speaks for the amount to pay.
double labelScore(const std::string& label) {
  const Labels& l = labels();
  const bool grand = has(label, l.grand_total);
  const bool excluded = has(label, l.no_total);
  if (excluded && !grand) return -3;
  if (grand) {
    // "Total incl. GST" names a tax and is the total; "total excl." is not.
    static const RE2 without("excl|before|without|sub ?-?total|ohne|zwischensumme");
    return has(label, without) ? -3 : 8;
  }
  if (has(label, l.plain_total)) return 6;
  if (has(label, l.weak_total)) return 3;
  return 0;
}

/// Amounts that stand in a row, or alone in the row below it, in reach of its label.
std::vector<std::pair<const Value*, size_t>> reach(const Scene& scene, size_t r) {
  std::vector<std::pair<const Value*, size_t>> out;
  for (const auto* v : amountsOf(scene, scene.rows[r])) out.emplace_back(v, r);
  if (!out.empty()) return out;
  for (const size_t next : {r + 1, r - 1}) {
    if (next >= scene.rows.size()) continue;
    const SceneRow& row = scene.rows[next];
    const double gap = next > r ? row.box.y0 - scene.rows[r].box.y1 : scene.rows[r].box.y0 - row.box.y1;
    if (gap > (next > r ? 1.5 : 0.1) * scene.em) continue;
    const bool labelled =
        std::count_if(row.small.begin(), row.small.end(), [](char c) { return c >= 'a' && c <= 'z'; }) > 3;
    if (labelled) continue;
    for (const auto* v : amountsOf(scene, row)) out.emplace_back(v, next);
    if (!out.empty()) break;
  }
  return out;
}

/// Cash given less change, for every pair of such rows.
std::vector<long long> paidSums(const Scene& scene) {
  std::vector<long long> cash, change, out;
  for (size_t r = 0; r < scene.rows.size(); ++r) {
    const bool is_change = has(scene.rows[r].small, labels().change);
    const bool is_cash = !is_change && has(scene.rows[r].small, labels().cash);
    if (!is_cash && !is_change) continue;
    for (const auto& [v, row] : reach(scene, r)) (is_cash ? cash : change).push_back(std::abs(cents(v->normalized)));
  }
  for (const long long a : cash) {
    for (const long long b : change) {
      if (a > b) out.push_back(a - b);
    }
  }
  return out;
}

void scoreByArithmetic(const Scene& scene, std::vector<Candidate>& candidates) {
  const auto paid = paidSums(scene);
  std::map<long long, int> seen;
  long long largest = 0;
  for (const auto& row : scene.rows) {
    for (const auto* v : amountsOf(scene, row)) {
      ++seen[cents(v->normalized)];
      if (!has(row.small, labels().cash) && !has(row.small, labels().change))
        largest = std::max(largest, cents(v->normalized));
    }
  }
  for (auto& c : candidates) {
    const long long amount = cents(c.value->normalized);
    if (amount > 0 && std::find(paid.begin(), paid.end(), amount) != paid.end()) c.score += 3;
    c.score += 0.3 * std::min(4, seen[amount] - 1);
    if (amount == largest) c.score += 1;
    if (amount <= 0) c.score -= 5;
    // Net and tax that add up to it.
    bool sums = false;
    for (const auto& [a, n] : seen)
      sums = sums || (a > 0 && a < amount && a * 2 > amount && seen.count(amount - a) > 0);
    if (sums) c.score += 1;
  }
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

}  // namespace

std::optional<Total> findTotal(const Scene& scene) {
  std::vector<Candidate> candidates;
  for (size_t r = 0; r < scene.rows.size(); ++r) {
    const SceneRow& row = scene.rows[r];
    const auto near = reach(scene, r);
    if (near.empty()) continue;
    const bool below = near.front().second != r;
    // The last amount of a row is its sum; what stands before are counts, net and tax.
    const Value* last = near.back().first;
    const std::string label = below ? row.small : lowered(scene.textBefore(row, scene.boxOf(*last).x0));
    double score = labelScore(label.empty() ? row.small : label);
    if (has(row.small, labels().cash) || has(row.small, labels().change)) score = std::min(score, 0.5);
    if (below) score -= 0.5;
    score += 1.0 * static_cast<double>(r) / static_cast<double>(scene.rows.size());
    candidates.push_back({last, near.back().second, score});
  }
  scoreByArithmetic(scene, candidates);
  const Candidate* best = nullptr;
  for (const auto& c : candidates) {
    if (best == nullptr || c.score > best->score) best = &c;
  }
  if (best == nullptr || best->score < 1) return std::nullopt;
  Total total{fieldOf(scene, "total", *best->value, 0.4 + best->score / 20), best->value->currency};
  return total;
}

std::optional<Field> findTax(const Scene& scene, const std::string& total) {
  const long long sum = cents(total);
  const Value* best = nullptr;
  double best_score = 0;
  std::map<long long, int> seen;
  for (const auto& row : scene.rows) {
    for (const auto* v : amountsOf(scene, row)) ++seen[cents(v->normalized)];
  }
  for (size_t r = 0; r < scene.rows.size(); ++r) {
    if (!has(scene.rows[r].small, labels().tax)) continue;
    for (const auto& [v, row] : reach(scene, r)) {
      const long long amount = cents(v->normalized);
      if (amount < 0 || amount >= sum) continue;
      double score = 1;
      if (seen.count(sum - amount) > 0 && amount > 0) score += 2;
      if (amount == 0) score -= 0.5;
      if (score > best_score) {
        best_score = score;
        best = v;
      }
    }
  }
  if (best == nullptr) return std::nullopt;
  return fieldOf(scene, "tax", *best, best_score >= 3 ? 0.85 : 0.4);
}

}  // namespace lectern::reader
