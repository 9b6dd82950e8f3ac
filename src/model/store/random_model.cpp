#include "model/store/random_model.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "base/files.h"
#include "model/formats/wire.h"
#include "model/store/space.h"

namespace lectern::model {
namespace {

using formats::putBytes;
using formats::putInt;
using Shape = std::vector<int64_t>;

/// Weights of one tensor, uniform around zero.
struct Tensor {
  std::string name;
  Shape shape;
  double width = 0;  // of the interval
  int64_t bytes() const {
    int64_t n = 4;
    for (int64_t d : shape) n *= d;
    return n;
  }
};

struct Graph {
  std::string nodes;      // fields of GraphProto
  std::string constants;  // the same
  std::vector<Tensor> weights;
  int64_t inputs = 0, outputs = 0;
  int64_t bytes() const {
    int64_t n = 0;
    for (const auto& w : weights) n += w.bytes();
    return n;
  }
};

std::string attribute(std::string_view name, const Shape& integers) {
  std::string a;
  putBytes(a, 1, name);
  for (int64_t i : integers) putInt(a, 8, static_cast<uint64_t>(i));
  putInt(a, 20, 7);
  return a;
}
std::string attribute(std::string_view name, int64_t integer) {
  std::string a;
  putBytes(a, 1, name), putInt(a, 3, static_cast<uint64_t>(integer)), putInt(a, 20, 2);
  return a;
}
std::string attribute(std::string_view name, std::string_view text) {
  std::string a;
  putBytes(a, 1, name), putBytes(a, 4, text), putInt(a, 20, 3);
  return a;
}

/// Nodes one after the other: the first input of each is the output of the one before.
class Chain {
 public:
  void add(std::string_view op, const std::vector<std::string>& others = {}, const std::vector<std::string>& attributes = {}) {
    std::string node;
    putBytes(node, 1, last_);
    for (const auto& name : others) putBytes(node, 1, name);
    last_ = "h" + std::to_string(count_++);
    putBytes(node, 2, last_), putBytes(node, 4, op);
    for (const auto& a : attributes) putBytes(node, 5, a);
    putBytes(graph_.nodes, 1, node);
  }
  /// Its variance is `gain` over `inputs`, so that values neither grow nor vanish along the chain.
  std::string weights(Shape shape, int64_t inputs, double gain) {
    std::string name = "w" + std::to_string(graph_.weights.size());
    graph_.weights.push_back({name, std::move(shape), std::sqrt(12 * gain / static_cast<double>(inputs))});
    return name;
  }
  void reshape(const Shape& shape) {
    std::string tensor, raw, name = "shape" + std::to_string(count_);
    putInt(tensor, 1, shape.size()), putInt(tensor, 2, 7), putBytes(tensor, 8, name);
    for (int64_t d : shape) {
      for (int shift = 0; shift < 64; shift += 8) raw += static_cast<char>(static_cast<uint64_t>(d) >> shift & 0xff);
    }
    putBytes(tensor, 9, raw);
    putBytes(graph_.constants, 5, tensor);
    add("Reshape", {name});
  }
  void convolution(int64_t in, int64_t out) {
    const std::string filters = weights({out, in, 3, 3}, 9 * in, 2);
    add("Conv", {filters, weights({out}, 9 * in, 0.1)}, {attribute("pads", Shape{1, 1, 1, 1})});
    add("Relu");
  }
  Graph finish(int64_t inputs, int64_t outputs) && {
    std::string node;
    putBytes(node, 1, last_), putBytes(node, 2, "y"), putBytes(node, 4, "Identity");
    putBytes(graph_.nodes, 1, node);
    graph_.inputs = inputs, graph_.outputs = outputs;
    return std::move(graph_);
  }

