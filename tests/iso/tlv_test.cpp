#include "switch/iso/tlv.h"

#include <gtest/gtest.h>

namespace tollgate::iso::test {
namespace {

bool parses(std::string_view hex) {
  return !broken_tlv(*from_hex(hex)).has_value();
}

TEST(Tlv, ReadsTagsOfOneToThreeBytesAndLengthsOfOneToThree) {
  const Bytes data = *from_hex(
      "9F260101"
      "82027C00"
      "DF810101FF"
      "5A810122"
      "5A82000133");
  ByteView rest = data;
  const auto expect = [&](std::uint32_t tag, std::string_view value) {
    const auto found = next_tlv(rest);
    ASSERT_TRUE(found.has_value());
    EXPECT_EQ(found->tag, tag);
    EXPECT_EQ(to_hex(found->value), value);
  };
  expect(0x9F26, "01");
  expect(0x82, "7C00");
  expect(0xDF8101, "FF");
  expect(0x5A, "22");
  expect(0x5A, "33");
  EXPECT_TRUE(rest.empty());
  EXPECT_FALSE(next_tlv(rest).has_value());
  EXPECT_TRUE(parses(to_hex(data)));
}

TEST(Tlv, RefusesWhatDoesNotEndWhereItSays) {
  EXPECT_TRUE(parses(""));
  for (const auto hex : {"9F", "9F26", "9F2602AA", "82", "8202AA", "5A81", "5A8201", "5A820002AA"})
    EXPECT_FALSE(parses(hex)) << hex;
}

TEST(Tlv, RefusesTheIndefiniteFormLongLengthsLongTagsAndTagZero) {
  EXPECT_FALSE(parses("30800000"));
  EXPECT_FALSE(parses("5A8300000101"));
  EXPECT_FALSE(parses("DF8180010100"));
  EXPECT_FALSE(parses("00019A"));
}

TEST(Tlv, ChecksInsideConstructedObjectsAndNamesThePlace) {
  EXPECT_TRUE(
      parses("72079F1804000000"
             "01"));
  EXPECT_EQ(broken_tlv(*from_hex("9A0101"
                                 "72069F1804000000")),
            5U);
}

TEST(Tlv, NestsFourDeepAndNoDeeper) {
  EXPECT_TRUE(
      parses("7006"
             "7004"
             "7002"
             "9A00"));
  EXPECT_FALSE(
      parses("7008"
             "7006"
             "7004"
             "7002"
             "9A00"));
  EXPECT_FALSE(
      parses("7006"
             "7004"
             "7002"
             "7000"));  // the fourth is itself constructed
}

TEST(Tlv, HoldsAtMost256Tags) {
  std::string many;
  for (int i = 0; i < 256; ++i) many += "9A00";
  EXPECT_TRUE(parses(many));
  EXPECT_FALSE(parses(many + "9A00"));
}

TEST(Tlv, FindsTheFirstOfATagOnTheOutermostLevel) {
  const Bytes data = *from_hex(
      "72039A01FF"
      "9A0101"
      "9A0102"
      "9F");
  EXPECT_EQ(to_hex(*find_tlv(data, 0x9A)), "01");
  EXPECT_FALSE(find_tlv(data, 0x9F26).has_value());
}

}  // namespace
}  // namespace tollgate::iso::test
