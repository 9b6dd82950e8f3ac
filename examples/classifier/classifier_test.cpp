// Two functions with one model in the whole engine: in sandboxes, one as copies of a snapshot, one copy of the weights.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/files.h"
#include "base/json.h"
#include "engine/engine.h"
#include "model/model.h"
#include "model/model_store.h"
#include "tiny_model.h"

namespace lectern::examples {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class ClassifierTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(writeFileAtomic(dir_.path() / "tiny.onnx", tinyClassifier()));
    ASSERT_TRUE(model::addModel(store_, "tiny", dir_.path() / "tiny.onnx", "generated"));
    ASSERT_TRUE(model::prepareForMachine(store_, "tiny"));
    auto keeper = model::Keeper::start({dir_.path() / "keeper", mebibytes(16)});
    ASSERT_TRUE(keeper) << keeper.error().message;
    keeper_ = std::move(*keeper);
    // Sandboxed functions run as a user of their own.
    for (const auto& folder : {dir_.path(), store_}) fs::permissions(folder, fs::perms(0755));
    auto started = engine::Engine::start({.keeper = keeper_->status().socket.parent_path(), .allow_none = true});
    ASSERT_TRUE(started) << started.error().message;
    engine_ = std::move(*started);
    sandboxed_ = engine_->isolation().starts_with("isolation: full");
  }

  void add(const std::string& name, bool snap_start) {
    engine::FunctionSpec spec;
    spec.name = name;
    spec.code = LECTERN_CLASSIFIER_DIR;
    spec.memory_mb = 512;
    spec.timeout_s = 30;
    spec.snap_start = snap_start;
    spec.environment = {{"MODEL", "tiny"}, {"LECTERN_MODEL_STORE", sandboxed_ ? "/mnt/models" : store_.string()}};
    if (sandboxed_) spec.mounts = {{store_, "/mnt/models", false}};
    auto added = engine_->addFunction(spec);
    ASSERT_TRUE(added) << added.error().message;
  }

  engine::InvokeResult classify(const std::string& function, const std::vector<float>& values) {
    return engine_->invoke({.function = function,
                            .payload = toJson(json::object{{"values", json::value_from(values)}})});
  }

  TempDir dir_ = std::move(*TempDir::create("classifier-test-"));
  fs::path store_ = dir_.path() / "store";
  std::unique_ptr<model::Keeper> keeper_;
  std::unique_ptr<engine::Engine> engine_;
  bool sandboxed_ = false;
};

TEST_F(ClassifierTest, TwoFunctionsShareOneCopyAndAnswerRight) {
  auto direct = model::Model::load((dir_.path() / "tiny.onnx").string());
  ASSERT_TRUE(direct);
  add("plain", false);
  add("copied", true);
  std::set<int64_t> classes;
  for (int seed = 0; seed < 4; ++seed) {
    const auto picture = tinyPicture(seed);
    auto expected = (*direct)->run(picture, std::vector<int64_t>{1, 3, 8, 8});
    ASSERT_TRUE(expected);
    for (const char* function : {"plain", "copied"}) {
      auto result = classify(function, picture);
      ASSERT_TRUE(result.ok()) << function << ": " << result.payload;
      const auto answer = parseJson(result.payload)->as_object();
      ASSERT_EQ(answer.at("scores").as_array().size(), 4u);
      for (size_t i = 0; i < 4; ++i) {
        EXPECT_NEAR(answer.at("scores").as_array()[i].to_number<double>(), expected->data[i], 1e-5) << function;
      }
      const auto best = static_cast<size_t>(answer.at("class").to_number<int64_t>());
      EXPECT_EQ(answer.at("label").as_string(), std::vector<std::string>({"invoice", "receipt", "letter", "form"})[best]);
    }
  }
  const auto status = keeper_->status();
  ASSERT_EQ(status.files.size(), 1u) << "one model, one copy";
  EXPECT_GE(status.files[0].leases, 2);
  EXPECT_EQ(status.used, 2 << 20);
}

TEST_F(ClassifierTest, WithoutAKeeperAndWithWrongEvents) {
  keeper_.reset();
  add("plain", false);
  EXPECT_TRUE(classify("plain", tinyPicture(1)).ok());
  const auto few = classify("plain", {1, 2, 3});
  EXPECT_FALSE(few.ok());
  EXPECT_THAT(few.payload, HasSubstr("takes 192 values, the event has 3"));
  for (const char* bad : {"{}", "[]", R"({"values":["a"]})", R"({"values":7})"}) {
    const auto result = engine_->invoke({.function = "plain", .payload = bad});
    EXPECT_FALSE(result.ok()) << bad;
    EXPECT_THAT(result.payload, HasSubstr("Classifier.Event")) << bad;
  }
}

TEST_F(ClassifierTest, ADamagedModelEndsInit) {
  for (const auto& entry : fs::directory_iterator(store_ / "tiny")) {
    if (entry.path().extension() != ".ort") continue;
    auto bytes = *readFile(entry.path());
    bytes[bytes.size() / 2] ^= 1;
    ASSERT_TRUE(writeFileAtomic(entry.path(), bytes));
    fs::permissions(entry.path(), fs::perms(0644));
  }
  add("plain", false);
  const auto result = classify("plain", tinyPicture(1));
  EXPECT_FALSE(result.ok());
  EXPECT_THAT(result.payload, HasSubstr("checksum"));
}

}  // namespace
}  // namespace lectern::examples
