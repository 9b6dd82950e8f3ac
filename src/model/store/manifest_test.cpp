#include "model/store/manifest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/files.h"
#include "model/store/random_model.h"
#include "model/store/stored_model.h"

namespace lectern::model {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

struct Store : ::testing::Test {
  TempDir dir = std::move(*TempDir::create());
  fs::path store = dir.path() / "store";
  fs::path model = dir.path() / "m.onnx";

  void SetUp() override {
    ASSERT_TRUE(writeRandomModel(model, 17));
    auto added = addModel(store, "m", model, "generated");
    ASSERT_TRUE(added) << added.error().message;
  }
  Error openError() {
    auto opened = openStored(store, "m");
    EXPECT_FALSE(opened);
    return opened ? Error{} : opened.error();
  }
};

TEST_F(Store, KeepsWhatWasAddedWithItsDigests) {
  auto manifest = readManifest(store, "m");
  ASSERT_TRUE(manifest);
  EXPECT_EQ(manifest->source, "generated");
  ASSERT_EQ(manifest->files.size(), 2u);
  EXPECT_EQ(manifest->files[0].name, "m.onnx");
  EXPECT_EQ(manifest->files[1].size, 2048 * 2048 * 4);
  EXPECT_EQ(manifest->files[1].sha256.size(), 64u);
  auto opened = openStored(store, "m");
  ASSERT_TRUE(opened) << opened.error().message;
  EXPECT_FALSE((*opened)->regions[0].shared());
  EXPECT_EQ((*opened)->regions[1].bytes(), *readFile(dir.path() / "m.bin"));
  EXPECT_TRUE(addModel(store, "m", model, "the same again"));
  EXPECT_EQ(listModels(store)->size(), 1u);
}

TEST_F(Store, OtherBytesUnderANameThatExistsAreRefused) {
  ASSERT_TRUE(writeRandomModel(dir.path() / "other.onnx", 34));
  EXPECT_EQ(addModel(store, "m", dir.path() / "other.onnx", "").error().code, Code::kExists);
  EXPECT_EQ(addModel(store, "../m", model, "").error().code, Code::kInvalid);
  EXPECT_EQ(addModel(store, "n", dir.path() / "none.onnx", "").error().code, Code::kNotFound);
  // Nothing unfinished stays.
  for (const auto& entry : fs::directory_iterator(store)) EXPECT_EQ(entry.path().filename(), "m");
}

TEST_F(Store, CutOffFilesAreNamed) {
  fs::resize_file(store / "m/m.bin", 1000);
  EXPECT_EQ(openError().code, Code::kCorrupt);
  EXPECT_THAT(openError().message, HasSubstr("m.bin"));
}

TEST_F(Store, OneChangedBitIsAnError) {
  auto bytes = *readFile(store / "m/m.bin");
  bytes[12'345'678] ^= 1;
  ASSERT_TRUE(writeFileAtomic(store / "m/m.bin", bytes));
  EXPECT_EQ(openError().code, Code::kCorrupt);
  EXPECT_THAT(openError().message, HasSubstr("checksum"));
}

TEST_F(Store, MissingFilesAndModelsAreNotFound) {
  fs::remove(store / "m/m.bin");
  EXPECT_EQ(openError().code, Code::kNotFound);
  auto absent = openStored(store, "absent");
  ASSERT_FALSE(absent);
  EXPECT_EQ(absent.error().code, Code::kNotFound);
  EXPECT_THAT(absent.error().message, HasSubstr("lectern model add"));
}

TEST_F(Store, DamagedManifestsAreRefused) {
  const std::string good = *readFile(store / "m/manifest.json");
  for (size_t cut = 0; cut + 3 < good.size(); cut += 3) {
    ASSERT_TRUE(writeFileAtomic(store / "m/manifest.json", good.substr(0, cut)));
    EXPECT_EQ(openError().code, Code::kCorrupt) << cut;
  }
  std::string outside = good;
  outside.replace(outside.find("m.bin"), 5, "../x\"");
  ASSERT_TRUE(writeFileAtomic(store / "m/manifest.json", outside));
  EXPECT_EQ(openError().code, Code::kCorrupt);
}

}  // namespace
}  // namespace lectern::model
