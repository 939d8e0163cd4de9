#include "switch/base/bytes.h"

#include <gtest/gtest.h>

namespace tollgate {
namespace {

TEST(Hex, ComesBackAsItWas) {
  Bytes all(256);
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<std::uint8_t>(i);
  EXPECT_EQ(to_hex(all).substr(0, 8), "00010203");
  EXPECT_EQ(to_hex(all).substr(504), "FCFDFEFF");
  EXPECT_EQ(from_hex(to_hex(all)), all);
}

TEST(Hex, ReadsBothCases) {
  EXPECT_EQ(from_hex("aAfF"), (Bytes{0xAA, 0xFF}));
}

TEST(Hex, RefusesOddCountAndOtherCharacters) {
  EXPECT_EQ(from_hex("ABC"), std::nullopt);
  for (const char* text : {"0G", "g0", " 0", "0x", "-1", "\xC4\x30"})
    EXPECT_EQ(from_hex(text), std::nullopt) << text;
  EXPECT_EQ(from_hex(""), Bytes{});
}

TEST(BigEndian, LoadsWhatItStored) {
  std::uint8_t p[8];
  store_be16(p, 0xFEDC);
  EXPECT_EQ(p[0], 0xFE);
  EXPECT_EQ(load_be16(p), 0xFEDC);
  store_be32(p, 0xFEDCBA98);
  EXPECT_EQ(p[0], 0xFE);
  EXPECT_EQ(p[3], 0x98);
  EXPECT_EQ(load_be32(p), 0xFEDCBA98);
  store_be64(p, 0xFEDCBA9876543210);
  EXPECT_EQ(p[0], 0xFE);
  EXPECT_EQ(p[7], 0x10);
  EXPECT_EQ(load_be64(p), 0xFEDCBA9876543210);
}

TEST(ByteWriter, WritesUpToItsEndAndNotBeyond) {
  std::uint8_t room[4] = {9, 9, 9, 9};
  ByteWriter out(MutableBytes(room, 3));
  out.put(1);
  out.put(as_bytes("ab"));
  EXPECT_FALSE(out.overflowed());
  out.put(2);
  EXPECT_TRUE(out.overflowed());
  EXPECT_EQ(room[3], 9);
  EXPECT_EQ(out.size(), 3u);
  EXPECT_EQ(as_text(out.written()),
            "\x01"
            "ab");
}

TEST(ByteWriter, DropsAPieceThatDoesNotFitWholeAndSaysSo) {
  std::uint8_t room[4] = {9, 9, 9, 9};
  ByteWriter out{MutableBytes(room)};
  out.put(as_bytes("12345"));
  EXPECT_TRUE(out.overflowed());
  EXPECT_EQ(out.size(), 0u);
  EXPECT_EQ(room[0], 9);
}

TEST(ByteWriter, TakesNothingFromNothing) {
  ByteWriter out{MutableBytes{}};
  out.put(ByteView{});
  EXPECT_FALSE(out.overflowed());
  EXPECT_EQ(out.take(1), nullptr);
  EXPECT_TRUE(out.overflowed());
}

}  // namespace
}  // namespace tollgate
