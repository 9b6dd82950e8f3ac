#include <re2/re2.h>

#include "reader/values/dates.h"
#include "reader/values/line_text.h"
#include "reader/values/numbers.h"
#include "reader/values/values.h"

namespace lectern::reader {

Conventions decideConventions(const Document& document) {
  static const RE2 number("^[^\\d]{0,4}(\\d[\\d.,]*\\d)[^\\d]{0,3}$");
  int comma = 0, point = 0, day_first = 0, month_first = 0, dollars = 0, others = 0;
  for (const auto& page : document.pages) {
    for (const auto& word : page.words) {
      re2::StringPiece digits;
      if (RE2::PartialMatch(word.text, number, &digits)) {
        const MarkVote vote = voteOnMark(std::string_view(digits.data(), digits.size()));
        if (vote.decimal == ',') comma += vote.weight;
        if (vote.decimal == '.') point += vote.weight;
      }
      if (word.text.find('$') != std::string::npos || word.text == "USD") ++dollars;
      if (word.text.find("€") != std::string::npos || word.text.find("RM") == 0 || word.text == "EUR") ++others;
    }
    for (const auto& line : page.lines) {
      for (const auto& date : findDates(lineText(page, line).folded, true)) {
        if (!date.numeric || date.ambiguous || date.confidence < 0.8f) continue;
        if (date.swapped)
          ++month_first;
        else if (date.iso.substr(8) > "12")
          ++day_first;
      }
    }
  }
  Conventions c;
  c.decimal = comma > point ? ',' : '.';
  c.date_order_sure = day_first + month_first > 0;
  if (month_first != day_first)
    c.day_first = day_first > month_first;
  else
    c.day_first = !(dollars > 0 && others == 0 && c.decimal == '.');
  return c;
}

}  // namespace lectern::reader
