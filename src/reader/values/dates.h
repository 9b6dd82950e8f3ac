#pragma once
// Dates and times in a line of text.

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace lectern::reader {

struct DateFound {
  size_t begin = 0;  // in the text
  size_t end = 0;
  std::string iso;         // yyyy-mm-dd, or yyyy-mm for a month
  bool ambiguous = false;  // day and month could be the other way round
  bool swapped = false;    // only month-first makes sense
  bool numeric = false;    // day and month are numbers: it tells the document's order
  float confidence = 0;
};

/// Dates in the text, left to right. Two-digit years up to 50 are of this century.
std::vector<DateFound> findDates(const std::string& text, bool day_first);

/// 1..12 for a month's name or its abbreviation; 0 otherwise.
int monthOf(std::string name);

bool validDate(int year, int month, int day);

struct TimeFound {
  size_t begin = 0;
  size_t end = 0;
  std::string iso;     // hh:mm or hh:mm:ss, 24 hours
  bool named = false;  // followed by a word for the hour: "14.00 Uhr"
};
std::vector<TimeFound> findTimes(const std::string& text);

}  // namespace lectern::reader