 private:
  Graph graph_;
  std::string last_ = "x";
  int count_ = 0;
};

Graph products(int64_t megabytes) {
  const int64_t n = megabytes < 600 ? 2048 : 4096;
  const int64_t layers = std::max<int64_t>(1, megabytes * 1'000'000 / (n * n * 4));
  Chain chain;
  for (int64_t i = 0; i < layers; ++i) chain.add("MatMul", {chain.weights({n, n}, n, 1)});
  return std::move(chain).finish(n, n);
}

Graph ctpn() {
  constexpr int64_t kHeight = 64, kWidth = 256, kStride = 16, kHidden = 128, kFc = 512, kAnchors = 10;
  constexpr int64_t kRows = kHeight / kStride, kColumns = kWidth / kStride;
  Chain chain;
  chain.reshape({1, 1, kHeight, kWidth});
  int64_t channels = 1;
  const std::pair<int, int64_t> blocks[] = {{2, 64}, {2, 128}, {3, 256}, {3, 512}, {3, 512}};
  for (const auto& [layers, out] : blocks) {
    if (channels > 1) chain.add("MaxPool", {}, {attribute("kernel_shape", Shape{2, 2}), attribute("strides", Shape{2, 2})});
    for (int i = 0; i < layers; ++i, channels = out) chain.convolution(channels, out);
  }
  chain.convolution(channels, channels);  // the 3 x 3 window
  chain.reshape({channels, kRows, kColumns});
  chain.add("Transpose", {}, {attribute("perm", Shape{2, 1, 0})});
  const std::string in = chain.weights({2, 4 * kHidden, channels}, channels, 1);
  chain.add("LSTM", {in, chain.weights({2, 4 * kHidden, kHidden}, kHidden, 1)},
            {attribute("hidden_size", kHidden), attribute("direction", std::string_view("bidirectional"))});
  chain.add("Transpose", {}, {attribute("perm", Shape{0, 2, 1, 3})});
  chain.reshape({kColumns * kRows, 2 * kHidden});
  chain.add("MatMul", {chain.weights({2 * kHidden, kFc}, 2 * kHidden, 2)});
  chain.add("Relu");
  chain.add("MatMul", {chain.weights({kFc, 4 * kAnchors}, kFc, 1)});
  constexpr int64_t kOutputs = kColumns * kRows * 4 * kAnchors;
  chain.reshape({1, kOutputs});
  return std::move(chain).finish(kHeight * kWidth, kOutputs);
}

Graph graphOf(int64_t megabytes) { return megabytes == kCtpnMegabytes ? ctpn() : products(megabytes); }

std::string valueInfo(const std::string& name, int64_t n) {
  std::string one, dim, shape, tensor, type, info;
  putInt(one, 1, 1), putInt(dim, 1, static_cast<uint64_t>(n));
  putBytes(shape, 1, one), putBytes(shape, 1, dim);
  putInt(tensor, 1, 1), putBytes(tensor, 2, shape);
  putBytes(type, 1, tensor);
  putBytes(info, 1, name), putBytes(info, 2, type);
  return info;
}

std::string keyValue(std::string_view key, const std::string& value) {
  std::string entry;
  putBytes(entry, 1, key), putBytes(entry, 2, value);
  return entry;
}

/// With the weights in `data_file`, or inside when `weights` has them.
std::string modelOf(const Graph& g, const std::string& data_file, std::string_view weights = {}) {
  std::string graph = g.nodes;
  putBytes(graph, 2, "random");
  int64_t offset = 0;
  for (const Tensor& w : g.weights) {
    std::string tensor;
    for (int64_t d : w.shape) putInt(tensor, 1, static_cast<uint64_t>(d));
    putInt(tensor, 2, 1);
    putBytes(tensor, 8, w.name);
    if (weights.empty()) {
      putBytes(tensor, 13, keyValue("location", data_file));
      putBytes(tensor, 13, keyValue("offset", std::to_string(offset)));
      putBytes(tensor, 13, keyValue("length", std::to_string(w.bytes())));
      putInt(tensor, 14, 1);
    } else {
      putBytes(tensor, 9, weights.substr(static_cast<size_t>(offset), static_cast<size_t>(w.bytes())));
    }
    putBytes(graph, 5, tensor);
    offset += w.bytes();
  }
  graph += g.constants;
  putBytes(graph, 11, valueInfo("x", g.inputs)), putBytes(graph, 12, valueInfo("y", g.outputs));
  std::string opset, model;
  putBytes(opset, 1, ""), putInt(opset, 2, 13);
  putInt(model, 1, 8), putBytes(model, 7, graph), putBytes(model, 8, opset);
  return model;
}

Result<void> writeWeights(const Graph& graph, const std::filesystem::path& data) {
  Fd file(open(data.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (!file.valid()) return failErrno("create " + data.string(), errno);
  std::vector<float> part;
  uint32_t state = 12345;
  for (const Tensor& tensor : graph.weights) {
    for (int64_t left = tensor.bytes() / 4; left > 0; left -= static_cast<int64_t>(part.size())) {
      part.resize(static_cast<size_t>(std::min<int64_t>(left, 1 << 20)));
      for (float& w : part) {
        state ^= state << 13, state ^= state >> 17, state ^= state << 5;
        w = (static_cast<float>(state) / 4294967296.0f - 0.5f) * static_cast<float>(tensor.width);
      }
      const auto size = static_cast<ssize_t>(part.size() * sizeof(float));
      errno = ENOSPC;  // what a short write means
      if (write(file.get(), part.data(), static_cast<size_t>(size)) != size) {
        const int error = errno;
        unlink(data.c_str());  // half of it is of no use and fills the disk
        return failErrno("write " + data.string(), error);
      }
    }
  }
  return {};
}

std::filesystem::path dataOf(std::filesystem::path onnx) { return onnx.replace_extension(".bin"); }

}  // namespace

Result<int64_t> writeRandomModel(const std::filesystem::path& onnx, int64_t megabytes) {
  const Graph graph = graphOf(megabytes);
  const auto data = dataOf(onnx);
  struct stat info {};
  if (stat(data.c_str(), &info) == 0 && info.st_size == graph.bytes() && std::filesystem::exists(onnx)) return graph.inputs;
  std::error_code ec;
  std::filesystem::create_directories(onnx.parent_path(), ec);
  TRY_VOID(checkSpace(onnx.parent_path(), graph.bytes()));
  TRY_VOID(writeWeights(graph, data));
  TRY_VOID(writeFileAtomic(onnx, modelOf(graph, data.filename().string())));
  return graph.inputs;
}

Result<int64_t> writeRandomModelAlone(const std::filesystem::path& onnx, int64_t megabytes) {
  const auto data = dataOf(onnx);
  TRY(const int64_t n, writeRandomModel(onnx, megabytes));
  TRY(const std::string weights, readFile(data, gibibytes(2)));
  TRY_VOID(writeFileAtomic(onnx, modelOf(graphOf(megabytes), "", weights)));
  unlink(data.c_str());
  return n;
}

}  // namespace lectern::model
