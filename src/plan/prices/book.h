#pragma once
// Price books: what a vendor asked for in a region from a date on, as data. Every price names its source and whether it
// was read there (`verified`) or only recalled.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "plan/prices/money.h"
#include "policy/metering/metering.h"

namespace lectern::plan {

struct Tier {
  std::optional<double> up_to;  // units a month, counted from zero; the last tier has none
  Money price;                  // a unit
};

struct Price {
  std::string id;    // "lambda.duration.x86_64"
  std::string unit;  // "GB-s"
  std::vector<Tier> tiers;
  double free = 0;  // units a month that the free tier gives
  std::string source;
  bool verified = false;
};

struct PriceBook {
  std::string name;  // "aws-2020"
  std::string vendor;
  std::string region;
  metering::Date effective;  // prices hold from this day
  metering::Date as_of;      // the day whose billing rules apply
  std::vector<Price> prices;

  /// nullptr when the book has no such price.
  const Price* find(std::string_view id) const;
};

/// Parses the JSON of a book; kInvalid names the faulty entry.
Result<PriceBook> parseBook(std::string_view text);

/// A book that comes with the program ("aws-2020", "aws-2026", "google-2026", "azure-2026", "alibaba-2026",
/// "others-2026"), or one read from a file when the name ends in ".json".
Result<PriceBook> loadBook(std::string_view name);

/// Names of the books that come with the program.
std::vector<std::string> bookNames();

}  // namespace lectern::plan
