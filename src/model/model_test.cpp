#include "model/model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "base/files.h"
#include "model/model_store.h"
#include "model/optimize.h"
#include "model/store/keeper_protocol.h"
#include "model/store/random_model.h"

namespace lectern::model {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

struct ModelTest : ::testing::Test {
  TempDir dir = std::move(*TempDir::create());
  fs::path store = dir.path() / "store", folder = dir.path() / "keeper";
  std::vector<float> input = std::vector<float>(2048, 0.25f);
  const std::vector<int64_t> shape = {1, 2048};
  std::vector<float> expected;

  void SetUp() override {
    ASSERT_TRUE(writeRandomModel(dir.path() / "m.onnx", 34));
    ASSERT_TRUE(addModel(store, "m", dir.path() / "m.onnx", "generated"));
    setenv("LECTERN_MODEL_STORE", store.c_str(), 1);
    for (size_t i = 0; i < input.size(); ++i) input[i] = static_cast<float>(i % 17) / 17;
    auto plain = Model::load((dir.path() / "m.onnx").string());
    ASSERT_TRUE(plain) << plain.error().message;
    expected = (*plain)->run(input, shape)->data;
  }
  void TearDown() override { unsetenv("LECTERN_MODEL_STORE"), unsetenv(keeper::kVariable); }
  /// Models are loaded through it from now on.
  std::unique_ptr<Keeper> keep() {
    auto keeper = Keeper::start({folder, mebibytes(128)});
    EXPECT_TRUE(keeper) << keeper.error().message;
    setenv(keeper::kVariable, keeper::socketPath(folder).c_str(), 1);
    return std::move(*keeper);
  }
  void expectRight(Model& model) {
    auto out = model.run(input, shape);
    ASSERT_TRUE(out) << out.error().message;
    ASSERT_EQ(out->data.size(), expected.size());
    for (size_t i = 0; i < expected.size(); ++i) ASSERT_NEAR(out->data[i], expected[i], 1e-5f);
  }
};

TEST_F(ModelTest, AnswersAlikeWithAndWithoutAKeeper) {
  auto alone = Model::load("m");
  ASSERT_TRUE(alone) << alone.error().message;
  ASSERT_TRUE((*alone)->warmUp(shape));
  expectRight(**alone);
  // The form for this machine was made once and is in the store.
  EXPECT_TRUE(fs::exists(store / "m" / (machineKind() + ".ort")));
  auto keeper = keep();
  auto first = Model::load("m"), second = Model::load("m");
  ASSERT_TRUE(first && second) << second.error().message;
  expectRight(**first);
  expectRight(**second);
  ASSERT_EQ(keeper->status().files.size(), 1u);
  EXPECT_EQ(keeper->status().files[0].leases, 2);
  ASSERT_TRUE((*first)->setThreads(2));
  expectRight(**first);
}

TEST_F(ModelTest, LargeModelsKeepTheirWeightsOutside) {
  // What models of 1 GB and more get: a graph, and weights beside it.
  const auto part = dir.path() / (machineKind() + ".onnx");
  ASSERT_TRUE(optimizeModel(dir.path() / "m.onnx", part, true));
  ASSERT_TRUE(addForm(store, "m", machineKind(), part));
  auto keeper = keep();
  auto model = Model::load("m");
  ASSERT_TRUE(model) << model.error().message;
  expectRight(**model);
  EXPECT_EQ(keeper->status().files.size(), 1u);  // the graph is too small to share
}

TEST_F(ModelTest, TheGeneratedCtpnIsItsSizeAndRunsFromSharedWeights) {
  const auto file = dir.path() / "ctpn.onnx";
  const auto n = writeRandomModel(file, kCtpnMegabytes);
  ASSERT_TRUE(n) << n.error().message;
  EXPECT_NEAR(static_cast<double>(fs::file_size(dir.path() / "ctpn.bin")), 71.5e6, 0.2e6);
  const std::vector<float> strip(static_cast<size_t>(*n), 0.5f);
  const std::vector<int64_t> strip_shape = {1, *n};
  auto own = Model::load(file.string());
  ASSERT_TRUE(own) << own.error().message;
  const auto expected_of = (*own)->run(strip, strip_shape);
  ASSERT_TRUE(expected_of) << expected_of.error().message;
  EXPECT_EQ(expected_of->data.size(), 64u * 40u);
  EXPECT_GT(std::abs(expected_of->data[7]), 1e-4);
  auto keeper = keep();
  auto shared = Model::load(file.string());
  ASSERT_TRUE(shared) << shared.error().message;
  const auto output = (*shared)->run(strip, strip_shape);
  ASSERT_TRUE(output);
  for (size_t i = 0; i < output->data.size(); ++i) ASSERT_NEAR(output->data[i], expected_of->data[i], 1e-3);
  EXPECT_EQ(keeper->status().files.size(), 1u);
  // Convolutions are rewritten together with their weights, which has no place in memory: tried once, not at every load.
  SessionOptions options{.threads = 1, .prepack = false, .optimize = true};
  ::testing::internal::CaptureStderr();
  const bool loaded = Session::loadRegions(*Session::openFiles(file), dir.path(), options).has_value();
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "") << "every start would leave this in its function's log";
  ASSERT_TRUE(loaded);
  EXPECT_FALSE(options.optimize);
  options.optimize = true;
  ASSERT_TRUE(Session::loadRegions(*Session::openFiles(dir.path() / "m.onnx"), dir.path(), options));
  EXPECT_TRUE(options.optimize);
}

