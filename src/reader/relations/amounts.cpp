#include <algorithm>
#include <map>
#include <set>

#include "reader/relations/finders.h"
#include "reader/relations/labels.h"

namespace lectern::reader {

namespace {

constexpr double kLeastScore = 2.5;  // an amount without a label or a sum that proves it is no total

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
double labelScore(const std::string& label, bool invoice) {
  // On a receipt the net total is what is left to pay, on an invoice what is there before tax.
  static const RE2 net_total("nett? ?-?total");
  if (has(label, net_total)) return invoice ? -3 : 8;
  const Labels& l = labels();
  const bool grand = has(label, l.grand_total);
  const bool excluded = has(label, l.no_total);
  if (excluded && !grand) return -3;
  if (grand) {
    // "Total incl. GST" names a tax and is the total; "total excl." is not.
    static const RE2 without("excl|before|without|sub ?-?total|ohne|zwischensumme|total ?includ(?:es|ed)\\b");
    static const RE2 to_pay("payable|amount due|balance due|to pay|zu zahlen");
    return has(label, without) ? -3 : has(label, to_pay) ? 9.5 : 8;
  }
  if (has(label, l.plain_total)) return 6;
  if (has(label, l.weak_total)) return 3;
  return 0;
}

/// The nearest words above a figure, past other figures: the heading of its column.
std::string headingAbove(const Scene& scene, size_t r, const Box& box) {
  for (size_t up = 1; up <= 8 && up <= r; ++up) {
    const SceneRow& row = scene.rows[r - up];
    if (scene.rows[r].box.y0 - row.box.y1 > 14 * scene.em) break;
    for (const auto& s : row.segments) {
      const std::string text = textOf(scene.page, s.words);
      if (horizontalOverlap(s.box, box) > 0.3 && !looksNumeric(text)) return lowered(text);
    }
  }
  return "";
}

bool hasLetters(const std::string& small) {
  return std::any_of(small.begin(), small.end(), [](char c) { return c >= 'a' && c <= 'z'; });
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

/// Where cash sums are rounded to five cents, the rounded one of two amounts is to be paid.
double roundingScore(long long amount, bool rounds, const std::map<long long, int>& seen) {
  if (!rounds) return 0;
  const long long rest = amount % 5;
  if (rest == 0) {
    for (const long long d : {-2, -1, 1, 2}) {
      if (seen.count(amount + d) > 0) return 3;
    }
    return 0;
  }
  return seen.count(rest <= 2 ? amount - rest : amount + 5 - rest) > 0 ? -5 : 0;
}

/// Amounts that are the sum of those above them, of three at least: what was bought. A row or two of taxes may stand
/// between.
std::set<const Candidate*> sumsOfRows(const std::vector<Candidate>& candidates) {
  constexpr size_t kMostRows = 60, kBetween = 2;
  std::set<const Candidate*> out;
  for (size_t i = 3; i < candidates.size(); ++i) {
    const long long amount = cents(candidates[i].value->normalized);
    for (size_t last = i; last + kBetween >= i && last >= 3; --last) {
      long long sum = 0;
      for (size_t k = 1; k <= std::min(last, kMostRows) && sum < amount; ++k) {
        sum += cents(candidates[last - k].value->normalized);
        if (sum == amount && k >= 3) out.insert(&candidates[i]);
      }
    }
  }
  return out;
}

void scoreByArithmetic(const Scene& scene, std::vector<Candidate>& candidates) {
  const auto paid = paidSums(scene);
  std::map<long long, int> seen;
  long long largest = 0;
  const bool rounds = std::any_of(scene.rows.begin(), scene.rows.end(),
                                  [](const SceneRow& row) { return has(row.small, labels().rounding); });
  for (const auto& row : scene.rows) {
    for (const auto* v : amountsOf(scene, row)) {
      ++seen[cents(v->normalized)];
      if (!has(row.small, labels().cash) && !has(row.small, labels().change))
        largest = std::max(largest, cents(v->normalized));
    }
  }
  const auto sums_up = sumsOfRows(candidates);
  for (auto& c : candidates) {
    const long long amount = cents(c.value->normalized);
    if (amount > 0 && std::find(paid.begin(), paid.end(), amount) != paid.end()) c.score += 6;
    // Where nothing but what was given tells the sum, the rows prove it.
    if (sums_up.count(&c) > 0) c.score += has(scene.rows[c.row].small, labels().cash) ? 2 : 0.7;
    c.score += 0.3 * std::min(4, seen[amount] - 1);
    if (amount == largest) c.score += 1;
    if (amount <= 0) c.score -= 5;
    if (amount * 2 < largest) c.score -= 2.5;
    c.score += roundingScore(amount, rounds, seen);
    // Net and tax that add up to it.
    bool sums = false;
    for (const auto& [a, n] : seen)
      sums = sums || (a > 0 && a < amount && a * 2 > amount && seen.count(amount - a) > 0);
    if (sums) c.score += 1;
  }
}

}  // namespace

std::optional<Total> findTotal(const Scene& scene, bool invoice) {
  std::vector<Candidate> candidates;
  for (size_t r = 0; r < scene.rows.size(); ++r) {
    const SceneRow& row = scene.rows[r];
    const auto near = reach(scene, r);
    if (near.empty()) continue;
    const bool below = near.front().second != r;
    // The last amount of a row is its sum; what stands before are counts, net and tax.
    const Value* last = near.back().first;
    const Box place = scene.boxOf(*last);
    const std::string label = below ? row.small : lowered(scene.textBefore(row, place.x0));
    double score =
        hasLetters(label) ? labelScore(label, invoice) : labelScore(headingAbove(scene, r, place), invoice) - 1.5;
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
  if (best == nullptr || best->score < (invoice ? kLeastScore : kLeastScore / 2)) return std::nullopt;
  Total total{fieldOf(scene, "total", *best->value, 0.4 + best->score / 20), best->value->currency};
  return total;
}

namespace {

/// How much an amount looks like the tax of a sum: by its label, and by the net amount that adds up with it.
double taxScore(const Scene& scene, size_t r, const Value& v, long long sum, bool adds_up) {
  const long long amount = std::abs(cents(v.normalized));
  const Box place = scene.boxOf(v);
  const std::string label = lowered(scene.textBefore(scene.rows[r], place.x0));
  const bool named = hasLetters(label);
  const bool taxed = has(named ? label : headingAbove(scene, r, place), labels().tax);
  // Half or more of the sum is no tax.
  if (amount * 2 >= sum || (!taxed && !adds_up)) return 0;
  double score = (taxed ? 1.0 : 0.0) + (adds_up ? 1.0 : 0.0) + (adds_up && amount * 100 >= sum * 3 ? 0.3 : 0.0);
  if (amount == 0) score -= 0.3;
  if (named && has(label, labels().plain_total)) score += 0.4;
  return score;
}

}  // namespace

Taxes findTaxes(const Scene& scene, const std::string& total) {
  const long long sum = std::abs(cents(total));
  std::map<long long, const Value*> seen;
  for (const auto& row : scene.rows) {
    for (const auto* v : amountsOf(scene, row)) seen.emplace(std::abs(cents(v->normalized)), v);
  }
  const Value* best = nullptr;
  const Value* best_net = nullptr;
  double best_score = 0.9;
  for (size_t r = 0; r < scene.rows.size(); ++r) {
    for (const auto* v : amountsOf(scene, scene.rows[r])) {
      const long long amount = std::abs(cents(v->normalized));
      const auto net = seen.find(sum - amount);
      const bool adds_up = amount > 0 && net != seen.end();
      const double score = taxScore(scene, r, *v, sum, adds_up);
      if (score <= best_score) continue;
      best_score = score;
      best = v;
      best_net = adds_up ? net->second : nullptr;
    }
  }
  Taxes out;
  if (best != nullptr) out.tax = fieldOf(scene, "tax", *best, best_score >= 2 ? 0.85 : 0.4);
  if (best_net != nullptr) out.net = fieldOf(scene, "net", *best_net, best_score >= 2 ? 0.85 : 0.4);
  return out;
}

}  // namespace lectern::reader
