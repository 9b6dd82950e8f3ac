#include "reader/values/codes.h"

#include <re2/re2.h>
#include <re2/set.h>

#include <algorithm>
#include <array>
#include <memory>

#include "reader/values/checks.h"
#include "reader/values/line_text.h"

namespace lectern::reader {

namespace {

struct Pattern {
  const char* semantic;
  const char* simple;
  const char* expression;  // group 1 is the code
  bool (*check)(std::string_view);
  bool needs_context;   // the line must name it
  const char* context;  // lower-case words of which one must stand in the line
};

constexpr const char* kCode = "alphanumeric_code";

constexpr std::array kPatterns = {
    Pattern{"iban", kCode, "\\b([A-Z]{2}\\d{2}(?: ?[0-9A-Z]{4}){2,7}(?: ?[0-9A-Z]{1,3})?)\\b", isIban, false, ""},
    Pattern{"gstin", kCode, "\\b(\\d{2}[A-Z]{5}\\d{4}[A-Z][0-9A-Z]Z[0-9A-Z])\\b", isGstin, false, ""},
    Pattern{"lei", kCode, "\\b([0-9A-Z]{18}\\d{2})\\b", isLei, true, "lei|legal entity"},
    Pattern{"isin", kCode, "\\b([A-Z]{2}[0-9A-Z]{9}\\d)\\b", isIsin, true, "isin"},
    Pattern{"cusip", kCode, "\\b([0-9A-Z]{8}\\d)\\b", isCusip, true, "cusip"},
    Pattern{"vat_id", kCode,
            "\\b((?:DE ?\\d{3} ?\\d{3} ?\\d{3}|FR ?\\d{2} ?\\d{3} ?\\d{3} ?\\d{3}|IT ?\\d{11}|GB ?\\d{3} ?\\d{4} "
            "?\\d{2}|BE ?0?\\d{3}[. "
            "]?\\d{3}[. ]?\\d{3}|(?:GR|EL) ?\\d{9}|IE ?\\d{7}[A-Z]{1,2}|ES ?[0-9A-Z]\\d{7}[0-9A-Z]|PL ?\\d{10}|NL "
            "?\\d{9}B\\d{2}|AT ?U "
            "?\\d{8}|LU ?\\d{8}|DK ?\\d{8}|SE ?\\d{12}|FI ?\\d{8}|PT ?\\d{9}))\\b",
            isVat, false, ""},
    Pattern{"isbn", kCode, "\\b(97[89][- ]?(?:\\d[- ]?){9}\\d)\\b", isIsbn13, false, ""},
    Pattern{"isbn", kCode, "\\b((?:\\d[- ]?){9}[\\dX])\\b", isIsbn10, true, "isbn"},
    Pattern{"issn", kCode, "\\b(\\d{4}-\\d{3}[\\dX])\\b", isIssn, true, "issn"},
    Pattern{"ean", "integer", "\\b(\\d{13}|\\d{12})\\b", isGtin, false, ""},
    Pattern{"card", "integer", "\\b(\\d{4}[ -]?\\d{4}[ -]?\\d{4}[ -]?\\d{4})\\b", luhn, false, ""},
    Pattern{"aba", "integer", "\\b(\\d{9})\\b", isAba, true, "routing|aba"},
    Pattern{"vin", kCode, "\\b([0-9A-HJ-NPR-Z]{17})\\b", isVin, false, ""},
    Pattern{"container", kCode, "\\b([A-Z]{3}[UJZ] ?\\d{6}[ -]?\\d)\\b", isContainer, false, ""},
    Pattern{"pan", kCode, "\\b([A-Z]{5}\\d{4}[A-Z])\\b", isPan, false, ""},
    Pattern{"ifsc", kCode, "\\b([A-Z]{4}0[0-9A-Z]{6})\\b", isIfsc, true, "ifsc"},
    Pattern{"bic", kCode, "\\b([A-Z]{6}[0-9A-Z]{2}(?:[0-9A-Z]{3})?)\\b", isBic, true, "bic|swift"},
    Pattern{"aadhaar", "integer", "\\b(\\d{4} ?\\d{4} ?\\d{4})\\b", isAadhaar, true, "aadhaar|uid"},
    Pattern{"email", "word", "([\\w.+-]+ ?@ ?[\\w-]+(?:\\.[\\w-]+)* ?\\. ?[A-Za-z]{2,10})\\b", nullptr, false, ""},
    Pattern{"url", "word", "((?:https?://|www\\.)[^\\s<>\"]+[\\w/])", nullptr, false, ""},
    Pattern{"url", "word",
            "\\b([a-z][a-z0-9-]*(?:\\.[a-z0-9-]+)*\\.(?:com|org|net|de|eu|fr|nl|my|uk|in|gov|edu|info)(?:/"
            "[^\\s<>\"]*)?)\\b",
            nullptr, false, ""},
    Pattern{"ip", kCode, "\\b((?:\\d{1,3}\\.){3}\\d{1,3})\\b", nullptr, true, "ip"},
    Pattern{"phone", kCode, "(\\+\\d{1,3}[\\d ()/.-]{6,16}\\d)\\b", nullptr, false, ""},
    Pattern{"phone", kCode, "(\\(?\\d[\\d ()/.-]{5,15}\\d)\\b", nullptr, true,
            "tel|phone|fax|hotline|mobile|h/p|hp:|telefon|call "},
    Pattern{"phone", kCode, "(\\(\\d{3}\\) ?\\d{3}[- ]\\d{4})\\b", nullptr, false, ""},
};

std::string upperTight(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == ' ' || c == '-' || c == '.') continue;
    out += c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  }
  return out;
}

