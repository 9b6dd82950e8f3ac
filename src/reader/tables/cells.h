#pragma once
// Helpers that both ways of reading a table share.

#include <vector>

#include "reader/page/page.h"
#include "reader/page/rows.h"

namespace lectern::reader {

/// Lines of one direction that belong together; `at` is where they stand across, from..to along.
struct Ruling {
  double at = 0;
  double from = 0;
  double to = 0;
};

Ruling rulingOf(const Box& box, Orientation orientation);

/// Share of [from, to] that rulings within `tolerance` of `at` cover.
double coverage(const std::vector<Ruling>& rulings, double at, double tolerance, double from, double to);

/// Positions closer than `tolerance` become one, their mean.
std::vector<double> clusters(std::vector<double> positions, double tolerance);

/// The words' text, row by row.
std::string cellText(const Page& page, const std::vector<int>& words);

/// Drops rows and columns without any text and renumbers the cells; sets box, rows and cols.
void compact(Table& table);

/// Letters that recognition took for digits, in columns of figures: "3,11SE-02" among numbers is "3,115E-02". The words
/// keep what was read.
void repairFigures(Table& table);

/// A table whose column headings come twice or more side by side is that many tables.
std::vector<Table> splitRepeated(Table table);

}  // namespace lectern::reader
