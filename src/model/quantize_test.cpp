#include "model/quantize.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <random>

#include "base/files.h"
#include "model/files.h"
#include "model/onnx_graph.h"
#include "model/quantize_plan.h"

namespace lectern::model {
namespace {

using formats::putBytes;
using formats::putInt;

std::string floats(const std::string& name, const std::vector<int64_t>& dims, float spread, uint32_t seed) {
  int64_t n = 1;
  for (const int64_t d : dims) n *= d;
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> uniform(-spread, spread);
  std::string bytes(static_cast<size_t>(n) * 4, '\0');
  for (int64_t i = 0; i < n; ++i) {
    const float v = uniform(random);
    std::memcpy(bytes.data() + i * 4, &v, 4);
  }
  return tensorProto(name, 1, dims, bytes);
}

std::string node(const std::string& op, const std::vector<std::string>& in, const std::string& out, int64_t pad = -1,
                 int64_t kernel = 0) {
  std::string body = nodeProto({op, "", in, {out}, {}, {}});
  const auto ints = [&](const char* key, std::vector<int64_t> values) {
    std::string attribute;
    putBytes(attribute, 1, key);
    for (const int64_t v : values) putInt(attribute, 8, static_cast<uint64_t>(v));
    putInt(attribute, 20, 7);
    putBytes(body, 5, attribute);
  };
  if (pad >= 0) ints("pads", {pad, pad, pad, pad});
  if (kernel > 0) ints("kernel_shape", {kernel, kernel}), ints("strides", {kernel, kernel});
  return body;
}

// Two branches that are added up, pooled, and a last convolution: everything that is rewritten.
std::string smallNetwork() {
  std::string graph, model, opset;
  putBytes(graph, 1, node("Conv", {"x", "w0", "b0"}, "c0", 1));
  putBytes(graph, 1, node("Relu", {"c0"}, "r0"));
  putBytes(graph, 1, node("Conv", {"r0", "w1"}, "c1", 1));
  putBytes(graph, 1, node("Add", {"r0", "c1"}, "s"));
  putBytes(graph, 1, node("MaxPool", {"s"}, "p", -1, 2));
  putBytes(graph, 1, node("Conv", {"p", "w2", "b2"}, "y", 0));
  putBytes(graph, 2, "small");
  putBytes(graph, 5, floats("w0", {8, 3, 3, 3}, 0.4f, 1));
  putBytes(graph, 5, floats("b0", {8}, 0.2f, 2));
  putBytes(graph, 5, floats("w1", {8, 8, 3, 3}, 0.2f, 3));
  putBytes(graph, 5, floats("w2", {4, 8, 1, 1}, 0.4f, 4));
  putBytes(graph, 5, floats("b2", {4}, 0.2f, 5));
  putBytes(graph, 11, portProto("x", {1, 3, 32, 32})), putBytes(graph, 12, portProto("y", {1, 4, 16, 16}));
  putBytes(opset, 1, ""), putInt(opset, 2, 13);
  putInt(model, 1, 8), putBytes(model, 7, graph), putBytes(model, 8, opset);
  return model;
}

std::vector<Tensor> pictures(size_t count, std::vector<int64_t> shape, uint32_t seed) {
  std::vector<Tensor> out(count);
  std::mt19937 random(seed);
  for (auto& t : out) {
    t.shape = shape;
    t.data.resize(static_cast<size_t>(t.elements()));
    const float phase = static_cast<float>(random() % 100) / 10, pitch = 0.02f + static_cast<float>(random() % 30) / 100;
    for (size_t i = 0; i < t.data.size(); ++i) t.data[i] = std::sin(phase + pitch * static_cast<float>(i % 1000));
  }
  return out;
}

TEST(Quantize, SmallNetworkStaysCloseAndGetsSmaller) {
  auto dir = TempDir::create();
  ASSERT_TRUE(writeFileAtomic(dir->path() / "m.onnx", smallNetwork()));
  const auto all = pictures(8, {1, 3, 32, 32}, 7);
  auto report = quantizeModel(dir->path() / "m.onnx", dir->path() / "q.onnx", std::span(all).first(6),
                              std::span(all).subspan(6));
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->convolutions, 3);
  EXPECT_EQ(report->quantized, 3);
  EXPECT_GT(report->cosine_min, 0.998);
  EXPECT_LT(report->cosine_mean, 1.0) << "a model that did not change was not quantised";
  EXPECT_LT(report->max_error, 0.1 * report->max_value);
  const auto bytes = readFile(dir->path() / "q.onnx").value();
  auto graph = OnnxGraph::parse(bytes);
  ASSERT_TRUE(graph) << graph.error().message;
  std::map<std::string, int> ops;
  for (const auto& n : graph->nodes) ++ops[n.op];
  EXPECT_EQ(ops["QLinearConv"], 3);
  EXPECT_EQ(ops["QLinearAdd"], 1);
  EXPECT_EQ(ops["Conv"] + ops["Relu"] + ops["Add"], 0);
  EXPECT_EQ(ops["QuantizeLinear"], 1);
  EXPECT_EQ(ops["DequantizeLinear"], 1);
}

TEST(Quantize, ChannelsHaveScalesOfTheirOwn) {
  auto dir = TempDir::create();
  // One channel a thousand times smaller than the others: with one scale it would be zero.
  std::string graph, model, opset, weights(4 * 4, '\0');
  const float values[] = {1.0f, -0.001f, 0.5f, 0.0005f};
  std::memcpy(weights.data(), values, sizeof values);
  putBytes(graph, 1, node("Conv", {"x", "w"}, "y", 0));
  putBytes(graph, 5, tensorProto("w", 1, {4, 1, 1, 1}, weights));
  putBytes(graph, 11, portProto("x", {1, 1, 16, 16})), putBytes(graph, 12, portProto("y", {1, 4, 16, 16}));
  putBytes(opset, 1, ""), putInt(opset, 2, 13);
  putInt(model, 1, 8), putBytes(model, 7, graph), putBytes(model, 8, opset);
  auto parsed = OnnxGraph::parse(model);
  ASSERT_TRUE(parsed);
  const auto written = writeQuantized(*parsed, findCandidates(*parsed), {0},
                                      {{"x", {-1, 1, 2.0f / 255, 128}}, {"y", {-1, 1, 2.0f / 255, 128}}}, 7);
  auto back = OnnxGraph::parse(written);
  ASSERT_TRUE(back);
  const auto& scales = back->constants.at("y/conv/ws");
  ASSERT_EQ(scales.floats.size(), 4u);
  for (int i = 0; i < 4; ++i) EXPECT_NEAR(scales.floats[i], std::fabs(values[i]) / 63, 1e-9);
}

TEST(Quantize, RangeCutsOffRareValues) {
  std::vector<uint64_t> histogram(2048, 0);
  for (int i = 0; i < 1024; ++i) histogram[i] = 100'000;
  histogram[2047] = 1;
  EXPECT_LT(chooseRange(0, 10, histogram).high, 6);
  histogram.assign(2048, 1000);
  const auto even = chooseRange(-1, 3, histogram);
  EXPECT_NEAR(even.high, 3, 0.1);
  EXPECT_EQ(even.zero, 64);
}

TEST(Quantize, SaysWhatItCannotDo) {
  auto dir = TempDir::create();
  ASSERT_TRUE(writeFileAtomic(dir->path() / "m.onnx", smallNetwork()));
  const auto one = pictures(1, {1, 3, 32, 32}, 1);
  EXPECT_EQ(quantizeModel(dir->path() / "m.onnx", dir->path() / "q.onnx", one, {}).error().code, Code::kInvalid);
  const auto wrong = pictures(1, {1, 1, 32, 32}, 1);
  EXPECT_FALSE(quantizeModel(dir->path() / "m.onnx", dir->path() / "q.onnx", wrong, wrong));
  const auto impossible = quantizeModel(dir->path() / "m.onnx", dir->path() / "q.onnx", one, one, {.target_cosine = 2});
  ASSERT_FALSE(impossible);
  EXPECT_THAT(impossible.error().message, ::testing::HasSubstr("cosine"));
  EXPECT_FALSE(std::filesystem::exists(dir->path() / "q.onnx"));
  const std::string good = smallNetwork();
  for (size_t cut = 0; cut < good.size(); cut += 7) (void)OnnxGraph::parse(std::string_view(good).substr(0, cut));
}

TEST(Quantize, DetectionNetworkOfPages) {
  auto file = findModel("ppocr-v4-det-mobile");
  if (!file) GTEST_SKIP() << file.error().message;
  auto dir = TempDir::create();
  const auto all = pictures(3, {1, 3, 64, 96}, 3);
  auto report = quantizeModel(file->path, dir->path() / "q.onnx", std::span(all).first(2), std::span(all).subspan(2),
                              {.target_cosine = 0.5});
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_GT(report->quantized, 10);
  EXPECT_LT(report->after_bytes, report->before_bytes);
}

}  // namespace
}  // namespace lectern::model
