#include <algorithm>
#include <map>

#include "reader/relations/finders.h"
#include "reader/relations/labels.h"
#include "reader/relations/relations.h"

namespace lectern::reader {

namespace {

/// What names the value: the text to its left in the row, else the nearest row above it in the same column.
std::string labelOf(const Scene& scene, size_t r, const Box& box) {
  std::string label = lowered(scene.textBefore(scene.rows[r], box.x0));
  const bool letters = std::any_of(label.begin(), label.end(), [](char c) { return c >= 'a' && c <= 'z'; });
  if (letters) return label;
  for (size_t up = 1; up <= 2 && up <= r; ++up) {
    const SceneRow& row = scene.rows[r - up];
    if (box.y0 - row.box.y1 > 2.5 * scene.em) break;
    for (const auto& s : row.segments) {
      if (horizontalOverlap(s.box, box) > 0.2) return label + " " + lowered(textOf(scene.page, s.words));
    }
  }
  return label;
}

double dateScore(const Scene& scene, size_t r, const Value& value) {
  const Box box = scene.boxOf(value);
  const std::string label = labelOf(scene, r, box);
  double score = value.confidence * 4;
  if (value.normalized.size() != 10) return -10;
  if (has(label, labels().date)) score += 3;
  if (has(label, labels().other_date)) score -= 4;
  if (has(label, RE2("rechnungsdatum|invoice date|date de facture|factuurdatum|belegdatum|issue date|bill date")))
    score += 3;
  if (has(scene.rows[r].small, labels().invoice_title) && !has(label, labels().other_date)) score += 2.5;
  const std::string year = value.normalized.substr(0, 4);
  if (year < "1990" || year > "2035") score -= 2;
  for (const int v : scene.rows[r].values) {
    if (scene.page.values[static_cast<size_t>(v)].simple_type == "time") score += 0.7;
  }
  return score - 1.5 * static_cast<double>(r) / static_cast<double>(scene.rows.size());
}

template <typename Score>
std::optional<Field> bestDate(const Scene& scene, const char* name, double least, Score score) {
  const Value* best = nullptr;
  double best_score = least;
  for (size_t r = 0; r < scene.rows.size(); ++r) {
    for (const int v : scene.rows[r].values) {
      const Value& value = scene.page.values[static_cast<size_t>(v)];
      if (value.simple_type != "date") continue;
      const double s = score(r, value);
      if (s > best_score) {
        best_score = s;
        best = &value;
      }
    }
  }
  if (best == nullptr) return std::nullopt;
  return fieldOf(scene, name, *best, 0.35 + best_score / 14);
}

bool numberToken(const std::string& text) {
  const bool digit = std::any_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
  const bool plain = std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' || c == '/' ||
           c == '.' || c == '_' || c == '#';
  });
  return digit && plain && text.size() >= 3;
}

/// A word without the marks around it.
std::string bare(std::string text) {
  static const RE2 marks("^[^\\pL\\d]+|[^\\pL\\d]+$");
  RE2::GlobalReplace(&text, marks, "");
  return text;
}

struct NumberFound {
  std::string text;
  int word = -1;
};

/// The first code in the words; dates and times are none.
NumberFound codeIn(const Scene& scene, const std::vector<int>& words) {
  static const RE2 date_or_time("^\\d{1,4}[-/.]\\d{1,2}[-/.]\\d{2,4}$|^\\d{1,2}:\\d{2}");
  for (const int w : words) {
    const std::string text = bare(scene.page.words[static_cast<size_t>(w)].text);
    if (!numberToken(text) || RE2::PartialMatch(text, date_or_time)) continue;
    return {text, w};
  }
  return {};
}

/// Words of the row from x on, whatever segment they are in.
std::vector<int> wordsFrom(const Scene& scene, const SceneRow& row, int x) {
  std::vector<int> out;
  for (const auto& s : row.segments) {
    for (const int w : s.words) {
      if (scene.page.words[static_cast<size_t>(w)].box.centerX() > x) out.push_back(w);
    }
  }
  return out;
}

