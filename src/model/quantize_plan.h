#pragma once
// Which convolutions of a graph become int8, and the graph with some of them replaced.

#include <map>
#include <set>
#include <string>
#include <vector>

#include "model/onnx_graph.h"

namespace lectern::model {

/// Values of an activation seen while calibrating, and the byte range chosen for them: real = scale * (byte - zero).
struct ActivationRange {
  float low = 0, high = 0;
  float scale = 1;
  int zero = 0;
};

/// A convolution that may become int8. A Relu or Clip behind it that nothing else reads is part of it: the byte range
/// of its output cuts off the same values.
struct Candidate {
  size_t node = 0;
  int activation = -1;  // index of the Relu or Clip; -1 without
  std::string input, output;
};

std::vector<Candidate> findCandidates(const OnnxGraph& graph);

/// The byte range with the least squared error for a histogram of values over [low, high], which includes 0.
ActivationRange chooseRange(float low, float high, const std::vector<uint64_t>& histogram);

/// The model with the chosen candidates (indices) as QLinearConv. `ranges` by name of the value.
std::string writeQuantized(const OnnxGraph& graph, const std::vector<Candidate>& candidates,
                           const std::set<size_t>& chosen, const std::map<std::string, ActivationRange>& ranges,
                           int weight_bits);

}  // namespace lectern::model
