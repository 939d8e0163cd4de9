#include "switch/iso/framing.h"

#include <gtest/gtest.h>

namespace tollgate::iso::test {
namespace {

using Kind = Cut::Kind;

TEST(Framing, CutsFramesThatArriveByteByByte) {
  const Framing framing{Framing::Prefix::binary2, 2048};
  const Bytes stream = *from_hex("0003AABBCC0001DD");
  for (std::size_t size = 0; size < 5; ++size) {
    const Cut cut = next_frame(framing, ByteView(stream).first(size));
    EXPECT_EQ(cut.kind, Kind::incomplete) << size;
    EXPECT_EQ(cut.wanted, size < 2 ? 2U : 5U);
    EXPECT_EQ(cut.consumed, 0U);
  }
  const Cut first = next_frame(framing, stream);
  ASSERT_EQ(first.kind, Kind::frame);
  EXPECT_EQ(to_hex(first.frame), "AABBCC");
  const Cut second = next_frame(framing, ByteView(stream).subspan(first.consumed));
  ASSERT_EQ(second.kind, Kind::frame);
  EXPECT_EQ(to_hex(second.frame), "DD");
  EXPECT_EQ(first.consumed + second.consumed, stream.size());
}

TEST(Framing, RefusesLengthZeroAndAboveTheMaximumBeforeTheFrameIsThere) {
  const Framing framing{Framing::Prefix::binary2, 300};
  EXPECT_EQ(next_frame(framing, *from_hex("0000")).kind, Kind::refused);
  EXPECT_EQ(next_frame(framing, *from_hex("012D")).kind, Kind::refused);
  EXPECT_EQ(next_frame(framing, *from_hex("012C")).kind, Kind::incomplete);
}

TEST(Framing, AFourDigitPrefixMustBeDigits) {
  const Framing framing{Framing::Prefix::ascii4, 2048};
  const auto cut = [&](std::string_view text) { return next_frame(framing, as_bytes(text)); };
  EXPECT_EQ(cut("000").kind, Kind::incomplete);
  EXPECT_EQ(cut("0003AB").wanted, 7U);
  EXPECT_EQ(as_text(cut("0003ABCDEF").frame), "ABC");
  EXPECT_EQ(cut("0003ABCDEF").consumed, 7U);
  EXPECT_EQ(cut("00A3ABC").kind, Kind::refused);
  EXPECT_EQ(cut("0000").kind, Kind::refused);
  EXPECT_EQ(cut("2049").kind, Kind::refused);
}

TEST(Framing, WithoutAPrefixTheBufferIsTheFrame) {
  const Framing framing{Framing::Prefix::none, 64};
  EXPECT_EQ(next_frame(framing, {}).kind, Kind::incomplete);
  EXPECT_EQ(next_frame(framing, Bytes(64)).consumed, 64U);
  EXPECT_EQ(next_frame(framing, Bytes(65)).kind, Kind::refused);
}

}  // namespace
}  // namespace tollgate::iso::test