/// The words of a row up to and with the label; the label may end inside a word ("No:12").
NumberFound afterLabel(const Scene& scene, size_t r, const re2::StringPiece& match, const std::string& text) {
  const SceneRow& row = scene.rows[r];
  const auto end = static_cast<size_t>(match.data() - text.data()) + match.size();
  size_t at = 0;
  std::vector<int> rest;
  int label_x = row.box.x1;
  Box label_box;
  const auto begin = static_cast<size_t>(match.data() - text.data());
  for (const auto& s : row.segments) {
    for (const int w : s.words) {
      const Word& word = scene.page.words[static_cast<size_t>(w)];
      const size_t word_end = at + word.text.size();
      if (at < end && word_end > begin) label_box = unite(label_box, word.box);
      if (at >= end) {
        rest.push_back(w);
      } else if (word_end > end) {
        const std::string tail = bare(word.text.substr(end - at));
        if (numberToken(tail)) return {tail, w};
      }
      at = word_end + 1;
    }
  }
  label_x = std::min(label_x, label_box.x1);
  // Only what stands near the label: the next segment, not the far column.
  std::vector<int> near;
  int reach = label_x;
  for (const int w : rest) {
    const Box& box = scene.page.words[static_cast<size_t>(w)].box;
    if (!near.empty() && box.x0 - reach > 6 * scene.em) break;
    near.push_back(w);
    reach = box.x1;
    if (near.size() >= 5) break;
  }
  if (const NumberFound found = codeIn(scene, near); found.word >= 0) return found;
  // Below the label, in its column.
  for (size_t down = 1; down <= 2 && r + down < scene.rows.size(); ++down) {
    const SceneRow& below = scene.rows[r + down];
    if (below.box.y0 - row.box.y1 > 2.5 * scene.em) break;
    for (const auto& s : below.segments) {
      if (horizontalOverlap(s.box, label_box) <= 0.2) continue;
      if (const NumberFound found = codeIn(scene, s.words); found.word >= 0) return found;
    }
  }
  return {};
}

Field numberField(const Scene& scene, const char* name, const NumberFound& found, float confidence) {
  Field f;
  f.name = name;
  f.value = f.text = found.text;
  f.page = scene.page.number;
  f.words = {found.word};
  f.confidence = confidence;
  return f;
}

void add(Document& document, std::optional<Field> field) {
  if (!field || field->value.empty()) return;
  for (const auto& f : document.fields) {
    if (f.name == field->name) return;
  }
  document.fields.push_back(std::move(*field));
}

/// A currency's code or sign in a word.
std::string currencyWord(const std::string& text) {
  static const RE2 code("(?:^|\\W)(EUR|USD|GBP|MYR|INR|CHF|SGD)(?:\\W|$)");
  std::string found;
  if (RE2::PartialMatch(text, code, &found)) return found;
  if (text.find("€") != std::string::npos) return "EUR";
  if (text.find("£") != std::string::npos) return "GBP";
  if (text == "Rs" || text == "Rs.") return "INR";
  if (text.starts_with("$")) return "USD";
  return text.starts_with("RM") ? "MYR" : "";
}

/// The currency that most amounts carry or that is named most often.
Field currencyOf(const Document& document) {
  std::map<std::string, std::pair<double, Field>> votes;
  const auto vote = [&](const std::string& code, double weight, const Page& page, const std::vector<int>& words) {
    auto& [sum, field] = votes[code];
    if (sum == 0) {
      field.page = page.number;
      field.words = words;
    }
    sum += weight;
  };
  for (const auto& page : document.pages) {
    for (const auto& v : page.values) {
      if (!v.currency.empty()) vote(v.currency, 2, page, v.words);
    }
    for (size_t i = 0; i < page.words.size(); ++i) {
      const std::string code = currencyWord(page.words[i].text);
      if (!code.empty()) vote(code, 1, page, {static_cast<int>(i)});
    }
  }
  Field best;
  double best_sum = 0;
  for (auto& [code, found] : votes) {
    if (found.first <= best_sum) continue;
    best_sum = found.first;
    best = found.second;
    best.value = best.text = code;
  }
  best.name = "currency";
  best.confidence = 0.8f;
  return best;
}

Field renamed(Field field, const char* name) {
  field.name = name;
  return field;
}

void addIds(Document& document, const Scene& scene) {
  for (const auto& v : scene.page.values) {
    if (v.checksum == Checksum::kBad) continue;
    for (const char* name : {"iban", "bic", "vat_id", "gstin", "email", "phone", "url"}) {
      if (v.semantic_type == name) add(document, fieldOf(scene, name, v, v.confidence));
    }
  }
}

void addHead(Document& document, const Scene& scene) {
  const auto company = findCompany(scene);
  if (document.type == "invoice") {
    if (auto seller = findSeller(scene)) {
      add(document, renamed(*seller, "company"));
      add(document, *seller);
      add(document, renamed(*seller, "issuer"));
    }
  } else if (company) {
    add(document, company->field);
  }
  add(document, findAddress(scene, company ? company->row : 0));
}

