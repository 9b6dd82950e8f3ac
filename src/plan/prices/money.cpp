#include "plan/prices/money.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"

namespace lectern::plan {

namespace {

constexpr int kDecimals = 24;

Int128 powerOfTen(int n) {
  Int128 power = 1;
  for (; n > 0; --n) power *= 10;
  return power;
}

}  // namespace

Nanodollars Money::nanodollars() const {
  const Int128 unit = powerOfTen(15);
  const Int128 half = value >= 0 ? unit / 2 : -unit / 2;
  return {static_cast<int64_t>((value + half) / unit)};
}

double Money::usd() const { return static_cast<double>(static_cast<long double>(value) / 1e24L); }

Money times(Money price, Quantity quantity) {
  CHECK(quantity.denominator > 0);
  // Split so that the products stay below 128 bits for any bill.
  const Int128 whole = quantity.numerator / quantity.denominator;
  const Int128 rest = quantity.numerator % quantity.denominator;
  Int128 part = price.value * rest;
  part += (part >= 0 ? quantity.denominator : -quantity.denominator) / 2;
  return {price.value * whole + part / quantity.denominator};
}

Result<Money> parseMoney(std::string_view text) {
  const auto invalid = [text] { return fail(Code::kInvalid, "\"" + std::string(text) + "\" is no decimal price"); };
  Int128 value = 0;
  int decimals = -1;
  int digits = 0;
  for (const char c : text) {
    if (c == '.' && decimals < 0) {
      decimals = 0;
    } else if (c >= '0' && c <= '9' && decimals < kDecimals && ++digits <= 36) {
      value = value * 10 + (c - '0');
      if (decimals >= 0) ++decimals;
    } else {
      return invalid();
    }
  }
  if (digits == 0) return invalid();
  const int missing = kDecimals - std::max(decimals, 0);
  if (digits + missing > 37) return invalid();
  return Money{value * powerOfTen(missing)};
}

std::string formatMoney(Money money, int digits) {
  const bool negative = money.value < 0;
  Int128 rest = negative ? -money.value : money.value;
  std::string reversed;
  for (int n = 0; n <= kDecimals || rest > 0; ++n, rest /= 10) {
    if (n == kDecimals) reversed += '.';
    reversed += static_cast<char>('0' + static_cast<int>(rest % 10));
  }
  std::string text(reversed.rbegin(), reversed.rend());
  // Keep `digits` significant digits, but never cut the whole part, then drop zeros at the end.
  const size_t point = text.find('.');
  const size_t first = text.find_first_of("123456789");
  if (first == std::string::npos) return "0";
  size_t keep = first < point ? first + static_cast<size_t>(digits) + 1 : first + static_cast<size_t>(digits);
  keep = std::clamp(keep, point + 1, text.size());
  if (keep < text.size()) {
    const Int128 unit = powerOfTen(static_cast<int>(text.size() - keep));
    const Int128 value = negative ? -money.value : money.value;
    const Money rounded{(value + unit / 2) / unit * unit};
    if (rounded.value != value) return (negative ? "-" : "") + formatMoney(rounded, digits);
  }
  while (text.back() == '0') text.pop_back();
  if (text.back() == '.') text.pop_back();
  return (negative ? "-" : "") + text;
}

Quantity quantityOf(double amount) { return {static_cast<Int128>(std::llround(amount * 1e6)), 1'000'000}; }

}  // namespace lectern::plan
