#include "plan/prices/bill.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "base/check.h"

namespace lectern::plan {

namespace {

// A multiple of every denominator in use (2^13 * 5^6 * 9 * 1000), so that sums of different kinds stay exact.
constexpr int64_t kParts = 1'152'000'000'000;

Int128 partsOf(Quantity quantity) {
  CHECK(quantity.denominator > 0 && kParts % quantity.denominator == 0);
  return quantity.numerator * (kParts / quantity.denominator);
}

Int128 partsOf(double units) { return static_cast<Int128>(std::llround(units * 1e3)) * (kParts / 1000); }

}  // namespace

Money costOfMonth(const Price& price, Int128 parts, bool free_tier) {
  Money sum;
  Int128 from = free_tier ? std::min(parts, partsOf(price.free)) : 0;
  for (const Tier& tier : price.tiers) {
    const Int128 end = tier.up_to ? std::min(parts, partsOf(*tier.up_to)) : parts;
    if (end <= from) continue;
    sum += times(tier.price, {end - from, kParts});
    from = end;
  }
  return sum;
}

Result<Money> Bill::charge(std::string_view price_id, Quantity quantity, std::string how) {
  const Price* price = book_.find(price_id);
  if (price == nullptr) {
    return fail(Code::kNotFound, fmt::format("price book {} has no price \"{}\"", book_.name, price_id));
  }
  const Int128 parts = partsOf(quantity);
  if (parts < 0) return fail(Code::kInvalid, fmt::format("{}: a quantity is below zero", price_id));
  auto at = used_.find(price_id);
  if (at == used_.end()) at = used_.emplace(std::string(price_id), 0).first;
  const Int128 before = at->second;
  const Int128 after = at->second += parts;
  const Money amount = costOfMonth(*price, after, free_tier_) - costOfMonth(*price, before, free_tier_);
  BillLine line{price->id, price->unit, std::move(how), quantity.value(), 0, price->tiers.back().price, amount,
                price->verified};
  for (const Tier& tier : price->tiers) {
    if (tier.up_to && after <= partsOf(*tier.up_to)) {
      line.unit_price = tier.price;
      break;
    }
  }
  if (free_tier_) {
    const Int128 free = partsOf(price->free);
    line.free = static_cast<double>(std::min(after, free) - std::min(before, free)) / static_cast<double>(kParts);
  }
  lines_.push_back(std::move(line));
  total_ += amount;
  return amount;
}

}  // namespace lectern::plan
