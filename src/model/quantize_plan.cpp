#include "model/quantize_plan.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace lectern::model {

namespace {
constexpr uint64_t kFloat = 1, kUint8 = 2, kInt8 = 3, kInt32 = 6;  // numbers of onnx.proto

template <typename T>
std::string_view bytesOf(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

const OnnxConstant* floatsOf(const OnnxGraph& graph, const std::string& name) {
  const auto found = graph.constants.find(name);
  return found != graph.constants.end() && !found->second.floats.empty() ? &found->second : nullptr;
}

/// Builds the new list of nodes. Each value has at most one byte form, made once and shared by all who read it.
class Rewriter {
 public:
  Rewriter(const OnnxGraph& graph, const std::map<std::string, ActivationRange>& ranges, int weight_bits)
      : graph_(graph), ranges_(ranges), limit_(static_cast<float>((1 << (weight_bits - 1)) - 1)) {}

  std::string run(const std::vector<Candidate>& candidates, const std::set<size_t>& chosen);

 private:
  void convolution(const Candidate& c);
  bool addition(const OnnxNode& node);
  bool pooling(const OnnxNode& node);
  void copyNode(const OnnxNode& node);
  /// Names of scale and zero point of a value.
  std::array<std::string, 2> range(const std::string& value);
  std::string byteForm(const std::string& value);
  void needFloat(const std::string& value);
  bool isByte(const std::string& value) const { return bytes_.contains(value); }

  const OnnxGraph& graph_;
  const std::map<std::string, ActivationRange>& ranges_;
  const float limit_;
  std::vector<OnnxNode> nodes_;
  std::vector<std::string> constants_;
  std::set<std::string> bytes_;  // values that have a byte form
  std::set<std::string> floats_gone_;  // values whose float form nobody has made
  std::set<std::string> ranged_;
};

std::array<std::string, 2> Rewriter::range(const std::string& value) {
  const std::array<std::string, 2> names = {value + "/scale", value + "/zero"};
  if (ranged_.insert(value).second) {
    const ActivationRange& r = ranges_.at(value);
    const std::vector<float> scale = {r.scale};
    const std::vector<uint8_t> zero = {static_cast<uint8_t>(r.zero)};
    constants_.push_back(tensorProto(names[0], kFloat, {}, bytesOf(scale)));
    constants_.push_back(tensorProto(names[1], kUint8, {}, bytesOf(zero)));
  }
  return names;
}

std::string Rewriter::byteForm(const std::string& value) {
  const std::string name = value + "/u8";
  if (bytes_.insert(value).second) {
    const auto r = range(value);
    nodes_.push_back({"QuantizeLinear", "", {value, r[0], r[1]}, {name}, {}, {}});
  }
  return name;
}

void Rewriter::needFloat(const std::string& value) {
  if (floats_gone_.erase(value) == 0) return;
  const auto r = range(value);
  nodes_.push_back({"DequantizeLinear", "", {value + "/u8", r[0], r[1]}, {value}, {}, {}});
}

void Rewriter::convolution(const Candidate& c) {
  const OnnxNode& node = graph_.nodes[c.node];
  const OnnxConstant& weight = graph_.constants.at(node.inputs[1]);
  const auto channels = static_cast<size_t>(weight.dims[0]);
  const size_t each = weight.floats.size() / channels;
  const OnnxConstant* bias = node.inputs.size() > 2 ? floatsOf(graph_, node.inputs[2]) : nullptr;
  const float input_scale = ranges_.at(c.input).scale;
  std::vector<float> scales(channels);
  std::vector<int8_t> values(weight.floats.size()), zeros(channels, 0);
  std::vector<int32_t> sums(channels, 0);
  for (size_t o = 0; o < channels; ++o) {
    const float* w = weight.floats.data() + o * each;
    float largest = 1e-12f;
    for (size_t i = 0; i < each; ++i) largest = std::max(largest, std::fabs(w[i]));
    // A channel whose weights are all but zero still needs its bias to fit 32 bits.
    if (bias) largest = std::max(largest, std::fabs(bias->floats[o]) * limit_ / (input_scale * 1e9f));
    scales[o] = largest / limit_;
    for (size_t i = 0; i < each; ++i) {
      values[o * each + i] = static_cast<int8_t>(std::clamp(std::round(w[i] / scales[o]), -limit_, limit_));
    }
    if (bias) sums[o] = static_cast<int32_t>(std::lround(bias->floats[o] / (input_scale * scales[o])));
  }
  const std::string prefix = c.output + "/conv";
  const int64_t n = weight.dims[0];
  constants_.push_back(tensorProto(prefix + "/w", kInt8, weight.dims, bytesOf(values)));
  constants_.push_back(tensorProto(prefix + "/ws", kFloat, {n}, bytesOf(scales)));
  constants_.push_back(tensorProto(prefix + "/wz", kInt8, {n}, bytesOf(zeros)));
  const std::string input = byteForm(c.input);
  const auto in = range(c.input), out = range(c.output);
  OnnxNode made{"QLinearConv",
                "",
                {input, in[0], in[1], prefix + "/w", prefix + "/ws", prefix + "/wz", out[0], out[1]},
                {c.output + "/u8"},
                node.attributes,
                {}};
  if (bias) {
    constants_.push_back(tensorProto(prefix + "/b", kInt32, {n}, bytesOf(sums)));
    made.inputs.push_back(prefix + "/b");
  }
  nodes_.push_back(std::move(made));
  bytes_.insert(c.output);
  floats_gone_.insert(c.output);
}

bool Rewriter::addition(const OnnxNode& node) {
  if (node.op != "Add" || !node.domain.empty() || node.inputs.size() != 2) return false;
  const std::string& a = node.inputs[0];
  const std::string& b = node.inputs[1];
  const std::string& c = node.outputs[0];
  if (!isByte(a) || !isByte(b) || !ranges_.contains(c)) return false;
  const auto ra = range(a), rb = range(b), rc = range(c);
  nodes_.push_back({"QLinearAdd", "com.microsoft",
                    {a + "/u8", ra[0], ra[1], b + "/u8", rb[0], rb[1], rc[0], rc[1]}, {c + "/u8"}, {}, {}});
  bytes_.insert(c);
  floats_gone_.insert(c);
  return true;
}

bool Rewriter::pooling(const OnnxNode& node) {
  if (graph_.opset < 12) return false;  // MaxPool takes bytes from this version on
  if (node.op != "MaxPool" || !node.domain.empty() || node.outputs.size() != 1 || !isByte(node.inputs[0])) return false;
  const std::string& out = node.outputs[0];
  const auto from = ranges_.find(node.inputs[0]), to = ranges_.find(out);
  // The bytes stay as they are, so both ends must read them alike.
  if (to == ranges_.end() || from->second.scale != to->second.scale || from->second.zero != to->second.zero) return false;
  nodes_.push_back({"MaxPool", "", {node.inputs[0] + "/u8"}, {out + "/u8"}, node.attributes, {}});
  bytes_.insert(out);
  floats_gone_.insert(out);
  return true;
}

void Rewriter::copyNode(const OnnxNode& node) {
  for (const auto& input : node.inputs) needFloat(input);
  nodes_.push_back(node);
}

std::string Rewriter::run(const std::vector<Candidate>& candidates, const std::set<size_t>& chosen) {
  std::map<size_t, const Candidate*> by_node;
  std::set<size_t> swallowed;
  for (const size_t i : chosen) {
    by_node[candidates[i].node] = &candidates[i];
    if (candidates[i].activation >= 0) swallowed.insert(static_cast<size_t>(candidates[i].activation));
  }
  for (size_t i = 0; i < graph_.nodes.size(); ++i) {
    const OnnxNode& node = graph_.nodes[i];
    if (swallowed.contains(i)) continue;
    if (const auto found = by_node.find(i); found != by_node.end()) {
      // An input that exists in bytes alone is used as it is.
      convolution(*found->second);
    } else if (!addition(node) && !pooling(node)) {
      copyNode(node);
    }
  }
  for (const auto& output : graph_.outputs) needFloat(output);
  return graph_.write(nodes_, constants_);
}

/// Whether a byte range that includes 0 can stand for this activation: Relu, or Clip with 0 inside of its bounds.
bool clampsAroundZero(const OnnxGraph& graph, const OnnxNode& node) {
  if (!node.domain.empty()) return false;
  if (node.op == "Relu") return true;
  if (node.op != "Clip" || node.inputs.size() != 3) return false;
  const OnnxConstant* low = floatsOf(graph, node.inputs[1]);
  const OnnxConstant* high = floatsOf(graph, node.inputs[2]);
  return low && high && low->floats.size() == 1 && high->floats.size() == 1 && low->floats[0] <= 0 &&
         high->floats[0] >= 0;
}
}  // namespace

std::vector<Candidate> findCandidates(const OnnxGraph& graph) {
  const auto uses = graph.uses();
  std::map<std::string, std::vector<size_t>> readers;
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    for (const auto& input : graph.nodes[i].inputs) readers[input].push_back(i);
  }
  std::vector<Candidate> out;
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    const OnnxNode& node = graph.nodes[i];
    if (node.op != "Conv" || !node.domain.empty() || node.inputs.size() < 2 || node.outputs.size() != 1) continue;
    const OnnxConstant* weight = floatsOf(graph, node.inputs[1]);
    if (weight == nullptr || weight->dims.size() != 4 || weight->dims[0] == 0) continue;
    if (node.inputs.size() > 2 && !node.inputs[2].empty()) {
      const OnnxConstant* bias = floatsOf(graph, node.inputs[2]);
      if (bias == nullptr || static_cast<int64_t>(bias->floats.size()) != weight->dims[0]) continue;
    }
    Candidate c{i, -1, node.inputs[0], node.outputs[0]};
    if (uses.at(c.output) == 1 && readers[c.output].size() == 1) {
      const OnnxNode& next = graph.nodes[readers[c.output][0]];
      if (next.inputs[0] == c.output && clampsAroundZero(graph, next)) {
        c.activation = static_cast<int>(readers[c.output][0]);
        c.output = next.outputs[0];
      }
    }
    out.push_back(std::move(c));
  }
  return out;
}