/// All patterns in one automaton: most lines match none of them.
const RE2::Set& prefilter() {
  static const auto set = [] {
    auto s = std::make_unique<RE2::Set>(RE2::DefaultOptions, RE2::UNANCHORED);
    for (const auto& p : kPatterns) s->Add(p.expression, nullptr);
    s->Compile();
    return s;
  }();
  return *set;
}

const RE2& expression(size_t i) {
  static const auto all = [] {
    std::vector<std::unique_ptr<RE2>> v;
    for (const auto& p : kPatterns) v.push_back(std::make_unique<RE2>(p.expression));
    return v;
  }();
  return *all[i];
}

/// The one code that passes after a single confusion is taken back; empty when none or several do.
std::string repaired(const std::string& code, bool (*check)(std::string_view)) {
  static constexpr std::string_view kConfusions[] = {"0OQD", "1IL", "2Z", "5S", "8B", "6G", "4A"};
  std::string found;
  for (size_t i = 0; i < code.size(); ++i) {
    for (const auto group : kConfusions) {
      if (group.find(code[i]) == std::string_view::npos) continue;
      for (const char other : group) {
        if (other == code[i]) continue;
        std::string candidate = code;
        candidate[i] = other;
        if (!check(candidate)) continue;
        if (!found.empty() && found != candidate) return "";
        found = candidate;
      }
    }
  }
  return found;
}

bool plausiblePhone(const std::string& text) {
  const auto digits = std::count_if(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
  return digits >= 7 && digits <= 15;
}

/// One of the words stands in the text, not as the end of another: "tel" is not in "bestellung".
bool named(const std::string& lower_text, std::string_view words) {
  size_t at = 0;
  while (at <= words.size()) {
    const size_t bar = std::min(words.find('|', at), words.size());
    const std::string_view word = words.substr(at, bar - at);
    for (size_t i = lower_text.find(word); i != std::string::npos; i = lower_text.find(word, i + 1)) {
      if (i == 0 || lower_text[i - 1] < 'a' || lower_text[i - 1] > 'z') return true;
    }
    at = bar + 1;
  }
  return false;
}

/// A code of a form that hardly anything else has, whose check digits are wrong: misread, or an example.
bool shapedLikeCode(const Pattern& p, const std::string& raw, const std::string& code) {
  const std::string_view name = p.semantic;
  if (name == "vat_id") return raw.size() == code.size();  // in one piece
  return name == "iban" && ibanShaped(code);
}

/// Fills normalized, checksum and confidence; false when it is no such code after all.
bool judge(const Pattern& p, const std::string& raw, bool in_context, CodeFound& code) {
  code.normalized = upperTight(raw);
  if (p.check == nullptr) {
    code.normalized = raw;
    std::erase(code.normalized, ' ');
    code.confidence = 0.9f;
    static const RE2 date("\\d{1,2}[./-]\\d{1,2}[./-](?:19|20)\\d{2}");
    return std::string_view(p.semantic) != "phone" || (plausiblePhone(raw) && !RE2::FullMatch(raw, date));
  }
  if (p.check(code.normalized)) {
    code.checksum = Checksum::kOk;
    code.confidence = 0.97f;
    return true;
  }
  // Without a name beside it only a right check digit makes a string of digits a code.
  if (const std::string better = repaired(code.normalized, p.check);
      !better.empty() && (in_context || code.normalized.size() >= 15)) {
    code.normalized = better;
    code.checksum = Checksum::kOk;
    code.confidence = 0.8f;
    return true;
  }
  code.checksum = Checksum::kBad;
  code.confidence = 0.5f;
  return in_context || shapedLikeCode(p, raw, code.normalized);
}

}  // namespace

std::vector<CodeFound> findCodes(const std::string& text) {
  std::vector<CodeFound> out;
  std::vector<int> hits;
  if (!prefilter().Match(text, &hits)) return out;
  std::sort(hits.begin(), hits.end());
  const std::string small = lower(text);
  for (const int hit : hits) {
    const Pattern& p = kPatterns[static_cast<size_t>(hit)];
    const std::string name = p.semantic;
    const bool in_context = p.needs_context ? named(small, p.context) : small.find(name) != std::string::npos;
    if (p.needs_context && !in_context) continue;
    re2::StringPiece groups[2];
    size_t from = 0;
    const RE2& re = expression(static_cast<size_t>(hit));
    while (from < text.size() && re.Match(text, from, text.size(), RE2::UNANCHORED, groups, 2)) {
      CodeFound code;
      code.begin = static_cast<size_t>(groups[1].data() - text.data());
      code.end = code.begin + groups[1].size();
      from = std::max(code.end, code.begin + 1);
      code.semantic = name;
      code.simple = p.simple;
      if (judge(p, std::string(groups[1]), in_context, code)) out.push_back(std::move(code));
    }
  }
  std::stable_sort(out.begin(), out.end(),
                   [](const CodeFound& a, const CodeFound& b) { return a.confidence > b.confidence; });
  return out;
}

}  // namespace lectern::reader
