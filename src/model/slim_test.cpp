#include "model/slim.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "base/files.h"
#include "model/formats/checkpoint.h"

namespace lectern::model {
namespace {
using formats::CheckpointTensor;
using formats::Role;
using ::testing::HasSubstr;

struct Variable {
  std::string name;
  std::vector<int64_t> shape;
  int64_t count() const {
    int64_t n = 1;
    for (const int64_t d : shape) n *= d;
    return n;
  }
};

// The CTPN network of the TensorFlow ports: 17,893,244 parameters.
std::vector<Variable> ctpnVariables() {
  std::vector<Variable> out;
  const int64_t widths[] = {64, 64, 128, 128, 256, 256, 256, 512, 512, 512, 512, 512, 512};
  const char* names[] = {"1/conv1_1", "1/conv1_2", "2/conv2_1", "2/conv2_2", "3/conv3_1", "3/conv3_2", "3/conv3_3",
                         "4/conv4_1", "4/conv4_2", "4/conv4_3", "5/conv5_1", "5/conv5_2", "5/conv5_3"};
  int64_t channels = 3;
  for (int i = 0; i < 13; ++i) {
    const std::string name = std::string("vgg_16/conv") + names[i];
    out.push_back({name + "/biases", {widths[i]}});
    out.push_back({name + "/weights", {3, 3, channels, widths[i]}});
    channels = widths[i];
  }
  out.push_back({"rpn_conv/3x3/biases", {512}});
  out.push_back({"rpn_conv/3x3/weights", {3, 3, 512, 512}});
  for (const std::string way : {"bw", "fw"}) {
    out.push_back({"lstm_o/" + way + "/lstm_cell/bias", {512}});
    out.push_back({"lstm_o/" + way + "/lstm_cell/kernel", {640, 512}});
  }
  out.push_back({"lstm_o/biases", {512}});
  out.push_back({"lstm_o/weights", {256, 512}});
  out.push_back({"bbox_pred/biases", {40}});
  out.push_back({"bbox_pred/weights", {512, 40}});
  out.push_back({"cls_pred/biases", {20}});
  out.push_back({"cls_pred/weights", {512, 20}});
  return out;
}

std::string randomBytes(uint64_t seed, size_t size) {
  std::mt19937_64 random(seed);
  std::string out(size, '\0');
  for (size_t i = 0; i + 8 <= size; i += 8) {
    const uint64_t value = random();
    std::memcpy(out.data() + i, &value, 8);
  }
  return out;
}

// Writes the checkpoint that training with Adam and a moving average leaves.
void writeTrained(const std::filesystem::path& prefix, const std::vector<Variable>& variables) {
  std::vector<Variable> all = variables;
  for (const auto& v : variables) {
    for (const char* slot : {"/Adam", "/Adam_1", "/ExponentialMovingAverage"}) all.push_back({v.name + slot, v.shape});
  }
  for (const char* name : {"beta1_power", "beta2_power"}) all.push_back({name, {}});
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  auto written = formats::writeCheckpoint(prefix, all.size(), [&](size_t i) {
    return CheckpointTensor{all[i].name, 1, all[i].shape,
                            randomBytes(std::hash<std::string>()(all[i].name), static_cast<size_t>(all[i].count()) * 4)};
  });
  ASSERT_TRUE(written) << written.error().message;
}

TEST(Slim, PapersCheckpointIsAQuarterWeights) {
  auto dir = TempDir::create();
  ASSERT_TRUE(dir);
  const auto variables = ctpnVariables();
  int64_t parameters = 0;
  for (const auto& v : variables) parameters += v.count();
  EXPECT_EQ(parameters, 17'893'244);
  writeTrained(dir->path() / "ctpn.ckpt", variables);
  auto slim = slimModel(dir->path() / "ctpn.ckpt", dir->path() / "slim.ckpt", {});
  ASSERT_TRUE(slim) << slim.error().message;
  EXPECT_NEAR(static_cast<double>(slim->before_bytes) / (1 << 20), 273.0, 1.0);
  EXPECT_NEAR(static_cast<double>(slim->after_bytes) / static_cast<double>(slim->before_bytes), 0.25, 0.001);
  EXPECT_EQ(slim->dropped.size(), variables.size() * 3 + 2);
  auto again = inspectModel(dir->path() / "slim.ckpt.index");
  ASSERT_TRUE(again) << again.error().message;
  ASSERT_EQ(again->tensors.size(), variables.size());
  // Bytes of what stays are those that were there.
  auto data = readFile(dir->path() / "slim.ckpt.data-00000-of-00001");
  ASSERT_TRUE(data);
  size_t offset = 0;
  for (const auto& tensor : again->tensors) {
    EXPECT_EQ(tensor.role, Role::kWeight);
    const auto size = static_cast<size_t>(tensor.bytes);
    ASSERT_EQ(data->substr(offset, size), randomBytes(std::hash<std::string>()(tensor.name), size)) << tensor.name;
    offset += size;
  }
}

TEST(Slim, AveragesCanBecomeTheWeights) {
  auto dir = TempDir::create();
  ASSERT_TRUE(dir);
  writeTrained(dir->path() / "a", {{"w", {2, 3}}});
  auto slim = slimModel(dir->path() / "a.index", dir->path() / "b", {.use_averages = true});
  ASSERT_TRUE(slim) << slim.error().message;
  auto data = readFile(dir->path() / "b.data-00000-of-00001");
  ASSERT_TRUE(data);
  EXPECT_EQ(*data, randomBytes(std::hash<std::string>()("w/ExponentialMovingAverage"), 24));
}

TEST(Slim, ALayerNamedAdamStays) {
  auto dir = TempDir::create();
  ASSERT_TRUE(dir);
  auto written = formats::writeCheckpoint(dir->path() / "a", 1, [](size_t) {
    return CheckpointTensor{"block/Adam", 1, {1}, "abcd"};
  });
  ASSERT_TRUE(written);
  auto slim = slimModel(dir->path() / "a", dir->path() / "b", {});
  ASSERT_TRUE(slim);
  EXPECT_TRUE(slim->dropped.empty());
}

TEST(Slim, DamageIsAnErrorNeverAWrongAnswer) {
  auto dir = TempDir::create();
  ASSERT_TRUE(dir);
  writeTrained(dir->path() / "a", {{"w", {64, 64}}});
  const auto index = readFile(dir->path() / "a.index").value();
  const auto data_path = dir->path() / "a.data-00000-of-00001";
  auto data = readFile(data_path).value();
  data[10] ^= 1;
  ASSERT_TRUE(writeFileAtomic(data_path, data));
  auto slim = slimModel(dir->path() / "a", dir->path() / "b", {});
  ASSERT_FALSE(slim);
  EXPECT_THAT(slim.error().message, HasSubstr("wrong checksum"));
  EXPECT_FALSE(std::filesystem::exists(dir->path() / "b.index"));
  ASSERT_TRUE(writeFileAtomic(data_path, data.substr(0, 100)));
  EXPECT_FALSE(inspectModel(dir->path() / "a"));
  std::mt19937 random(1);
  for (int i = 0; i < 500; ++i) {
    std::string broken = index.substr(0, random() % 4 == 0 ? random() % index.size() : index.size());
    for (int flips = 0; flips < 3 && !broken.empty(); ++flips) broken[random() % broken.size()] ^= 1 << random() % 8;
    ASSERT_TRUE(writeFileAtomic(dir->path() / "a.index", broken));
    (void)inspectModel(dir->path() / "a");  // any answer but a crash
  }
}

void putBytes(std::string& out, char number, const std::string& bytes) {
  out += static_cast<char>(number << 3 | 2);
  out += static_cast<char>(bytes.size());
  out += bytes;
}

std::string objectNode(const std::vector<std::pair<char, std::string>>& children, const std::string& key) {
  std::string node;
  for (const auto& [child, name] : children) {
    std::string reference{'\x08', child};
    putBytes(reference, 2, name);
    putBytes(node, 1, reference);
  }
  std::string attribute;
  putBytes(attribute, 3, key);
  if (!key.empty()) putBytes(node, 2, attribute);
  return node;
}

// As Keras writes it: the shortest way to the weight leads past the optimiser, and so does its key.
TEST(Slim, WeightsUnderTheOptimisersNameAreKept) {
  const std::string weight = "optimizer/_trainable_variables/0/.ATTRIBUTES/VARIABLE_VALUE";
  const std::string moment = "optimizer/_variables/2/.ATTRIBUTES/VARIABLE_VALUE";
  std::string graph;
  for (const auto& node : {objectNode({{1, "model"}, {2, "optimizer"}}, ""), objectNode({{3, "layer"}, {2, "optimizer"}}, ""),
                           objectNode({{4, "0"}, {5, "2"}}, ""), objectNode({{4, "kernel"}}, ""), objectNode({}, weight),
                           objectNode({}, moment)}) {
    putBytes(graph, 1, node);
  }
  std::string tensor{static_cast<char>((graph.size() & 0x7f) | 0x80), static_cast<char>(graph.size() >> 7)};
  tensor += "crc4" + graph;
  auto dir = TempDir::create();
  ASSERT_TRUE(dir);
  const std::vector<CheckpointTensor> tensors = {
      {"_CHECKPOINTABLE_OBJECT_GRAPH", 7, {}, tensor}, {weight, 1, {2}, "weights!"}, {moment, 1, {2}, "moments!"}};
  ASSERT_TRUE(formats::writeCheckpoint(dir->path() / "m", tensors.size(), [&](size_t i) { return tensors[i]; }));
  auto slim = slimModel(dir->path() / "m", dir->path() / "small", {});
  ASSERT_TRUE(slim) << slim.error().message;
  ASSERT_EQ(slim->dropped.size(), 1u);
  EXPECT_EQ(slim->dropped[0].name, moment);
  // A graph that is cut short is an error, not a guess.
  auto cut = tensors;
  cut[0].bytes.pop_back();
  ASSERT_TRUE(formats::writeCheckpoint(dir->path() / "cut", cut.size(), [&](size_t i) { return cut[i]; }));
  EXPECT_THAT(slimModel(dir->path() / "cut", dir->path() / "small", {}).error().message, HasSubstr("cut short"));
}

}  // namespace
}  // namespace lectern::model
