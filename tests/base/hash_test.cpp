#include "switch/base/hash.h"

#include <gtest/gtest.h>

#include <string>

namespace tollgate {
namespace {

std::string hex(const Digest& digest) {
  return to_hex(digest);
}

// FIPS 180-4 examples ("abc", two blocks) and the empty message.
TEST(Sha256, GivesTheKnownAnswers) {
  EXPECT_EQ(hex(Sha256::of(as_bytes("abc"))),
            "BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD");
  EXPECT_EQ(hex(Sha256::of(as_bytes("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"))),
            "248D6A61D20638B8E5C026930C3E6039A33CE45964FF2167F6ECEDD419DB06C1");
  EXPECT_EQ(hex(Sha256::of({})), "E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855");
}

TEST(Sha256, IsTheSameHoweverItIsCut) {
  const std::string text(1000, 'a');
  const auto whole = Sha256::of(as_bytes(text));
  for (const std::size_t cut : {0, 1, 55, 56, 63, 64, 65, 999, 1000}) {
    Sha256 pieces;
    pieces.update(as_bytes(std::string_view(text).substr(0, cut)));
    pieces.update(as_bytes(std::string_view(text).substr(cut)));
    EXPECT_EQ(pieces.finish(), whole) << cut;
    EXPECT_EQ(Sha256::of(as_bytes(std::string_view(text).substr(0, cut)),
                         as_bytes(std::string_view(text).substr(cut))),
              whole);
  }
}

// RFC 4231, cases 1, 2, 3 and 6 (a key longer than a block).
TEST(Hmac, GivesTheKnownAnswers) {
  EXPECT_EQ(hex(Hmac(Bytes(20, 0x0B)).of(as_bytes("Hi There"))),
            "B0344C61D8DB38535CA8AFCEAF0BF12B881DC200C9833DA726E9376C2E32CFF7");
  EXPECT_EQ(hex(Hmac(as_bytes("Jefe")).of(as_bytes("what do ya want for nothing?"))),
            "5BDCC146BF60754E6A042426089575C75A003F089D2739839DEC58B964EC3843");
  EXPECT_EQ(hex(Hmac(Bytes(20, 0xAA)).of(Bytes(50, 0xDD))),
            "773EA91E36800E46854DB8EBD09181A72959098B3EF8C122D9635514CED565FE");
  EXPECT_EQ(
      hex(Hmac(Bytes(131, 0xAA)).of(as_bytes("Test Using Larger Than Block-Size Key - Hash Key First"))),
      "60E431591EE0B67F0D8A26AACBF5B77F8E0BC6213728C5140546040F0EE37F54");
}

TEST(Hmac, MayBeUsedAgainAndJoinsItsParts) {
  const Hmac mac(as_bytes("Jefe"));
  const auto once = mac.of(as_bytes("what do ya want for nothing?"));
  EXPECT_EQ(mac.of(as_bytes("what do ya "), as_bytes("want for nothing?")), once);
  EXPECT_EQ(mac.of(as_bytes("what do ya want for nothing?")), once);
  EXPECT_NE(mac.of(as_bytes("what do ya want for nothing!")), once);
}

}  // namespace
}  // namespace tollgate
