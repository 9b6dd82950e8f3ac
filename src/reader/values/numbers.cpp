#include "reader/values/numbers.h"

#include <algorithm>
#include <array>
#include <utility>

namespace lectern::reader {

const char kCurrencyPattern[] =
    "(RM|MYR|US\\$|USD|EUR|GBP|INR|CHF|SGD|S\\$|AUD|CAD|JPY|CNY|HKD|NZD|SEK|NOK|DKK|PLN|CZK|HUF|THB|IDR|PHP|BRL|R\\$|"
    "ZAR|"
    "TRY|RUB|Rs\\.?|€|\\$|£|¥|₹|zł|kr)";

namespace {

constexpr std::array kCurrencies = {
    std::pair<std::string_view, std::string_view>{"RM", "MYR"},
    std::pair<std::string_view, std::string_view>{"US$", "USD"},
    std::pair<std::string_view, std::string_view>{"$", "USD"},
    std::pair<std::string_view, std::string_view>{"S$", "SGD"},
    std::pair<std::string_view, std::string_view>{"R$", "BRL"},
    std::pair<std::string_view, std::string_view>{"Rs", "INR"},
    std::pair<std::string_view, std::string_view>{"Rs.", "INR"},
    std::pair<std::string_view, std::string_view>{"₹", "INR"},
    std::pair<std::string_view, std::string_view>{"€", "EUR"},
    std::pair<std::string_view, std::string_view>{"£", "GBP"},
    std::pair<std::string_view, std::string_view>{"¥", "JPY"},
    std::pair<std::string_view, std::string_view>{"zł", "PLN"},
    std::pair<std::string_view, std::string_view>{"kr", "SEK"},
};

bool isDigit(char c) { return c >= '0' && c <= '9'; }

struct Marks {
  size_t count[2] = {0, 0};  // of '.' and ','
  size_t last = std::string_view::npos;
  char last_mark = 0;
  size_t digits_after = 0;
};

Marks marksIn(std::string_view s) {
  Marks m;
  for (size_t i = 0; i < s.size(); ++i) {
    if (s[i] != '.' && s[i] != ',') continue;
    ++m.count[s[i] == ',' ? 1 : 0];
    m.last = i;
    m.last_mark = s[i];
  }
  if (m.last == std::string_view::npos) return m;
  for (size_t i = m.last + 1; i < s.size() && isDigit(s[i]); ++i) ++m.digits_after;
  return m;
}

}  // namespace

MarkVote voteOnMark(std::string_view s) {
  const Marks m = marksIn(s);
  if (m.last == std::string_view::npos) return {};
  const bool both = m.count[0] > 0 && m.count[1] > 0;
  if (both) return {m.last_mark, 3};
  const size_t count = m.count[m.last_mark == ',' ? 1 : 0];
  if (count == 1 && m.digits_after == 2) return {m.last_mark, 1};
  if (count > 1) return {m.last_mark == ',' ? '.' : ',', 2};
  return {};
}

std::optional<std::string> plainNumber(std::string_view text, char decimal) {
  bool negative = false;
  std::string s;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (isDigit(c) || c == '.' || c == ',')
      s += c;
    else if (c == '-' || c == '(')
      negative = true;
    else if (c == '+' || c == ')' || c == ' ' || c == '\'')
      continue;
    else if (static_cast<unsigned char>(c) >= 0x80)
      continue;  // thin spaces, typographic apostrophes and minus signs
    else
      return std::nullopt;
  }
  if (std::none_of(s.begin(), s.end(), isDigit)) return std::nullopt;
  const Marks m = marksIn(s);
  char mark = 0;
  if (m.last != std::string_view::npos) {
    const size_t count = m.count[m.last_mark == ',' ? 1 : 0];
    const bool both = m.count[0] > 0 && m.count[1] > 0;
    if (both)
      mark = m.last_mark;
    else if (count > 1)
      mark = 0;
    else if (m.digits_after == 3 && m.last > 0 && m.last <= 3)
      mark = m.last_mark == decimal ? decimal : 0;
    else if (m.digits_after > 0)
      mark = m.last_mark;
  }
  std::string out = negative ? "-" : "";
  std::string whole, fraction;
  for (size_t i = 0; i < s.size(); ++i) {
    if (!isDigit(s[i])) continue;
    (mark != 0 && i > m.last ? fraction : whole) += s[i];
  }
  const size_t first = whole.find_first_not_of('0');
  out += whole.empty() || first == std::string::npos ? "0" : whole.substr(first);
  if (!fraction.empty()) out += "." + fraction;
  return out;
}

std::string currencyOf(std::string_view text) {
  for (const auto& [symbol, code] : kCurrencies) {
    if (text == symbol) return std::string(code);
  }
  const bool code =
      text.size() == 3 && std::all_of(text.begin(), text.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
  return code ? std::string(text) : "";
}

}  // namespace lectern::reader
