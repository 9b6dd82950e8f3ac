#pragma once
// Exact money: an integer of 10^-24 dollars in 128 bits. One millisecond of 128 MB costs 2.08 nanodollars, so a bill's
// parts are kept finer than base/units.h's Nanodollars and rounded once, at the end.

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/units.h"

namespace lectern::plan {

__extension__ using Int128 = __int128;

struct Money {
  Int128 value = 0;  // 10^-24 dollars; up to 1.7e14 dollars
  auto operator<=>(const Money&) const = default;
  Money& operator+=(Money b) {
    value += b.value;
    return *this;
  }
  friend Money operator+(Money a, Money b) { return {a.value + b.value}; }
  friend Money operator-(Money a, Money b) { return {a.value - b.value}; }

  /// Nearest whole nanodollars, halves up.
  Nanodollars nanodollars() const;
  double usd() const;
};

/// An exact amount of a unit of sale: `numerator / denominator` of it.
struct Quantity {
  Int128 numerator = 0;
  int64_t denominator = 1;
  double value() const { return static_cast<double>(numerator) / static_cast<double>(denominator); }
};

/// price * quantity, rounded to the nearest 10^-24 dollars.
Money times(Money price, Quantity quantity);

/// "0.0000166667" -> exact; kInvalid for anything but digits with at most one point and 24 decimals.
Result<Money> parseMoney(std::string_view text);

/// Plain decimal dollars with at least `digits` significant digits (fewer when the rest is zero), never in exponent form.
std::string formatMoney(Money money, int digits = 12);

/// A measured amount (hours, gigabytes) as a quantity, exact to a millionth.
Quantity quantityOf(double amount);

}  // namespace lectern::plan
