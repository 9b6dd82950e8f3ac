#include "model/store/weights.h"

#include <gtest/gtest.h>

#include <fstream>

#include "base/files.h"
#include "model/store/random_model.h"

namespace lectern::model {
namespace {

TEST(Weights, RandomModelNamesItsTensors) {
  auto dir = TempDir::create();
  auto n = writeRandomModel(dir->path() / "m.onnx", 40);
  ASSERT_TRUE(n) << n.error().message;
  EXPECT_EQ(*n, 2048);
  auto bytes = readFile(dir->path() / "m.onnx");
  auto tensors = externalTensors(*bytes);
  ASSERT_TRUE(tensors) << tensors.error().message;
  ASSERT_EQ(tensors->size(), 2u);
  EXPECT_EQ((*tensors)[1].name, "w1");
  EXPECT_EQ((*tensors)[1].location, "m.bin");
  EXPECT_EQ((*tensors)[1].shape, (std::vector<int64_t>{2048, 2048}));
  EXPECT_EQ((*tensors)[1].offset, 2048 * 2048 * 4);
}

TEST(Weights, DamagedModelsAreRefused) {
  auto dir = TempDir::create();
  ASSERT_TRUE(writeRandomModel(dir->path() / "m.onnx", 20));
  std::string good = *readFile(dir->path() / "m.onnx");
  EXPECT_FALSE(externalTensors(good.substr(0, good.size() / 2)));
  std::string outside = good;
  outside.replace(outside.find("m.bin"), 5, "../bi");
  auto refused = externalTensors(outside);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kCorrupt);
  std::string lying = good;
  lying.replace(lying.find("16777216"), 8, "16777217");
  EXPECT_FALSE(externalTensors(lying));
}

TEST(Weights, RegionHoldsTheFileAndKnowsWhenItIsCutOff) {
  auto dir = TempDir::create();
  std::string text(5'000'000, 'w');
  text[4'999'999] = 'e';
  ASSERT_TRUE(writeFileAtomic(dir->path() / "w.bin", text));
  auto region = WeightRegion::load(dir->path() / "w.bin", 5'000'000);
  ASSERT_TRUE(region);
  EXPECT_EQ(std::string_view(reinterpret_cast<const char*>(region->data()), 5'000'000), text);
  auto cut = WeightRegion::load(dir->path() / "w.bin", 5'000'001);
  ASSERT_FALSE(cut);
  EXPECT_EQ(cut.error().code, Code::kCorrupt);
  EXPECT_FALSE(WeightRegion::load(dir->path() / "absent"));
}

}  // namespace
}  // namespace lectern::model
