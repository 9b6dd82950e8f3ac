#pragma once
// Typed values of a document.

#include "reader/page/page.h"

namespace lectern::reader {

/// What holds for the whole document: which mark parts decimals, and whether the day comes first in dates.
struct Conventions {
  char decimal = '.';
  bool day_first = true;
  bool date_order_sure = false;  // some date of the document can be read in one way only
};

/// Votes of all numbers and dates of the document; a tie on dates goes to month first only where dollars are paid.
Conventions decideConventions(const Document& document);

/// Fills page.values, line by line: dates (yyyy-mm-dd), times, amounts and numbers (plain decimals), percentages,
/// codes, addresses of the net, telephone numbers. Values do not overlap.
void findValues(Page& page, const Conventions& conventions);

}  // namespace lectern::reader
