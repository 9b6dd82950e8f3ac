#include "reader/question/lexicon.h"

#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <memory>
#include <set>

namespace lectern::reader {

namespace {

struct FieldWords {
  const char* name;
  const char* words;  // over plain text
};

// The first that matches wins: the more special stand first.
constexpr std::array kFields = {
    FieldWords{"invoice_number",
               "invoice (?:number|no|nr|id)|number of the (?:invoice|bill|receipt)|(?:receipt|bill|document) "
               "(?:number|no|id)|"
               "rechnungs ?nummer|numéro de facture|invoice identifier"},
    FieldWords{"date_due", "due date|date due|when .*\\bdue\\b|pay(?:able)? (?:by|until)|deadline|fällig\\w*"},
    FieldWords{
        "date",
        "\\bdates?\\b|\\bwhen\\b|which day|what day|datum|\\bdated\\b|invoice date|receipt date|purchase date|day of"},
    FieldWords{"net",
               "net (?:amount|total|sum)|before tax|without tax|untaxed|excluding (?:tax|vat)|subtotal|netto\\w*"},
    FieldWords{"tax", "\\btax(?:es)?\\b|\\bgst\\b|\\bvat\\b(?: amount)?|mwst|umsatzsteuer"},
    FieldWords{"currency", "currency|which money|währung"},
    FieldWords{"iban", "\\biban\\b|bank account"},
    FieldWords{"bic", "\\bbic\\b|swift"},
    FieldWords{"phone", "phone(?: number)?|telephone(?: number)?"},
    FieldWords{"email", "e ?mail(?: address)?"},
    FieldWords{"url", "web ?site|\\burl\\b|homepage"},
    FieldWords{"total",
               "(?:grand |final )?totals?(?: amount| sum| price| bill| cost)?|how much|amount(?: due| paid| "
               "payable)?|\\bsum\\b|"
               "price|\\bcosts?\\b|\\bpaid\\b|to pay|gesamt\\w*|betrag|spent|\\bpay\\b"},
    FieldWords{"address",
               "address(?:es)?|where (?:is|was|are|does)\\b|located|location|anschrift|adresse|\\bwhere\\b"},
    FieldWords{
        "company",
        "compan(?:y|ies)(?: name)?|\\bshop\\b|\\bstores?\\b|sellers?\\b|vendor|merchant|issuer|issued (?:by|it|this)|"
        "who (?:issued|sold|made|sent|wrote|is)\\b|\\bfirm\\b|supplier|business(?: name)?|verkäufer|\\bwhose\\b|name "
        "of the (?:shop|store)"},
};

const std::set<std::string>& fillers() {
  static const std::set<std::string> words = {
      "what",   "whats",    "which",   "who",     "when",        "where",    "how",      "is",      "was",
      "are",    "were",     "the",     "a",       "an",          "of",       "on",       "in",      "for",
      "to",     "from",     "by",      "at",      "this",        "that",     "it",       "its",     "does",
      "did",    "do",       "show",    "tell",    "me",          "give",     "find",     "please",  "value",
      "stated", "given",    "printed", "s",       "and",         "has",      "have",     "there",   "can",
      "you",    "document", "receipt", "invoice", "bill",        "form",     "page",     "much",    "name",
      "number", "made",     "written", "listed",  "shown",       "field",    "purchase", "issued",  "paid",
      "says",   "say",      "said",    "read",    "be",          "filled",   "entry",    "entered", "under",
      "with",   "letter",   "bought",  "sold",    "total",       "table",    "i",        "my",      "used",
      "using",  "charged",  "billed",  "owed",    "transaction", "payment",  "took",     "happen",  "occurred",
      "stands", "called",   "exact",   "full",    "complete",    "customer", "main",     "day",     "we",
      "our",    "your",     "der",     "die",     "das",         "ist",      "wie",      "lautet",  "hoch",
      "wer"};
  return words;
}

char folded(char c) {
  switch (c) {
    case '0':
      return 'o';
    case '1':
    case 'i':
      return 'l';
    case '5':
      return 's';
    case '8':
      return 'b';
    default:
      return c;
  }
}

constexpr std::array<const char*, 12> kMonths = {"january",   "february", "march",    "april",
                                                 "may",       "june",     "july",     "august",
                                                 "september", "october",  "november", "december"};

}  // namespace

std::string plainText(const std::string& text) {
  std::string out;
  for (const char c : text) {
    const bool upper = c >= 'A' && c <= 'Z';
    const bool keep =
        upper || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || static_cast<unsigned char>(c) >= 0x80;
    if (keep)
      out += upper ? static_cast<char>(c + 32) : c;
    else if (!out.empty() && out.back() != ' ')
      out += ' ';
  }
  while (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

std::vector<std::string> tokensOf(const std::string& plain) {
  std::vector<std::string> out;
  size_t at = 0;
  while (at < plain.size()) {
    const size_t space = std::min(plain.find(' ', at), plain.size());
    if (space > at) out.push_back(plain.substr(at, space - at));
    at = space + 1;
  }
  return out;
}

double likeness(const std::string& a, const std::string& b) {
  constexpr size_t kMost = 200;
  if (a == b) return 1;
  if (a.empty() || b.empty() || a.size() > kMost || b.size() > kMost) return 0;
  std::vector<double> row(b.size() + 1), next(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = static_cast<double>(j);
  for (size_t i = 1; i <= a.size(); ++i) {
    next[0] = static_cast<double>(i);
    for (size_t j = 1; j <= b.size(); ++j) {
      const double change = a[i - 1] == b[j - 1] ? 0 : folded(a[i - 1]) == folded(b[j - 1]) ? 0.2 : 1;
      next[j] = std::min({row[j] + 1, next[j - 1] + 1, row[j - 1] + change});
    }
    std::swap(row, next);
  }
  return 1 - row[b.size()] / static_cast<double>(std::max(a.size(), b.size()));
}

std::optional<FieldAsked> fieldAsked(const std::string& plain) {
  static const auto patterns = [] {
    std::vector<std::unique_ptr<RE2>> v;
    for (const auto& f : kFields) v.push_back(std::make_unique<RE2>(std::string("(?:^|\\b)(") + f.words + ")"));
    return v;
  }();
  for (size_t i = 0; i < kFields.size(); ++i) {
    if (!RE2::PartialMatch(plain, *patterns[i])) continue;
    std::string rest = plain;
    for (const auto& p : patterns) RE2::GlobalReplace(&rest, *p, " ");
    FieldAsked asked{kFields[i].name, true};
    for (const auto& token : tokensOf(plainText(rest))) {
      if (fillers().count(token) == 0) asked.exact = false;
    }
    return asked;
  }
  return std::nullopt;
}

std::string subjectOf(const std::string& plain) {
  static const std::set<std::string> weak = {
      "what",     "whats", "which", "who",   "when",  "where",  "how",     "is",      "was",    "are",
      "were",     "the",   "a",     "an",    "show",  "tell",   "me",      "give",    "find",   "please",
      "does",     "did",   "do",    "this",  "that",  "value",  "of",      "for",     "stated", "given",
      "in",       "on",    "it",    "s",     "has",   "have",   "there",   "can",     "you",    "say",
      "document", "form",  "page",  "field", "under", "filled", "entered", "written", "listed"};
  auto tokens = tokensOf(plain);
  size_t first = 0, last = tokens.size();
  while (first < last && weak.count(tokens[first]) > 0) ++first;
  while (last > first && weak.count(tokens[last - 1]) > 0) --last;
  std::string out;
  for (size_t i = first; i < last; ++i) out += (out.empty() ? "" : " ") + tokens[i];
  return out;
}

std::vector<std::string> quoted(const std::string& question) {
  static const RE2 marks("[\"“”„]([^\"“”„]+)[\"“”]|(?:^|\\s)'([^']+)'(?:\\s|[?.,]|$)");
  std::vector<std::string> out;
  re2::StringPiece rest(question);
  std::string a, b;
  while (RE2::FindAndConsume(&rest, marks, &a, &b)) out.push_back(a.empty() ? b : a);
  return out;
}

std::string dateAsked(const std::string& plain) {
  static const RE2 year_re("\\b((?:19|20)\\d{2})\\b");
  std::string year;
  if (!RE2::PartialMatch(plain, year_re, &year)) return "";
  for (size_t m = 0; m < kMonths.size(); ++m) {
    const std::string name = kMonths[m];
    std::string day;
    const RE2 with_month("\\b(?:(\\d{1,2})(?:st|nd|rd|th)? )?(?:" + name + "|" + name.substr(0, 3) + ")\\b");
    if (!RE2::PartialMatch(plain, with_month, &day)) continue;
    return day.empty() ? fmt::format("{}-{:02}", year, m + 1)
                       : fmt::format("{}-{:02}-{:02}", year, m + 1, std::stoi(day));
  }
  return year;
}

}  // namespace lectern::reader
