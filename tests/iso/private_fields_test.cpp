#include "switch/iso/private_fields.h"

#include <gtest/gtest.h>

#include "tests/iso/goldens.h"

namespace tollgate::iso::test {
namespace {

// A cup message without envelope that holds one field; the bytes live in `bytes`.
class PrivateFields : public testing::Test {
 protected:
  const MessageView& with(int field, std::string_view value) {
    MessageBuilder builder;
    builder.set_mti({0x0200});
    builder.set(field, value);
    bytes_.assign(4096, 0);
    const auto encoded = encode(*dialect_, builder, bytes_);
    EXPECT_TRUE(encoded.has_value()) << value;
    EXPECT_TRUE(decode(*dialect_, encoded->subspan(2), view_).ok()) << value;
    return view_;
  }

 private:
  std::shared_ptr<const Dialect> dialect_ = Dialect::builtin("cup")->without_envelope();
  Bytes bytes_;
  MessageView view_;
};

TEST_F(PrivateFields, Field60IsCutFromTheRight) {
  auto parts = field_60(with(60, "22000705"));
  ASSERT_TRUE(parts.has_value());
  EXPECT_EQ(parts->type, 22);
  EXPECT_EQ(parts->batch, 705U);
  EXPECT_FALSE(parts->management || parts->reader || parts->chip || parts->partial);
  parts = field_60(with(60, "00000001360"));
  EXPECT_EQ(parts->management, 360);
  EXPECT_FALSE(parts->reader.has_value());
  parts = field_60(with(60, "22000001000501"));
  EXPECT_EQ(parts->reader, 5);
  EXPECT_EQ(parts->chip, 0);
  EXPECT_EQ(parts->partial, true);
  EXPECT_TRUE(field_60(with(60, "22000001000501030")).has_value());
  EXPECT_TRUE(field_60(with(60, "2600000100060000000")).has_value());  // 19, as one acquirer sends it
}

TEST_F(PrivateFields, Field60OfAnotherLengthIsMalformed) {
  for (const auto text : {"", "2200000", "220000010", "2200000100"})
    EXPECT_FALSE(field_60(with(60, text)).has_value()) << text;
  EXPECT_FALSE(field_60(with(3, "000000")).has_value());
}

TEST_F(PrivateFields, Field61WithAndWithoutDate) {
  auto parts = field_61(with(61, "000001000003"));
  ASSERT_TRUE(parts.has_value());
  EXPECT_EQ(parts->batch, 1U);
  EXPECT_EQ(parts->stan, 3U);
  EXPECT_FALSE(parts->date.has_value());
  EXPECT_EQ(field_61(with(61, "0000010000020912"))->date, 912);
  EXPECT_EQ(field_61(with(61, "00000100000209120001020000"))->date, 912);
  for (const auto text : {"00000100000", "0000010000030", "000001000003091"})
    EXPECT_FALSE(field_61(with(61, text))) << text;
}

TEST_F(PrivateFields, TextTlvGivesTheFirstValueOfATagAndRefusesABrokenTail) {
  EXPECT_EQ(text_tlv(with(59,
                          "A2001xA3019622000000000000001"
                          "2"),
                     59, "A3"),
            "6220000000000000012");
  EXPECT_EQ(text_tlv(with(62, "BT00202MP01113800000000MO0011"), 62, "MO"), "1");
  EXPECT_EQ(text_tlv(with(59, "A30011A30012"), 59, "A3"), "1");
  EXPECT_EQ(text_tlv(with(59, "A3000"), 59, "A3"), "");
  EXPECT_FALSE(text_tlv(with(59, "A30011"), 59, "A4").has_value());
  EXPECT_FALSE(text_tlv(with(59, "A30011A4"), 59, "A3").has_value());
  EXPECT_FALSE(text_tlv(with(59, "A30021"), 59, "A3").has_value());
  EXPECT_FALSE(text_tlv(with(59, "A3-011"), 59, "A3").has_value());
  EXPECT_FALSE(text_tlv(with(59, ""), 59, "A3").has_value());
}

TEST_F(PrivateFields, SignInCarriesTheSerial) {
  EXPECT_EQ(sign_in_serial(with(62, "Sequence No12306012345678")), "12345678");
  EXPECT_EQ(sign_in_serial(with(62, "Sequence No163150SXX-4C304119")), "SXX-4C304119");
  for (const auto text : {"Sequence No", "Sequence No12306012345", "Sequence No043060",
                          "sequence No12306012345678", "Sequence Noxx3060"}) {
    EXPECT_FALSE(sign_in_serial(with(62, text)).has_value()) << text;
  }
}

}  // namespace
}  // namespace tollgate::iso::test
