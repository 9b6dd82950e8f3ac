#pragma once
// One page as the field finders look at it: rows of words with the values that stand in them.

#include <string>
#include <vector>

#include "reader/page/page.h"
#include "reader/page/rows.h"

namespace lectern::reader {

struct SceneRow {
  Box box;
  std::vector<Segment> segments;
  std::string text;         // all words
  std::string small;        // lower case
  std::vector<int> values;  // indexes into Page::values, left to right
};

struct Scene {
  explicit Scene(const Page& page);
  const Page& page;
  std::vector<SceneRow> rows;  // top to bottom
  double em = 10;              // median word height

  /// The place of a value.
  Box boxOf(const Value& value) const;
  /// Text of the row left of x.
  std::string textBefore(const SceneRow& row, int x) const;
};

std::string lowered(std::string text);
bool isAmount(const Value& value);
/// The number in hundredths, for exact sums.
long long cents(const std::string& plain);

/// A field that stands on the value's words; its confidence is kept within 0.05..0.99.
Field fieldOf(const Scene& scene, const char* name, const Value& value, double confidence);

}  // namespace lectern::reader