ActivationRange chooseRange(float low, float high, const std::vector<uint64_t>& histogram) {
  low = std::min(low, 0.0f), high = std::max(high, 0.0f);
  if (!(high - low > 1e-9f)) return {low, high, 1, 0};
  const auto bins = static_cast<double>(histogram.size());
  const double width = (high - low) / bins;
  double best_error = -1;
  ActivationRange best;
  for (int cut = 0; cut <= 50; cut += 2) {
    const double keep = 1 - cut / 100.0, lo = low * keep, hi = high * keep, step = (hi - lo) / 255;
    double error = 0;
    for (size_t i = 0; i < histogram.size(); ++i) {
      const double x = low + (static_cast<double>(i) + 0.5) * width;
      const double beyond = x < lo ? lo - x : x > hi ? x - hi : 0;
      error += static_cast<double>(histogram[i]) * (beyond > 0 ? beyond * beyond : step * step / 12);
    }
    if (best_error >= 0 && error >= best_error) continue;
    best_error = error;
    best = {static_cast<float>(lo), static_cast<float>(hi), static_cast<float>(step),
            static_cast<int>(std::clamp(std::lround(-lo / step), 0L, 255L))};
  }
  return best;
}

std::string writeQuantized(const OnnxGraph& graph, const std::vector<Candidate>& candidates,
                           const std::set<size_t>& chosen, const std::map<std::string, ActivationRange>& ranges,
                           int weight_bits) {
  return Rewriter(graph, ranges, weight_bits).run(candidates, chosen);
}

}  // namespace lectern::model
