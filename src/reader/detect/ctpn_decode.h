#pragma once
// From CTPN's anchors to text lines: proposals, suppression, chains, refined ends. Pure; training/decode.py is its
// counterpart in training.

#include <string>
#include <vector>

#include "base/result.h"
#include "reader/page/page.h"

namespace lectern::reader {

/// What the network says of a page. `values` is [4k][rows][columns]: k text logits, k vertical centres and k logarithms
/// of heights (both relative to the anchor), k side offsets in columns.
struct AnchorMap {
  std::vector<float> heights;  // of the k anchors, in network pixels
  int row_stride = 0;          // network pixels a row
  int column = 0;              // network pixels a column
  int rows = 0;
  int columns = 0;
  std::vector<float> values;

  size_t anchors() const { return heights.size(); }
  float at(size_t plane, int row, int col) const {
    return values[(plane * static_cast<size_t>(rows) + static_cast<size_t>(row)) * static_cast<size_t>(columns) +
                  static_cast<size_t>(col)];
  }
};

struct CtpnDecodeOptions {
  float score_min = 0.5f;         // of a proposal
  float line_score_min = 0.85f;   // mean over a line
  float single_score_min = 0.8f;  // of a line of a single column
  double gap = 0.2;               // what may lie empty inside a line, in line heights
  double overlap_min = 0.6;       // vertically, of neighbours, as a share of the lower one
  double similarity_min = 0.6;    // lower height over greater height of neighbours
};

/// A line in network pixels. The quad follows the line's slope.
struct FoundLine {
  Quad quad;
  float height = 0;
  float score = 0;
  // How sure the network is of text in each column from `first_column` on, 0..1; empty when there is no such network.
  std::vector<float> columns;
  int first_column = 0;
  int column_width = 0;
};

/// Lines in a fixed order for the same map.
std::vector<FoundLine> linesOfAnchors(const AnchorMap& map, const CtpnDecodeOptions& options);

/// "11,16,23" to numbers; kCorrupt when it is no list of 1 to 32 heights above zero.
Result<std::vector<float>> parseAnchorHeights(const std::string& text);

}  // namespace lectern::reader
