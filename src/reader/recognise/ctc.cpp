#include "reader/recognise/ctc.h"

#include <algorithm>

namespace lectern::reader {

namespace {
struct Symbol {
  std::string text;
  int first_step;
  int last_step;
  float confidence;
};

/// The first of the largest. Probabilities add up to one: what has more than half needs no look at the others, of which
/// some networks have twenty thousand.
int largestOf(const float* row, int classes) {
  constexpr int kLanes = 8, kBlock = 32 * kLanes;
  if (row[0] > 0.5f) return 0;
  int best = 0;
  int at = 0;
  for (; at + kBlock <= classes && row[best] <= 0.5f; at += kBlock) {
    float lanes[kLanes];
    std::copy_n(row + at, kLanes, lanes);
    for (int i = kLanes; i < kBlock; i += kLanes) {
      for (int k = 0; k < kLanes; ++k) lanes[k] = lanes[k] < row[at + i + k] ? row[at + i + k] : lanes[k];
    }
    if (*std::max_element(lanes, lanes + kLanes) > row[best]) {
      best = static_cast<int>(std::max_element(row + at, row + at + kBlock) - row);
    }
  }
  if (row[best] > 0.5f) return best;
  const float* rest = std::max_element(row + at, row + classes);
  return rest != row + classes && *rest > row[best] ? static_cast<int>(rest - row) : best;
}

std::vector<Symbol> bestPath(std::span<const float> probabilities, int steps, int classes,
                             const std::vector<std::string>& alphabet) {
  std::vector<Symbol> symbols;
  int previous = 0;
  for (int t = 0; t < steps; ++t) {
    const float* row = probabilities.data() + static_cast<size_t>(t) * static_cast<size_t>(classes);
    const int best = largestOf(row, classes);
    if (best != 0 && best == previous) {
      symbols.back().last_step = t;
      symbols.back().confidence = std::max(symbols.back().confidence, row[best]);
    } else if (best != 0) {
      const auto index = static_cast<size_t>(best - 1);
      symbols.push_back({index < alphabet.size() ? alphabet[index] : " ", t, t, row[best]});
    }
    previous = best;
  }
  return symbols;
}
}  // namespace

std::vector<CtcWord> decodeCtc(std::span<const float> probabilities, int steps, int classes,
                               const std::vector<std::string>& alphabet, double reach) {
  std::vector<CtcWord> words;
  double sum = 0;
  int letters = 0;
  bool open = false;
  const auto close = [&] {
    if (open) words.back().confidence = static_cast<float>(sum / letters);
    open = false;
  };
  for (const Symbol& s : bestPath(probabilities, steps, classes, alphabet)) {
    if (s.text == " " || s.text == "\xe3\x80\x80") {
      close();
      continue;
    }
    if (!open) {
      words.push_back({"", s.first_step + 0.5 - reach, 0, 0});
      sum = 0;
      letters = 0;
      open = true;
    }
    words.back().text += s.text;
    words.back().end = s.last_step + 0.5 + reach;
    sum += s.confidence;
    ++letters;
  }
  close();
  return words;
}

}  // namespace lectern::reader
