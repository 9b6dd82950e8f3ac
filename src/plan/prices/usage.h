#pragma once
// A usage file into a bill. One item is one kind of use; items of a file belong to one month.

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "plan/prices/bill.h"

namespace lectern::plan {

struct PricedItem {
  std::string service;
  std::string book;
  Money duration;  // what running costs: memory, CPU, instances, storage
  Money request;   // what each call costs
  int64_t billed_ms = 0;  // a call's billed time; 0 where nothing is billed by time
  std::vector<BillLine> lines;
  Money total() const { return duration + request; }
};

struct PricedUsage {
  std::vector<PricedItem> items;
  Money total;
  std::vector<std::string> warnings;  // fields that no service has: a misspelt one would go unnoticed
};

/// `book` overrides the one that the usage names; without either aws-2026 is used. An item may name its own "book".
/// "free_tier": true in the usage counts the free tier. Errors name the item: "items[2]: memory_mb is missing".
Result<PricedUsage> priceUsage(const json::object& usage, std::string_view book);

}  // namespace lectern::plan
