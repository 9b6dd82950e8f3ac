#include <algorithm>

#include "reader/page/accents.h"
#include "reader/relations/finders.h"
#include "reader/relations/labels.h"
#include "reader/relations/repair.h"

namespace lectern::reader {

namespace {

/// Takes registration numbers and their brackets off a name: "X SDN BHD (123456-K)", "X CO.REG 123".
std::string cleanName(std::string text) {
  static const RE2 bracket(
      "\\s*[(\\[]?[^(\\[]*(?:\\d{4,}|\\d-\\d|CO\\.?\\s?(?:REG|NO)|REG\\.?\\s?NO)[^)\\]]*[)\\]]?.*$");
  static const RE2 number_tail("\\s+[(\\[]?\\s?[A-Z]{0,4}\\s?\\d{4,}\\s?[-–]?\\s?[A-Z]{0,2}\\s?[)\\]]?.*$");
  static const RE2 bracket_tail("\\s*[(\\[][^()\\[\\]]*\\d[^()\\[\\]]*[)\\]]?.*$");
  RE2::Replace(&text, bracket_tail, "");
  RE2::Replace(&text, number_tail, "");
  static const RE2 ends("^[\\s.,:;*\"'~_=|-]+|[\\s,:;*\"'~_=|-]+$");
  RE2::GlobalReplace(&text, ends, "");
  return text;
}

/// "Owned by: X Sdn Bhd" without what names the name.
std::string withoutLabel(const std::string& text) {
  const size_t at = text.find(':');
  if (at == std::string::npos || at > 16) return text;
  const std::string rest = text.substr(at + 1);
  return has(lowered(rest), labels().legal_form) ? rest : text;
}

/// A line of nothing but words of trade and legal forms: the second half of a name, or what the shop is.
bool tradeOnly(std::string small) {
  RE2::GlobalReplace(&small, labels().legal_form, " ");
  RE2::GlobalReplace(&small, labels().trade, " ");
  static const RE2 rest("[a-z]{3,}");
  return !RE2::PartialMatch(small, rest);
}

size_t lettersIn(const std::string& text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || static_cast<unsigned char>(c) >= 0x80;
  }));
}

size_t digitsIn(const std::string& text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; }));
}

std::vector<int> wordsOf(const SceneRow& row) {
  std::vector<int> out;
  for (const auto& s : row.segments) out.insert(out.end(), s.words.begin(), s.words.end());
  return out;
}

double meanConfidence(const Scene& scene, const SceneRow& row) {
  double sum = 0;
  int n = 0;
  for (const int w : wordsOf(row)) {
    sum += scene.page.words[static_cast<size_t>(w)].confidence;
    ++n;
  }
  return n == 0 ? 0 : sum / n;
}

/// Only a legal form: the second half of a name over two lines.
bool onlyLegalForm(const std::string& small) {
  static const RE2 only(
      "^\\W*(?:\\(?m\\)? ?)?(?:sdn\\.? ?,? ?bhd|bhd|s/b|gmbh|ltd|limited|inc|llc|ag|plc)\\W*(?:\\(?\\d.*)?$");
  return RE2::FullMatch(small, only);
}

}  // namespace

namespace {

/// A row with its letters and legal form put right.
struct NameRow {
  std::string text;
  std::string small;
};

NameRow nameRow(const SceneRow& row) {
  NameRow out{repairedName(row.text), ""};
  out.small = lowered(out.text);
  return out;
}

double nameScore(const Scene& scene, const SceneRow& row, const NameRow& name) {
  const size_t letters = lettersIn(name.text);
  double score = 0;
  if (has(name.small, labels().legal_form))
    score += 5;
  else if (has(name.small, labels().trade) && !tradeOnly(name.small))
    score += 1.5;
  if (has(name.small, labels().not_company)) score -= 4;
  if (digitsIn(name.text) > letters) score -= 3;
  if (letters < 6) score -= 1.5;
  if (row.segments.size() > 2) score -= 2;
  if (row.box.height() > 1.35 * scene.em) score += 1;
  // Handwriting and logos are read badly and in small letters.
  if (meanConfidence(scene, row) < 0.75) score -= 2;
  const bool any_capital =
      std::any_of(name.text.begin(), name.text.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
  return any_capital ? score : score - 2.5;
}

/// The row cannot be where a name begins: a legal form, words of trade with one, the end of a bracket.
bool goesOnFromAbove(const NameRow& name) {
  static const RE2 closes("^[^(]*\\)"), opens_late("^\\W*[a-z]+ \\([^)]*$");
  if (has(name.small, closes)) return true;
  if (has(name.small, opens_late)) return tradeOnly(name.small.substr(0, name.small.find('(')));
  return onlyLegalForm(name.small) || (has(name.small, labels().legal_form) && tradeOnly(name.small));
}

/// The row below belongs to the name: its legal form, what follows an "&", or a word of trade alone.
bool goesOnBelow(const Scene& scene, size_t r, const NameRow& name) {
  if (r + 1 >= scene.rows.size() || has(name.small, labels().legal_form)) return false;
  const SceneRow& next = scene.rows[r + 1];
  const NameRow below = nameRow(next);
  if (onlyLegalForm(below.small)) return true;
  const bool close = next.box.y0 - scene.rows[r].box.y1 < 0.8 * scene.em && next.segments.size() == 1 &&
                     digitsIn(below.text) == 0 && next.segments[0].words.size() <= 2;
  return close && (name.text.ends_with('&') || (tradeOnly(below.small) && lettersIn(below.text) >= 6));
}

}  // namespace

std::optional<Company> findCompany(const Scene& scene) {
  const auto& rows = scene.rows;
  const size_t limit = std::min<size_t>(rows.size(), 14);
  size_t best = rows.size();
  double best_score = 0;
  int place = 0;
  std::vector<NameRow> names;
  for (size_t r = 0; r < limit; ++r) {
    names.push_back(nameRow(rows[r]));
    if (lettersIn(rows[r].text) < 3) continue;
    const double score = 4 - 0.7 * place + nameScore(scene, rows[r], names[r]);
    ++place;
    if (score > best_score) {
      best_score = score;
      best = r;
    }
  }
  if (best >= rows.size()) return std::nullopt;
  size_t first = best, last = best;
  while (first > 0 && best - first < 2 && goesOnFromAbove(names[first]) && digitsIn(names[first - 1].text) == 0 &&
         lettersIn(names[first - 1].text) >= 4 && rows[first].box.y0 - rows[first - 1].box.y1 < 0.8 * scene.em &&
         rows[first - 1].segments.size() <= 2) {
    --first;
  }
  if (goesOnBelow(scene, best, names[best])) last = best + 1;
  Company out;
  out.row = last;
  out.field.name = "company";
  out.field.page = scene.page.number;
  for (size_t r = first; r <= last; ++r) {
    if (!out.field.text.empty()) out.field.text += ' ';
    out.field.text += rows[r].text;
    const auto words = wordsOf(rows[r]);
    out.field.words.insert(out.field.words.end(), words.begin(), words.end());
  }
  std::string name = cleanName(withoutLabel(out.field.text));
  if (writtenWithoutAccents(scene.page)) name = withoutAccents(name);
  out.field.value = repairedName(name);
  if (out.field.value.empty()) out.field.value = out.field.text;
  out.field.confidence = static_cast<float>(std::clamp(0.2 + best_score / 12, 0.1, 0.95));
  return out;
}

}  // namespace lectern::reader
