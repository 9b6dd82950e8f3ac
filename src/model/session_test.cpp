#include "model/session.h"

#include <gtest/gtest.h>

#include <vector>

#include "base/files.h"
#include "model/files.h"

namespace lectern::model {
namespace {

TEST(SessionTest, MissingAndDamagedFilesAreNamed) {
  auto dir = TempDir::create();
  ASSERT_TRUE(dir);
  EXPECT_EQ(Session::load(dir->path() / "none.onnx", {}).error().code, Code::kNotFound);
  ASSERT_TRUE(writeFileAtomic(dir->path() / "bad.onnx", "this is not a model"));
  auto bad = Session::load(dir->path() / "bad.onnx", {});
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().code, Code::kCorrupt);
  EXPECT_NE(bad.error().message.find("bad.onnx"), std::string::npos);
  EXPECT_NE(findModel("no-such-model").error().message.find("fetch_assets"), std::string::npos);
}

TEST(SessionTest, RunsTheDetectionModel) {
  auto file = findModel("ppocr-v4-det-mobile");
  if (!file) GTEST_SKIP() << file.error().message;
  auto session = Session::load(file->path, {});
  ASSERT_TRUE(session) << session.error().message;
  const std::vector<float> white(3 * 64 * 96, 1.0f);
  const std::vector<int64_t> shape = {1, 3, 64, 96};
  auto result = (*session)->run(white, shape);
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->shape, (std::vector<int64_t>{1, 1, 64, 96}));
  for (const float p : result->data) EXPECT_LT(p, 0.3f);
  const std::vector<int64_t> wrong = {1, 1, 64, 96};
  EXPECT_FALSE((*session)->run(std::span(white).first(64 * 96), wrong));
}

}  // namespace
}  // namespace lectern::model