TEST_F(ModelTest, PlainFilesAreShared) {
  // Weights beside the graph, as writeRandomModel makes them, and inside of it.
  const auto outside = dir.path() / "m.onnx", inside = dir.path() / "inside.onnx";
  ASSERT_TRUE(writeRandomModelAlone(inside, 34));
  auto keeper = keep();
  auto first = Model::load(outside), second = Model::load(outside);
  ASSERT_TRUE(first && second);
  expectRight(**first);
  expectRight(**second);
  ASSERT_EQ(keeper->status().files.size(), 1u);
  EXPECT_EQ(keeper->status().files[0].leases, 2);
  first->reset(), second->reset();
  fs::copy_file(inside, dir.path() / "copy.onnx");
  auto third = Model::load(inside), fourth = Model::load(dir.path() / "copy.onnx");
  ASSERT_TRUE(third && fourth) << third.error().message;
  expectRight(**third);
  expectRight(**fourth);
  ASSERT_TRUE((*fourth)->setThreads(2));
  expectRight(**fourth);
  ASSERT_EQ(keeper->status().files.size(), 2u) << "two forms of one model are not the same bytes";
  EXPECT_EQ(keeper->status().files[1].leases, 2);
  auto cut = *readFile(inside);
  ASSERT_TRUE(writeFileAtomic(inside, cut.substr(0, cut.size() / 2)));
  EXPECT_EQ(Model::load(inside).error().code, Code::kCorrupt);
}

TEST_F(ModelTest, ADamagedFormIsAnErrorNotAnAnswer) {
  ASSERT_TRUE(prepareForMachine(store, "m"));
  const auto form = store / "m" / (machineKind() + ".ort");
  auto bytes = *readFile(form);
  bytes[bytes.size() / 2] ^= 1;
  ASSERT_TRUE(writeFileAtomic(form, bytes));
  for (const bool kept : {false, true}) {
    auto keeper = kept ? keep() : nullptr;
    auto model = Model::load("m");
    ASSERT_FALSE(model);
    EXPECT_EQ(model.error().code, Code::kCorrupt);
    EXPECT_THAT(model.error().message, HasSubstr("checksum"));
  }
}

TEST_F(ModelTest, SaysWhatIsMissing) {
  EXPECT_EQ(Model::load("other").error().code, Code::kNotFound);
  unsetenv("LECTERN_MODEL_STORE");
  EXPECT_THAT(Model::load("m").error().message, HasSubstr("LECTERN_MODEL_STORE"));
  EXPECT_EQ(Model::load("/none/m.ort").error().code, Code::kNotFound);
}

TEST(ThreadsOfShare, FollowTheFunctionsMemory) {
  setenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "1024", 1);
  EXPECT_EQ(threadsOfShare(), 1);
  setenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "10240", 1);
  EXPECT_GE(threadsOfShare(), 1);
  EXPECT_LE(threadsOfShare(), 6);
  unsetenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE");
  EXPECT_EQ(threadsOfShare(), 1);
}

}  // namespace
}  // namespace lectern::model
