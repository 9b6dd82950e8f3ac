#include "model/optimize.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/files.h"
#include "model/files.h"
#include "model/session.h"
#include "model/store/random_model.h"

namespace lectern::model {
namespace {

std::vector<float> ramp(size_t n) {
  std::vector<float> out(n);
  for (size_t i = 0; i < n; ++i) out[i] = std::sin(static_cast<float>(i) * 0.37f);
  return out;
}

float largestDifference(const Tensor& a, const Tensor& b) {
  EXPECT_EQ(a.shape, b.shape);
  float worst = 0;
  for (size_t i = 0; i < a.data.size(); ++i) worst = std::max(worst, std::fabs(a.data[i] - b.data[i]));
  return worst;
}

TEST(Optimize, BothFormsAnswerAsTheModelDoes) {
  auto dir = TempDir::create();
  auto n = writeRandomModel(dir->path() / "m.onnx", 34);
  ASSERT_TRUE(n) << n.error().message;
  const auto input = ramp(static_cast<size_t>(*n));
  const std::vector<int64_t> shape = {1, *n};
  auto plain = Session::load(dir->path() / "m.onnx", {});
  ASSERT_TRUE(plain) << plain.error().message;
  auto expected = (*plain)->run(input, shape);
  ASSERT_TRUE(expected);
  for (const char* name : {"o.ort", "o.onnx"}) {
    const auto out = dir->path() / name;
    auto report = optimizeModel(dir->path() / "m.onnx", out);
    ASSERT_TRUE(report) << report.error().message;
    EXPECT_GE(report->after_bytes, 33'000'000);
    EXPECT_EQ(report->data.empty(), std::string(name) == "o.ort");
    auto session = Session::loadShared(out);
    ASSERT_TRUE(session) << name << ": " << session.error().message;
    auto warm = (*session)->warmUp(input, shape);
    ASSERT_TRUE(warm) << warm.error().message;
    EXPECT_LT(largestDifference(*expected, *warm), 1e-5f) << name;
  }
  // Nothing but the files that were asked for.
  size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(dir->path())) files += entry.exists() ? 1 : 0;
  EXPECT_EQ(files, 5u);
}

TEST(Optimize, ConvolutionsAnswerAsBefore) {
  auto file = findModel("ppocr-v4-det-mobile");
  if (!file) GTEST_SKIP() << file.error().message;
  auto dir = TempDir::create();
  auto cached = optimizedModel(file->path, dir->path());
  ASSERT_TRUE(cached) << cached.error().message;
  EXPECT_NE(cached->filename().string().find(machineKind()), std::string::npos);
  const auto made = std::filesystem::last_write_time(*cached);
  auto again = optimizedModel(file->path, dir->path());
  ASSERT_TRUE(again);
  EXPECT_EQ(*again, *cached);
  EXPECT_EQ(std::filesystem::last_write_time(*again), made);
  const auto input = ramp(3 * 64 * 96);
  const std::vector<int64_t> shape = {1, 3, 64, 96};
  auto before = Session::load(file->path, {});
  auto after = Session::loadShared(*cached);
  ASSERT_TRUE(before && after) << after.error().message;
  EXPECT_EQ((*after)->inputs()[0].shape.size(), 4u);
  EXPECT_LT(largestDifference(*(*before)->run(input, shape), *(*after)->run(input, shape)), 1e-5f);
}

TEST(Optimize, SaysWhatIsWrong) {
  auto dir = TempDir::create();
  ASSERT_TRUE(writeRandomModel(dir->path() / "m.onnx", 17));
  EXPECT_EQ(optimizeModel(dir->path() / "m.onnx", dir->path() / "m.onnx").error().code, Code::kInvalid);
  EXPECT_EQ(optimizeModel(dir->path() / "m.onnx", dir->path() / "m.bin").error().code, Code::kInvalid);
  EXPECT_EQ(optimizeModel(dir->path() / "none.onnx", dir->path() / "o.ort").error().code, Code::kNotFound);
  // A file with whole tensors but fewer bytes than they need is refused before anything runs.
  std::filesystem::resize_file(dir->path() / "m.bin", 1000);
  auto cut = Session::loadShared(dir->path() / "m.onnx");
  ASSERT_FALSE(cut);
  EXPECT_EQ(cut.error().code, Code::kCorrupt);
}

}  // namespace
}  // namespace lectern::model
