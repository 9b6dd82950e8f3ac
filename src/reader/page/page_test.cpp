#include "reader/page/page.h"

#include <gtest/gtest.h>

#include "reader/page/accents.h"

namespace lectern::reader {
namespace {

TEST(BoxTest, OverlapsAndUnions) {
  const Box a{0, 0, 10, 10}, b{5, 5, 15, 15};
  EXPECT_EQ(intersect(a, b), (Box{5, 5, 10, 10}));
  EXPECT_EQ(unite(a, b), (Box{0, 0, 15, 15}));
  EXPECT_EQ(unite(a, Box{}), a);
  EXPECT_NEAR(intersectionOverUnion(a, b), 25.0 / 175, 1e-9);
  EXPECT_DOUBLE_EQ(verticalOverlap(a, b), 0.5);
  EXPECT_EQ(boundsOf(quadOf(a)), a);
  EXPECT_TRUE(intersect(a, Box{20, 20, 30, 30}).empty());
}

TEST(IdsTest, RunThroughTheDocument) {
  Document document;
  document.pages.resize(2);
  for (auto& page : document.pages) page.words.resize(2);
  assignIds(document);
  EXPECT_EQ(document.pages[0].words[0].id, "w1");
  EXPECT_EQ(document.pages[1].words[1].id, "w4");
}

TEST(PageTest, Accents) {
  EXPECT_EQ(withoutAccents("Şeksyen Chéras łÉ ß 林"), "Seksyen Cheras lE ß 林");
  Page page;
  page.words.resize(30);
  for (auto& w : page.words) w.text = "plain";
  page.words[3].text = "Chéras";
  EXPECT_TRUE(writtenWithoutAccents(page));
  for (size_t i = 0; i < 5; ++i) page.words[i].text = "à";
  EXPECT_FALSE(writtenWithoutAccents(page));
}

}  // namespace
}  // namespace lectern::reader
