#include <algorithm>

#include "reader/relations/finders.h"
#include "reader/relations/labels.h"

namespace lectern::reader {

namespace {

/// A registration number by itself: "(123456-K)", "789417-W", "JM0325955-V".
bool registration(const std::string& text) {
  static const RE2 re(
      "^\\W*(?:co(?:mpany)?\\.? ?)?(?:reg\\.?)?(?: ?no\\.?)?\\W*[A-Za-z]{0,3}\\d{4,}[A-Za-z0-9 ]{0,4}[-–]? "
      "?[A-Za-z0-9]{0,2}\\W*$");
  return RE2::FullMatch(text, re);
}

bool addressLike(const SceneRow& row) {
  const bool digits = std::any_of(row.text.begin(), row.text.end(), [](char c) { return c >= '0' && c <= '9'; });
  return has(row.small, labels().address) || has(row.text, labels().postcode) ||
         (digits && row.text.find(',') != std::string::npos);
}

std::string trimmed(std::string text) {
  static const RE2 ends("^[\\s:;*\"'~_=|-]+|[\\s:;*\"'~_=|-]+$");
  RE2::GlobalReplace(&text, ends, "");
  return text;
}

}  // namespace

std::optional<Field> findAddress(const Scene& scene, size_t after_row) {
  constexpr size_t kLook = 8, kLines = 7;
  const auto& rows = scene.rows;
  size_t start = rows.size();
  for (size_t r = after_row + 1; r < std::min(rows.size(), after_row + 1 + kLook); ++r) {
    if (registration(rows[r].text)) continue;
    if (has(rows[r].small, labels().address_end) && !has(rows[r].text, labels().postcode)) continue;
    if (addressLike(rows[r])) {
      start = r;
      break;
    }
  }
  if (start >= rows.size()) return std::nullopt;
  Field f;
  f.name = "address";
  f.page = scene.page.number;
  bool seen_postcode = false;
  size_t count = 0;
  for (size_t r = start; r < rows.size() && count < kLines; ++r) {
    const SceneRow& row = rows[r];
    if (registration(row.text)) {
      if (r > start) break;
      continue;
    }
    if (r > start && has(row.small, labels().address_end)) break;
    if (r > start && row.box.y0 - rows[r - 1].box.y1 > 1.6 * scene.em) break;
    // Below the postcode only lines go on that look like a place.
    const auto letters =
        std::count_if(row.text.begin(), row.text.end(), [](char c) { return (c | 32) >= 'a' && (c | 32) <= 'z'; });
    if (letters < 2) {
      if (r > start) break;
      continue;
    }
    bool amount = false;
    for (const int v : row.values) {
      const Value& value = scene.page.values[static_cast<size_t>(v)];
      amount = amount || isAmount(value) || value.simple_type == "date" || value.simple_type == "time";
    }
    if (r > start && amount) break;
    if (seen_postcode && !addressLike(row) && row.text.find('-') == std::string::npos &&
        row.text.find('(') == std::string::npos && letters > 24) {
      break;
    }
    if (!f.text.empty()) f.text += ' ';
    f.text += row.text;
    for (const auto& s : row.segments) f.words.insert(f.words.end(), s.words.begin(), s.words.end());
    seen_postcode = seen_postcode || has(row.text, labels().postcode);
    ++count;
  }
  f.value = repairedLetters(trimmed(f.text));
  f.confidence = seen_postcode ? 0.75f : 0.5f;
  if (f.value.size() < 6) return std::nullopt;
  return f;
}

}  // namespace lectern::reader
