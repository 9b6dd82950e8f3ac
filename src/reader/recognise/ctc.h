#pragma once
// Greedy decoding of a CTC network's output into words with places.

#include <span>
#include <string>
#include <vector>

namespace lectern::reader {

struct CtcWord {
  std::string text;
  double start = 0;  // time steps, fractional
  double end = 0;
  float confidence = 0;
};

/// probabilities: steps × classes, row-major; class 0 is blank, class i is alphabet[i-1], a class past the alphabet is
/// a space. Repeats and blanks are dropped (Graves et al. 2006, best path). Spaces part words. A network marks the middle
/// of a letter; a word ends `reach` steps before and after its outer letters' marks.
std::vector<CtcWord> decodeCtc(std::span<const float> probabilities, int steps, int classes,
                               const std::vector<std::string>& alphabet, double reach = 1);

}  // namespace lectern::reader
