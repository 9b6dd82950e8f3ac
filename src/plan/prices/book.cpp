#include "plan/prices/book.h"

#include <fmt/core.h>

#include <cstdio>

#include "base/files.h"
#include "base/json.h"
#include "plan/prices/builtin_books.h"

namespace lectern::plan {

namespace {

Result<metering::Date> parseDate(std::string_view text) {
  metering::Date date;
  char end = 0;
  const std::string copy(text);
  if (std::sscanf(copy.c_str(), "%4d-%2d-%2d%c", &date.year, &date.month, &date.day, &end) != 3) {
    return fail(Code::kInvalid, fmt::format("\"{}\" is no date like 2020-12-01", text));
  }
  return date;
}

Result<Price> parsePrice(const json::object& object) {
  Price price;
  price.id = stringOr(object, "id", "");
  price.unit = stringOr(object, "unit", "");
  price.source = stringOr(object, "source", "");
  price.verified = boolOr(object, "verified", false);
  price.free = doubleOr(object, "free", 0);
  if (price.id.empty() || price.unit.empty()) return fail(Code::kInvalid, "a price needs id and unit");
  if (const json::value* usd = object.if_contains("usd"); usd != nullptr && usd->is_string()) {
    TRY(const Money money, parseMoney(std::string_view(usd->get_string())));
    price.tiers.push_back({std::nullopt, money});
    return price;
  }
  const json::value* tiers = object.if_contains("tiers");
  if (tiers == nullptr || !tiers->is_array() || tiers->get_array().empty()) {
    return fail(Code::kInvalid, price.id + ": needs \"usd\" as a decimal string, or \"tiers\"");
  }
  double last = 0;
  for (const json::value& each : tiers->get_array()) {
    if (!each.is_object()) return fail(Code::kInvalid, price.id + ": a tier is an object");
    const json::object& tier = each.get_object();
    TRY(const Money money, parseMoney(stringOr(tier, "usd", "")));
    price.tiers.push_back({std::nullopt, money});
    const double up_to = doubleOr(tier, "up_to", 0);
    if (up_to > last) price.tiers.back().up_to = last = up_to;
  }
  if (price.tiers.back().up_to) return fail(Code::kInvalid, price.id + ": the last tier has no end");
  return price;
}

}  // namespace

const Price* PriceBook::find(std::string_view id) const {
  for (const Price& price : prices) {
    if (price.id == id) return &price;
  }
  return nullptr;
}

Result<PriceBook> parseBook(std::string_view text) {
  TRY(const json::value root, parseJson(text));
  if (!root.is_object()) return fail(Code::kInvalid, "a price book is a JSON object");
  const json::object& object = root.get_object();
  PriceBook book;
  book.name = stringOr(object, "book", "");
  book.vendor = stringOr(object, "vendor", "");
  book.region = stringOr(object, "region", "");
  TRY(book.effective, parseDate(stringOr(object, "effective_from", "")));
  TRY(book.as_of, parseDate(stringOr(object, "as_of", "")));
  const json::value* prices = object.if_contains("prices");
  if (prices == nullptr || !prices->is_array()) return fail(Code::kInvalid, "a price book needs \"prices\"");
  for (const json::value& each : prices->get_array()) {
    if (!each.is_object()) return fail(Code::kInvalid, "a price is a JSON object");
    TRY(Price price, parsePrice(each.get_object()));
    if (book.find(price.id) != nullptr) return fail(Code::kExists, price.id + " is listed twice");
    book.prices.push_back(std::move(price));
  }
  return book;
}

Result<PriceBook> loadBook(std::string_view name) {
  if (name.ends_with(".json")) {
    TRY(const std::string text, readFile(std::string(name), mebibytes(4)));
    auto book = parseBook(text);
    if (!book) return Failure(book.error().with(name));
    return book;
  }
  for (const BuiltinBook& each : kBuiltinBooks) {
    if (each.name == name) return parseBook(each.text);
  }
  std::string known;
  for (const std::string& each : bookNames()) known += (known.empty() ? "" : ", ") + each;
  return fail(Code::kNotFound,
              fmt::format("no price book \"{}\"; there are {}, or give a file ending in .json", name, known));
}

std::vector<std::string> bookNames() {
  std::vector<std::string> names;
  for (const BuiltinBook& each : kBuiltinBooks) names.emplace_back(each.name);
  return names;
}

}  // namespace lectern::plan
