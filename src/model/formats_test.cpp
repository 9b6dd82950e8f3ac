// Every format against damage: cut off at every n-th byte, bits flipped, lengths that lie. Any answer will do but a crash,
// endless memory, or a file that was written from damaged input.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <random>
#include <set>

#include "base/files.h"
#include "model/formats/pickle.h"
#include "model/formats/wire.h"
#include "model/slim.h"

namespace lectern::model {
namespace {

using formats::putBytes;
using formats::putInt;

std::string onnxModel() {
  std::string graph, model, opset, used, unused, training;
  std::string node, dead;
  putBytes(node, 1, "x"), putBytes(node, 1, "w"), putBytes(node, 2, "y"), putBytes(node, 4, "MatMul");
  putBytes(dead, 1, "x"), putBytes(dead, 1, "w2"), putBytes(dead, 2, "z"), putBytes(dead, 4, "MatMul");
  putBytes(graph, 1, node), putBytes(graph, 1, dead), putBytes(graph, 2, "g");
  const auto tensor = [&](const std::string& name, char fill) {
    std::string out;
    putInt(out, 1, 4), putInt(out, 1, 4), putInt(out, 2, 1);
    putBytes(out, 8, name), putBytes(out, 9, std::string(64, fill));
    return out;
  };
  putBytes(graph, 5, tensor("w", 'a')), putBytes(graph, 5, tensor("w2", 'b'));
  std::string in, out;
  putBytes(in, 1, "x"), putBytes(out, 1, "y");
  putBytes(graph, 11, in), putBytes(graph, 12, out);
  putBytes(opset, 1, ""), putInt(opset, 2, 13);
  putBytes(training, 1, std::string(100, 't'));
  putInt(model, 1, 8), putBytes(model, 7, graph), putBytes(model, 8, opset), putBytes(model, 20, training);
  return model;
}

std::string graphDef() {
  std::string out;
  const auto node = [&](const std::string& name, const std::string& op, const std::vector<std::string>& inputs,
                        const std::string& value = "") {
    std::string body;
    putBytes(body, 1, name), putBytes(body, 2, op);
    for (const auto& input : inputs) putBytes(body, 3, input);
    if (!value.empty()) {
      std::string tensor, attribute, entry;
      putInt(tensor, 1, 1), putBytes(tensor, 4, value);
      putBytes(attribute, 8, tensor);
      putBytes(entry, 1, "value"), putBytes(entry, 2, attribute);
      putBytes(body, 5, entry);
    }
    putBytes(out, 1, body);
  };
  node("x", "Placeholder", {});
  node("w", "Const", {}, std::string(400, 'w'));
  node("y", "MatMul", {"x", "w"});
  node("w/Adam", "Const", {}, std::string(400, 'm'));
  node("w/Adam_1", "Const", {}, std::string(400, 'v'));
  node("grad", "MatMulGrad", {"y"});
  node("update", "ApplyAdam", {"w", "w/Adam", "w/Adam_1", "grad"});
  node("train", "NoOp", {"^update"});
  return out;
}

std::string safetensors() {
  const std::string header = R"({"w":{"dtype":"F32","shape":[4,4],"data_offsets":[0,64]},)"
                             R"("optimizer.m":{"dtype":"F32","shape":[4],"data_offsets":[64,80]}})";
  std::string out(8, '\0');
  const uint64_t size = header.size();
  std::memcpy(out.data(), &size, 8);
  return out + header + std::string(80, 'd');
}

void put(const std::filesystem::path& path, std::string_view bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

class Damage : public ::testing::TestWithParam<std::pair<const char*, std::string (*)()>> {};

TEST_P(Damage, IsNeverMoreThanAnError) {
  auto dir = TempDir::create();
  const std::string good = GetParam().second();
  const auto file = dir->path() / GetParam().first, out = dir->path() / "out";
  put(file, good);
  auto report = inspectModel(file);
  ASSERT_TRUE(report) << report.error().message;
  auto slim = slimModel(file, out, {});
  ASSERT_TRUE(slim) << slim.error().message;
  std::filesystem::remove(out);
  for (size_t cut = 0; cut < good.size(); cut += 3) {
    put(file, std::string_view(good).substr(0, cut));
    const auto cut_off = slimModel(file, out, {});
    EXPECT_EQ(std::filesystem::exists(out), cut_off.has_value()) << cut;
    (void)inspectModel(file);
    std::filesystem::remove(out);
  }
  std::mt19937 random(7);
  for (int i = 0; i < 400; ++i) {
    std::string bad = good;
    for (int flips = 0; flips < 3; ++flips) {
      const size_t at = random() % bad.size();
      // Often a length: all bits set asks for as much as a byte can.
      bad[at] = random() % 3 == 0 ? '\xff' : static_cast<char>(bad[at] ^ (1 << random() % 8));
    }
    put(file, bad);
    (void)inspectModel(file);
    if (i % 4 == 0) (void)slimModel(file, out, {});
  }
}

INSTANTIATE_TEST_SUITE_P(Formats, Damage,
                         ::testing::Values(std::pair{"m.onnx", &onnxModel}, std::pair{"m.pb", &graphDef},
                                           std::pair{"m.safetensors", &safetensors}));

TEST(Slim, OnnxLosesWhatNoOutputNeeds) {
  auto dir = TempDir::create();
  put(dir->path() / "m.onnx", onnxModel());
  auto slim = slimModel(dir->path() / "m.onnx", dir->path() / "s.onnx", {});
  ASSERT_TRUE(slim) << slim.error().message;
  std::set<std::string> dropped;
  for (const auto& d : slim->dropped) dropped.insert(d.name);
  EXPECT_THAT(dropped, ::testing::IsSupersetOf({"w2", "training_info"}));
  auto after = inspectModel(dir->path() / "s.onnx");
  ASSERT_TRUE(after);
  ASSERT_EQ(after->tensors.size(), 1u);
  EXPECT_EQ(after->tensors[0].name, "w");
  EXPECT_NE(readFile(dir->path() / "s.onnx")->find(std::string(64, 'a')), std::string::npos);
  EXPECT_EQ(slim->after_bytes, static_cast<int64_t>(readFile(dir->path() / "s.onnx")->size()));
}

TEST(Inspect, WeightsInConstantNodesAreTensors) {
  std::string graph, model, value, attribute, constant, out;
  putInt(value, 1, 4), putInt(value, 1, 5), putInt(value, 2, 1), putBytes(value, 9, std::string(80, 'c'));
  putBytes(attribute, 1, "value"), putBytes(attribute, 5, value);
  putBytes(constant, 2, "y"), putBytes(constant, 4, "Constant"), putBytes(constant, 5, attribute);
  putBytes(out, 1, "y");
  putBytes(graph, 1, constant), putBytes(graph, 12, out);
  putInt(model, 1, 8), putBytes(model, 7, graph);
  auto dir = TempDir::create();
  ASSERT_TRUE(writeFileAtomic(dir->path() / "m.onnx", model));
  auto report = inspectModel(dir->path() / "m.onnx");
  ASSERT_TRUE(report) << report.error().message;
  ASSERT_EQ(report->tensors.size(), 1u);
  EXPECT_EQ(report->tensors[0].name, "y");
  EXPECT_EQ(report->tensors[0].bytes, 80);
  EXPECT_EQ(report->tensors[0].shape, (std::vector<int64_t>{4, 5}));
}

TEST(Slim, GraphsLoseTraining) {
  auto dir = TempDir::create();
  put(dir->path() / "g.pb", graphDef());
  auto slim = slimModel(dir->path() / "g.pb", dir->path() / "s.pb", {.outputs = {"y"}});
  ASSERT_TRUE(slim) << slim.error().message;
  auto after = inspectModel(dir->path() / "s.pb", {"y"});
  ASSERT_TRUE(after);
  EXPECT_TRUE(after->training_operators.empty());
  const std::string bytes = *readFile(dir->path() / "s.pb");
  EXPECT_NE(bytes.find(std::string(400, 'w')), std::string::npos);
  EXPECT_EQ(bytes.find(std::string(400, 'm')), std::string::npos);
  EXPECT_EQ(slimModel(dir->path() / "g.pb", dir->path() / "n.pb", {.outputs = {"none"}}).error().code, Code::kNotFound);
}

TEST(Pickle, HostileLengthsAndNestingAreRefused) {
  const std::string huge("\xff\xff\xff\xff\xff\xff\xff\x7f", 8);
  const std::string protocol("\x80\x02", 2);
  for (const std::string& body :
       {std::string("\x8d") + huge, std::string("\x8e") + huge, std::string("\x8b\xff\xff\xff\x7f"),
        std::string("X\xff\xff\xff\xff"), std::string("h\x05"), std::string("e"), std::string("R"), std::string("b"),
        std::string("0"), std::string(2, '\0'), std::string("]q\x00h\x00" "a.", 7)}) {
    EXPECT_FALSE(formats::readPickle(protocol + body + ".")) << body.size();
  }
  // Lists in lists, deeper than any model.
  std::string deep = protocol + std::string(100'000, ']') + std::string(99'999, 'a') + ".";
  EXPECT_FALSE(formats::readPickle(deep));
  // One list doubled again and again: a few bytes that would be more than memory when written out as a tree.
  std::string bomb = protocol + "]";
  for (char i = 0; i < 60; ++i) bomb += std::string("q") + i + "]h" + i + "ah" + i + "a";
  auto small = formats::readPickle(bomb + ".");
  ASSERT_TRUE(small) << small.error().message;
  EXPECT_LT(formats::writePickle(small->root).size(), 100'000u);
}

}  // namespace
}  // namespace lectern::model