/// The sums: total, amount, net, tax and what is due.
void addSums(Document& document, Total total) {
  for (const auto& page : document.pages) {
    if (page.number != total.field.page) continue;
    const Scene scene(page);
    const bool credit = std::any_of(scene.rows.begin(), scene.rows.end(),
                                    [](const SceneRow& r) { return has(r.small, labels().credit_note); });
    // A credit note prints its sums negative; its fields say how much is given back.
    if (credit && total.field.value.starts_with("-")) total.field.value.erase(0, 1);
    add(document, total.field);
    add(document, renamed(total.field, "amount"));
    if (document.type == "invoice") add(document, renamed(total.field, "due"));
    Taxes taxes = findTaxes(scene, total.field.value);
    for (auto* part : {&taxes.tax, &taxes.net}) {
      if (credit && *part && (*part)->value.starts_with("-")) (*part)->value.erase(0, 1);
    }
    if (taxes.tax) {
      add(document, *taxes.tax);
      add(document, renamed(*taxes.tax, "amount_tax"));
    }
    if (taxes.net) {
      add(document, *taxes.net);
      add(document, renamed(*taxes.net, "amount_untaxed"));
    }
  }
}

}  // namespace

std::optional<Field> findDate(const Scene& scene) {
  return bestDate(scene, "date", -5, [&](size_t r, const Value& v) { return dateScore(scene, r, v); });
}

std::optional<Field> findDueDate(const Scene& scene) {
  return bestDate(scene, "date_due", 2.5, [&](size_t r, const Value& v) {
    return has(labelOf(scene, r, scene.boxOf(v)), labels().due_date) && v.normalized.size() == 10 ? 6.0 : 0.0;
  });
}

namespace {

/// The code in the words of a segment from a place in its text on.
NumberFound codeFrom(const Scene& scene, const Segment& segment, size_t from) {
  size_t at = 0;
  int looked = 0;
  for (const int w : segment.words) {
    const std::string& word = scene.page.words[static_cast<size_t>(w)].text;
    const size_t end = at + word.size();
    if (end > from && ++looked <= 3) {
      const std::string tail = bare(at >= from ? word : word.substr(from - at));
      const auto digits = std::count_if(tail.begin(), tail.end(), [](char c) { return c >= '0' && c <= '9'; });
      if (numberToken(tail) && digits >= 3 && codeIn(scene, {w}).word >= 0) return {tail, w};
    }
    at = end + 1;
  }
  return {};
}

/// "Invoice INV/2021/07/0042", "Handelsrechnung (380) Nr. 5501": the code right behind the title.
std::optional<Field> numberInTitle(const Scene& scene) {
  for (const auto& row : scene.rows) {
    for (const auto& s : row.segments) {
      const std::string text = lowered(textOf(scene.page, s.words));
      re2::StringPiece match;
      size_t from = 0;
      while (labels().invoice_title.Match(text, from, text.size(), RE2::UNANCHORED, &match, 1)) {
        from = static_cast<size_t>(match.data() - text.data()) + match.size();
        const NumberFound found = codeFrom(scene, s, from);
        if (found.word >= 0) return numberField(scene, "invoice_number", found, 0.7f);
      }
    }
  }
  return std::nullopt;
}

}  // namespace

std::optional<Field> findInvoiceNumber(const Scene& scene) {
  for (size_t r = 0; r < scene.rows.size(); ++r) {
    const std::string& text = scene.rows[r].small;
    re2::StringPiece match;
    if (!labels().invoice_number.Match(text, 0, text.size(), RE2::UNANCHORED, &match, 1)) continue;
    const NumberFound found = afterLabel(scene, r, match, text);
    if (found.word >= 0) return numberField(scene, "invoice_number", found, 0.8f);
  }
  return numberInTitle(scene);
}

void findFields(Document& document) {
  document.fields.clear();
  if (document.type != "receipt" && document.type != "invoice") return;
  std::optional<Total> total;
  for (const auto& page : document.pages) {
    const Scene scene(page);
    if (scene.rows.empty()) continue;
    if (page.number == document.pages.front().number) addHead(document, scene);
    add(document, findDate(scene));
    add(document, findInvoiceNumber(scene));
    add(document, findDueDate(scene));
    auto here = findTotal(scene, document.type == "invoice");
    if (here && (!total || here->field.confidence > total->field.confidence)) total = std::move(here);
    addIds(document, scene);
  }
  if (total) addSums(document, std::move(*total));
  add(document, currencyOf(document));
}

}  // namespace lectern::reader
