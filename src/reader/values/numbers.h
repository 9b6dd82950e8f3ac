#pragma once
// Numbers and amounts as people write them.

#include <optional>
#include <string>
#include <string_view>

namespace lectern::reader {

/// "1.234,56" with a comma as decimal mark is "1234.56"; "(12.50)" and "12.50-" are negative. A group of exactly three
/// digits after the only mark is a thousand unless `decimal` says otherwise and the number is not grouped right.
/// Nothing when it is no number.
std::optional<std::string> plainNumber(std::string_view text, char decimal);

/// ISO 4217 code of a symbol or code ("RM" is MYR, "$" is USD); empty when it is none.
std::string currencyOf(std::string_view text);

/// A regular expression (one group) for what currencyOf knows.
extern const char kCurrencyPattern[];

/// What the number says about the decimal mark: '.' or ',' with a weight, or 0.
struct MarkVote {
  char decimal = 0;
  int weight = 0;
};
MarkVote voteOnMark(std::string_view number);

}  // namespace lectern::reader
