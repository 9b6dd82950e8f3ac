#include "reader/values/values.h"

#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>

#include "reader/values/codes.h"
#include "reader/values/dates.h"
#include "reader/values/line_text.h"
#include "reader/values/numbers.h"

namespace lectern::reader {

namespace {

/// A value with its place in the line and how much it may claim the place.
struct Candidate {
  size_t begin = 0;
  size_t end = 0;
  int rank = 0;
  Value value;
};

Value valueOf(std::string simple, std::string semantic, std::string normalized, float confidence) {
  Value v;
  v.simple_type = std::move(simple);
  v.semantic_type = std::move(semantic);
  v.normalized = std::move(normalized);
  v.confidence = confidence;
  return v;
}

void addDates(const LineText& line, const Conventions& conventions, std::vector<Candidate>& out) {
  for (const auto& d : findDates(line.folded, conventions.day_first)) {
    float confidence = d.confidence;
    if (d.ambiguous && !conventions.date_order_sure) confidence *= 0.8f;
    out.push_back({d.begin, d.end, confidence >= 0.6f ? 70 : 45, valueOf("date", "date", d.iso, confidence)});
  }
  for (const auto& t : findTimes(line.folded))
    out.push_back({t.begin, t.end, t.named ? 75 : 60, valueOf("time", "time", t.iso, 0.9f)});
}

bool wordChar(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || static_cast<unsigned char>(c) >= 0x80;
}

/// Decimals, integers, percentages and amounts.
void addNumbers(const LineText& line, const Conventions& conventions, std::vector<Candidate>& out) {
  static const RE2 pattern(
      std::string("(?:") + kCurrencyPattern +
      "\\s?)?([-+(]{0,2}(?:\\d{1,3}(?:[.,'’]\\d{3})+\\b(?:[.,]\\d{1,4})?|\\d+[.,]\\d+|\\d+|[.,]\\d{2})\\)?-?)\\s?"
      "(?:(%)|(€|EUR|USD|\\$|£|RM|MYR|CHF|kg|g|ml|cm|mm|km|l|L|ltr|pcs|pc|hrs|h|min|kWh)\\b|(€))?");
  const std::string& s = line.folded;
  re2::StringPiece g[6];
  size_t from = 0;
  while (from < s.size() && pattern.Match(s, from, s.size(), RE2::UNANCHORED, g, 6)) {
    const auto begin = static_cast<size_t>(g[0].data() - s.data());
    size_t end = begin + g[0].size();
    while (end > begin && s[end - 1] == ' ') --end;
    from = std::max(end, begin + 1);
    const std::string digits(g[2]);
    const auto number = plainNumber(digits, conventions.decimal);
    if (!number) continue;
    // Digits inside a word are part of a name or code, not a number.
    const auto at = static_cast<size_t>(g[2].data() - s.data());
    const bool inside =
        (g[1].empty() && at > 0 && (wordChar(s[at - 1]) || s[at - 1] == '/' || s[at - 1] == '#')) ||
        (end < s.size() && at + digits.size() == end &&
         (s[end] == '/' || (wordChar(s[end]) && number->find('.') == std::string::npos)));
    if (inside) continue;
    const std::string unit(g[4].empty() ? g[5] : g[4]);
    std::string currency = currencyOf(std::string(g[1]));
    if (currency.empty() && !unit.empty()) currency = currencyOf(unit);
    const bool decimals = number->find('.') != std::string::npos;
    Value v = valueOf(decimals ? "decimal" : "integer", "", *number, 0.85f);
    int rank = decimals ? 35 : 30;
    if (!g[3].empty()) {
      v.simple_type = "percent";
      v.unit = "%";
      rank = 50;
    } else if (!currency.empty()) {
      v.simple_type = "currency_amount";
      v.semantic_type = "amount";
      v.currency = currency;
      rank = 55;
    } else if (!unit.empty()) {
      v.simple_type = "measure";
      v.unit = unit;
      rank = 40;
    } else if (decimals && number->size() - number->find('.') == 3 &&
               digits.find(conventions.decimal) != std::string::npos) {  // "19.12." is no amount where "19,12" is one
      v.semantic_type = "amount";
    }
    out.push_back({begin, end, rank, std::move(v)});
  }
}

/// "28-90" or "RM5:00" alone at the end of a line: a point that recognition took for another mark.
void addMisread(const LineText& line, std::vector<Candidate>& out) {
  static const RE2 pattern("^(?:.*\\s)?(RM|\\$|€|£)?\\s?(\\d{1,4})([-:~])(\\d{2})$");
  std::string currency, whole, mark, cents;
  if (!RE2::FullMatch(line.text, pattern, &currency, &whole, &mark, &cents)) return;
  if (currency.empty() && (mark == ":" || line.words.size() > 1)) return;
  Value v = valueOf(currency.empty() ? "decimal" : "currency_amount", "amount", whole + "." + cents, 0.5f);
  v.currency = currencyOf(currency);
  const size_t length = currency.size() + whole.size() + 3;
  out.push_back({line.text.size() - std::min(length, line.text.size()), line.text.size(), 65, std::move(v)});
}

/// "RM53. 60": an amount printed so wide that its cents are read as a word of their own. Alone in its line, or with its
/// currency at the end of one.
void addWide(const Page& page, const LineText& line, std::vector<Candidate>& out) {
  static const RE2 pattern("^(?:.*\\s)?(RM|\\$|€|£)?\\s?(\\d{1,4}[.,]) (\\d{2})$");
  std::string currency, whole, cents;
  if (line.words.size() < 2 || !RE2::FullMatch(line.folded, pattern, &currency, &whole, &cents)) return;
  if (currency.empty() && line.words.size() > 2) return;
  const Box& before = page.words[static_cast<size_t>(line.words[line.words.size() - 2])].box;
  const Box& after = page.words[static_cast<size_t>(line.words.back())].box;
  if (after.x0 - before.x1 > after.height()) return;
  whole.back() = '.';
  Value v = valueOf(currency.empty() ? "decimal" : "currency_amount", "amount", whole + cents, 0.7f);
  v.currency = currencyOf(currency);
  const size_t length = currency.size() + whole.size() + 1 + cents.size();
  out.push_back({line.text.size() - std::min(length, line.text.size()), line.text.size(), 65, std::move(v)});
}

void addCodes(const LineText& line, std::vector<Candidate>& out) {
  for (auto& c : findCodes(line.text)) {
    Value v = valueOf(c.simple, c.semantic, c.normalized, c.confidence);
    v.checksum = c.checksum;
    const int rank = c.checksum == Checksum::kOk ? 90 : c.checksum == Checksum::kNone ? 80 : 48;
    out.push_back({c.begin, c.end, rank, std::move(v)});
  }
}

void addMixedCodes(const LineText& line, std::vector<Candidate>& out) {
  for (size_t i = 0; i < line.words.size(); ++i) {
    const size_t begin = line.begin[i];
    const size_t end = i + 1 < line.begin.size() ? line.begin[i + 1] - 1 : line.text.size();
    const std::string word = line.text.substr(begin, end - begin);
    const bool digits = std::any_of(word.begin(), word.end(), [](char c) { return c >= '0' && c <= '9'; });
    const bool capitals = std::any_of(word.begin(), word.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
    const bool plain = std::all_of(word.begin(), word.end(), [](char c) {
      return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || c == '-' || c == '/' || c == '.' || c == '_' ||
             c == '#';
    });
    if (!digits || !capitals || !plain || word.size() < 4) continue;
    out.push_back({begin, end, 20, valueOf("alphanumeric_code", "", word, 0.7f)});
  }
}

}  // namespace

void findValues(Page& page, const Conventions& conventions) {
  page.values.clear();
  for (const auto& source : page.lines) {
    const LineText line = lineText(page, source);
    std::vector<Candidate> all;
    addCodes(line, all);
    addDates(line, conventions, all);
    addNumbers(line, conventions, all);
    addMixedCodes(line, all);
    addMisread(line, all);
    addWide(page, line, all);
    std::stable_sort(all.begin(), all.end(), [](const Candidate& a, const Candidate& b) {
      if (a.rank != b.rank) return a.rank > b.rank;
      if (a.end - a.begin != b.end - b.begin) return a.end - a.begin > b.end - b.begin;
      return a.begin < b.begin;
    });
    std::vector<Candidate> taken;
    for (auto& c : all) {
      const bool free = std::none_of(taken.begin(), taken.end(),
                                     [&](const Candidate& t) { return c.begin < t.end && t.begin < c.end; });
      if (free) taken.push_back(std::move(c));
    }
    std::sort(taken.begin(), taken.end(), [](const Candidate& a, const Candidate& b) { return a.begin < b.begin; });
    for (auto& c : taken) {
      c.value.text = line.text.substr(c.begin, c.end - c.begin);
      c.value.words = line.wordsIn(c.begin, c.end);
      page.values.push_back(std::move(c.value));
    }
  }
}

}  // namespace lectern::reader
