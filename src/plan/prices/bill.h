#pragma once
// A month's bill: quantities are charged to prices of a book, through tiers and, when wanted, the free tier.

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "plan/prices/book.h"

namespace lectern::plan {

struct BillLine {
  std::string price_id;
  std::string unit;
  std::string how;      // how the quantity came about, in words
  double quantity = 0;  // units charged, free ones included
  double free = 0;      // of which the free tier gave
  Money unit_price;     // of the tier in which the last unit falls
  Money amount;
  bool verified = true;
};

class Bill {
 public:
  explicit Bill(const PriceBook& book, bool free_tier = false) : book_(book), free_tier_(free_tier) {}

  /// Adds a line; kNotFound when the book has no such price, kInvalid for a negative quantity.
  Result<Money> charge(std::string_view price_id, Quantity quantity, std::string how);

  const PriceBook& book() const { return book_; }
  const std::vector<BillLine>& lines() const { return lines_; }
  Money total() const { return total_; }

 private:
  const PriceBook& book_;
  bool free_tier_;
  std::map<std::string, Int128, std::less<>> used_;  // by price id, in parts of kParts
  std::vector<BillLine> lines_;
  Money total_;
};

/// What `parts` (1 152 000 000 000 a unit) cost in a month that begins with them.
Money costOfMonth(const Price& price, Int128 parts, bool free_tier);

/// Memory time: megabytes times milliseconds, in GB-s of 1 024 MB.
inline Quantity gbSeconds(Int128 mb_millis) { return {mb_millis, 1'024'000}; }
inline Quantity units(Int128 count) { return {count, 1}; }
/// Thousandths, such as milliseconds in seconds.
inline Quantity thousandths(Int128 count) { return {count, 1'000}; }
/// Milliseconds as hours.
inline Quantity hoursOfMillis(Int128 millis) { return {millis, 3'600'000}; }

}  // namespace lectern::plan
