#include <gtest/gtest.h>

#include "reader/relations/repair.h"

namespace lectern::reader {
namespace {

TEST(RepairTest, LegalFormsOfNames) {
  EXPECT_EQ(repairedName("NORTH MART S/8"), "NORTH MART S/B");
  EXPECT_EQ(repairedName("NORTH SON BHD"), "NORTH SDN BHD");
  EXPECT_EQ(repairedName("North San. Bhd."), "North Sdn. Bhd.");
  EXPECT_EQ(repairedName("North Sdn Hhd"), "North Sdn Bhd");
  EXPECT_EQ(repairedName("Wor1d of D.1.Y."), "World of D.I.Y.");
  EXPECT_EQ(repairedName("Old Son & Daughter"), "Old Son & Daughter");
}

TEST(RepairTest, WordsOfAddresses) {
  EXPECT_EQ(repairedAddress("12, Jin Merak, 4330O Setangor"), "12, Jln Merak, 43300 Selangor");
  EXPECT_EQ(repairedAddress("NO. 7, TAMAN BARU I8, JOHDR"), "NO. 7, TAMAN BARU 18, JOHOR");
  EXPECT_EQ(repairedAddress("1780-0ESA SRI"), "1780-DESA SRI");
  EXPECT_EQ(repairedAddress("10T 18, Jelan S515/4B, Nol"), "LOT 18, Jalan SS15/4B, No1");
  // Other words are left alone, also those that are one letter from a word of addresses.
  EXPECT_EQ(repairedAddress("Lot 12B, Town Hall, Bali, U5/13, 12A"), "Lot 12B, Town Hall, Bali, U5/13, 12A");
  EXPECT_EQ(repairedAddress("5 Rue de la Paix, 75002 Paris"), "5 Rue de la Paix, 75002 Paris");
}

}  // namespace
}  // namespace lectern::reader
