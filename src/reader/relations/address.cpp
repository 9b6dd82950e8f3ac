#include <algorithm>

#include "reader/page/accents.h"
#include "reader/relations/finders.h"
#include "reader/relations/labels.h"
#include "reader/relations/repair.h"

namespace lectern::reader {

namespace {

/// A registration number by itself: "(123456-K)", "512345-W", "JM0100200-V".
bool registration(const std::string& text) {
  static const RE2 re(
      "(?i)^\\W*(?:co(?:mpany)?\\.? ?)?(?:reg\\.?)?(?: ?no\\.?)?\\W*[A-Za-z]{0,3}\\d{4,}[A-Za-z0-9 ]{0,4}[-–]? "
      "?[A-Za-z0-9]{0,2}\\W*$");
  return RE2::FullMatch(text, re);
}

/// A row with its misread words of addresses put right.
struct AddressRow {
  std::string text;
  std::string small;
  bool postcode = false;
  bool ends = false;  // names something else: a telephone, a tax number
};

AddressRow addressRow(const Scene& scene, const SceneRow& row) {
  AddressRow out;
  out.text = repairedAddress(writtenWithoutAccents(scene.page) ? withoutAccents(row.text) : row.text);
  out.small = lowered(out.text);
  // A telephone number whose label is misread.
  static const RE2 telephone("\\b0\\d{1,2}[- ]\\d{3,4}[ -]?\\d{3,4}\\b");
  static const RE2 town("^\\W*\\d{5},? [a-z]{2}");
  static const RE2 label("^(?i)\\W*(?:hq )?add(?:ress)?\\.? ?: ?");
  RE2::Replace(&out.text, label, "");
  out.postcode = has(out.text, labels().postcode);
  out.ends = has(out.small, telephone) || (has(out.small, labels().address_end) && !has(out.small, town));
  return out;
}

bool addressLike(const AddressRow& row) {
  static const RE2 bare_number("^\\W*no\\W*\\d+\\W*$"), bracketed("^\\([^)]*\\)?$");
  if (has(row.small, bare_number) || has(row.small, bracketed)) return false;
  const bool digits = std::any_of(row.text.begin(), row.text.end(), [](char c) { return c >= '0' && c <= '9'; });
  return has(row.small, labels().address) || row.postcode || (digits && row.text.find(',') != std::string::npos);
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
    const AddressRow here = addressRow(scene, rows[r]);
    if (registration(here.text) || (here.ends && !here.postcode)) continue;
    if (addressLike(here)) {
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
    const AddressRow here = addressRow(scene, row);
    if (registration(here.text)) {
      if (r > start) break;
      continue;
    }
    if (r > start && here.ends) break;
    if (r > start && row.box.y0 - rows[r - 1].box.y1 > 1.6 * scene.em) break;
    // Below the postcode only lines go on that look like a place.
    const auto letters =
        std::count_if(row.text.begin(), row.text.end(), [](char c) { return (c | 32) >= 'a' && (c | 32) <= 'z'; });
    static const RE2 code_alone("^\\W*\\d{5}\\W*$"), country("(?:malaysia|singapore|deutschland|germany|france)\\W*$");
    if (letters < 2 && !(r > start && has(here.small, code_alone))) {
      if (r > start) break;
      continue;
    }
    bool amount = false;
    for (const int v : row.values) {
      const Value& value = scene.page.values[static_cast<size_t>(v)];
      amount = amount || isAmount(value) || value.simple_type == "date" || value.simple_type == "time";
    }
    if (r > start && amount) break;
    if (seen_postcode && !addressLike(here) && row.text.find('-') == std::string::npos &&
        row.text.find('(') == std::string::npos && letters > 24) {
      break;
    }
    if (!f.text.empty()) f.text += ' ';
    f.text += row.text;
    f.value += (f.value.empty() ? "" : " ") + here.text;
    for (const auto& s : row.segments) f.words.insert(f.words.end(), s.words.begin(), s.words.end());
    seen_postcode = seen_postcode || here.postcode;
    ++count;
    if (has(here.small, country)) break;
  }
  f.value = trimmed(f.value);
  f.confidence = seen_postcode ? 0.75f : 0.5f;
  if (f.value.size() < 6) return std::nullopt;
  return f;
}

}  // namespace lectern::reader
