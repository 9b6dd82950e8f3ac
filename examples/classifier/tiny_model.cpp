#include "tiny_model.h"

#include <cstring>
#include <random>

#include "model/formats/wire.h"
#include "model/onnx_graph.h"

namespace lectern::examples {

namespace {
using model::formats::putBytes;
using model::formats::putInt;

std::string weights(const std::string& name, const std::vector<int64_t>& dims, unsigned seed, float most = 1) {
  int64_t n = 1;
  for (const int64_t d : dims) n *= d;
  std::mt19937 random(seed);
  std::string bytes(static_cast<size_t>(n) * 4, '\0');
  for (int64_t i = 0; i < n; ++i) {
    const float v = most * (static_cast<float>(random() % 2001) / 1000 - 1);
    std::memcpy(bytes.data() + i * 4, &v, 4);
  }
  return model::tensorProto(name, 1, dims, bytes);
}

std::string node(const std::string& op, const std::vector<std::string>& in, const std::string& out) {
  return model::nodeProto({op, "", in, {out}, {}, {}});
}

}  // namespace

std::string tinyClassifier() {
  constexpr int64_t kHidden = 1024;  // large enough to be shared
  std::string graph, bytes, opset, labels;
  putBytes(graph, 1, node("Conv", {"picture", "w0", "b0"}, "c"));
  putBytes(graph, 1, node("Relu", {"c"}, "r"));
  putBytes(graph, 1, node("GlobalAveragePool", {"r"}, "p"));
  putBytes(graph, 1, node("Flatten", {"p"}, "f"));
  putBytes(graph, 1, node("Gemm", {"f", "wh", "bh"}, "h"));
  putBytes(graph, 1, node("Relu", {"h"}, "hr"));
  putBytes(graph, 1, node("Gemm", {"hr", "w1", "b1"}, "g"));
  putBytes(graph, 1, node("Softmax", {"g"}, "scores"));
  putBytes(graph, 2, "tiny");
  putBytes(graph, 5, weights("w0", {16, 3, 3, 3}, 1)), putBytes(graph, 5, weights("b0", {16}, 2));
  putBytes(graph, 5, weights("wh", {16, kHidden}, 5)), putBytes(graph, 5, weights("bh", {kHidden}, 6));
  putBytes(graph, 5, weights("w1", {kHidden, 4}, 3, 0.1f)), putBytes(graph, 5, weights("b1", {4}, 4));
  putBytes(graph, 11, model::portProto("picture", {1, 3, 8, 8})), putBytes(graph, 12, model::portProto("scores", {1, 4}));
  putBytes(opset, 1, ""), putInt(opset, 2, 13);
  putBytes(labels, 1, "labels"), putBytes(labels, 2, "invoice\nreceipt\nletter\nform");
  putInt(bytes, 1, 8), putBytes(bytes, 7, graph), putBytes(bytes, 8, opset), putBytes(bytes, 14, labels);
  return bytes;
}

std::vector<float> tinyPicture(int seed) {
  std::mt19937 random(static_cast<unsigned>(seed));
  std::vector<float> out(3 * 8 * 8);
  for (float& v : out) v = static_cast<float>(random() % 256) / 255;
  return out;
}

}  // namespace lectern::examples
