#include "reader/relations/relations.h"

#include <gtest/gtest.h>

namespace lectern::reader {
namespace {
TEST(RelationsTest, AnEmptyDocumentHasNoTypeAndNoFields) {
  Document d;
  classify(d);
  findFields(d);
  EXPECT_TRUE(d.type.empty());
  EXPECT_TRUE(d.fields.empty());
}
}  // namespace
}  // namespace lectern::reader
