#include "switch/crypto/pin.h"

#include "switch/crypto/primitives.h"
#include "tests/crypto/vectors.h"

namespace tollgate::crypto {
namespace {

constexpr std::string_view kPan = "6222021234567890128";
constexpr std::string_view kPik = "2A8A4C6D0E1F315891A2B3C4D5E6F708";
constexpr std::string_view kZone = "C1D3E3F404162638495B6B7C8C9EAEB0";

struct Keys {
  PinKey pik = import_clear_pin_key(hex(kPik)).value();
  ZonePinKey zone = import_clear_zone_key(hex(kZone)).value();

  [[nodiscard]] std::expected<PinBlock, PinRefused> translate(ByteView block, std::string_view pan = kPan,
                                                              PinFormat in = PinFormat::with_pan,
                                                              PinFormat out = PinFormat::with_pan) const {
    return pin_translate({pik, in, zone, out, block, pan});
  }
};

// A block under the PIK whose clear form is given: how a test makes what no terminal would.
Bytes under_pik(std::string_view clear) {
  return cipher({Block::tdes, Direction::encrypt, hex(kPik), {}}, hex(clear)).value();
}

std::string clear_under_zone(const PinBlock& block) {
  return to_hex(cipher({Block::tdes, Direction::decrypt, hex(kZone), {}}, block.reveal()).value());
}

TEST(Pin, GivesTheWorkedExampleOfTheDialect) {
  const auto key = import_clear_pin_key(hex("4567C298FB0B045DAB54BF499E10EFCD")).value();
  const auto block = make_pin_block(key, PinFormat::with_pan, "123456", "9001100000000027");
  ASSERT_TRUE(block);
  EXPECT_EQ(to_hex(block->reveal()), "3D87C8B8FA17C67C");
}

TEST(Pin, BlockOfEveryVectorIsMadeAndTranslated) {
  const auto zone = import_clear_zone_key(hex(kZone)).value();
  int checked = 0;
  const auto vectors = read_vectors("cup_crypto.json");
  for (const auto& value : vectors.at("pin").as_array()) {
    const auto& entry = value.as_object();
    const auto pik = import_clear_pin_key(hex(text(entry, "pik"))).value();
    const auto pan = text(entry, "pan"), pin = text(entry, "pin");
    const auto block = make_pin_block(pik, PinFormat::with_pan, pin, pan);
    ASSERT_TRUE(block);
    EXPECT_EQ(to_hex(block->reveal()), text(entry, "field_52")) << text(entry, "id");
    const auto sent = hex(text(entry, "field_52"));
    const auto out = pin_translate({pik, PinFormat::with_pan, zone, PinFormat::with_pan, sent, pan});
    ASSERT_TRUE(out) << text(entry, "id");
    EXPECT_EQ(clear_under_zone(*out), text(entry, "clear_block"));
    EXPECT_TRUE(pin_block_holds(zone, PinFormat::with_pan, out->reveal(), pan, pin));
    EXPECT_FALSE(pin_block_holds(zone, PinFormat::with_pan, out->reveal(), pan, "123457"));
    ++checked;
  }
  EXPECT_EQ(checked, 16);
}

TEST(Pin, ClearBlocksOfTheDialectAreThePublishedOnes) {
  EXPECT_EQ(to_hex(iso0_pin_block("123456", "123456789012345678").value()), "061253DFFEDCBA98");
  // Without a card number the zero PAN leaves the PIN part alone.
  const auto key = import_clear_pin_key(hex(kPik)).value();
  const auto block = make_pin_block(key, PinFormat::without_pan, "123456", "").value();
  EXPECT_EQ(to_hex(cipher({Block::tdes, Direction::decrypt, hex(kPik), {}}, block.reveal()).value()),
            "06123456FFFFFFFF");
}

TEST(Pin, TranslatesUnderASingleLengthKeyToo) {
  const auto pik = import_clear_pin_key(hex("89ABCDEF01234567")).value();
  const auto zone = import_clear_zone_key(hex(kZone)).value();
  const auto block = make_pin_block(pik, PinFormat::with_pan, "9876", kPan).value();
  EXPECT_EQ(to_hex(block.reveal()),
            to_hex(cipher({Block::des, Direction::encrypt, hex("89ABCDEF01234567"), {}},
                          iso0_pin_block("9876", kPan).value())
                       .value()));
  const auto out = pin_translate({pik, PinFormat::with_pan, zone, PinFormat::with_pan, block.reveal(), kPan});
  ASSERT_TRUE(out);
  EXPECT_TRUE(pin_block_holds(zone, PinFormat::with_pan, out->reveal(), kPan, "9876"));
}

TEST(Pin, OfEveryLengthFromFourToTwelveIsTranslated) {
  const Keys keys;
  for (std::size_t n = 4; n <= 12; ++n) {
    const auto pin = std::string_view("908172635443").substr(0, n);
    const auto block = make_pin_block(keys.pik, PinFormat::with_pan, pin, kPan).value();
    const auto out = keys.translate(block.reveal());
    ASSERT_TRUE(out) << n;
    EXPECT_EQ(clear_under_zone(*out), to_hex(iso0_pin_block(pin, kPan).value()));
  }
}

TEST(Pin, AllowsOnlyTheTranslationsThatKeepOrAddTheCardNumber) {
  const Keys keys;
  const auto with = make_pin_block(keys.pik, PinFormat::with_pan, "1234", kPan).value();
  const auto without = make_pin_block(keys.pik, PinFormat::without_pan, "1234", "").value();
  constexpr auto kWith = PinFormat::with_pan, kWithout = PinFormat::without_pan;
  EXPECT_TRUE(keys.translate(with.reveal(), kPan, kWith, kWith));
  EXPECT_TRUE(keys.translate(without.reveal(), kPan, kWithout, kWith));
  EXPECT_TRUE(keys.translate(without.reveal(), "", kWithout, kWithout));
  EXPECT_FALSE(keys.translate(with.reveal(), kPan, kWith, kWithout));
  const auto out = keys.translate(without.reveal(), kPan, kWithout, kWith);
  ASSERT_TRUE(out);
  EXPECT_EQ(clear_under_zone(*out), to_hex(iso0_pin_block("1234", kPan).value()));
}

TEST(Pin, RefusesEveryCauseWithTheSameError) {
  const Keys keys;
  const auto good = make_pin_block(keys.pik, PinFormat::with_pan, "123456", kPan).value();
  ASSERT_TRUE(keys.translate(good.reveal())) << "the control must pass";
  const Bytes block(good.reveal().begin(), good.reveal().end());
  const auto altered = [&] {
    auto copy = block;
    copy[0] ^= 1;
    return copy;
  }();
  const auto pan_in = [](std::string_view pin_part) {  // XOR the PAN part of kPan
    auto bytes = hex(pin_part);
    const auto part = hex("0000123456789012");
    for (std::size_t i = 0; i < 8; ++i) bytes[i] ^= part[i];
    return under_pik(to_hex(bytes));
  };
  ASSERT_TRUE(keys.translate(pan_in("041234FFFFFFFFFF"))) << "the control must pass";
  std::vector<std::expected<PinBlock, PinRefused>> refused;
  refused.push_back(keys.translate(altered));
  refused.push_back(keys.translate(ByteView(block).first(7)));
  refused.push_back(keys.translate({}));
  refused.push_back(keys.translate(block, "6222021234567890"));      // another card
  refused.push_back(keys.translate(block, "622202123456"));          // 12 digits
  refused.push_back(keys.translate(block, "62220212345678901289"));  // 20 digits
  refused.push_back(keys.translate(block, "622202123456789012A"));
  refused.push_back(keys.translate(block, ""));
  refused.push_back(keys.translate(pan_in("031234FFFFFFFFFF")));  // three digits
  refused.push_back(keys.translate(pan_in("0D1234567890123F")));  // thirteen
  refused.push_back(keys.translate(pan_in("04123AFFFFFFFFFF")));  // not a digit
  refused.push_back(keys.translate(pan_in("041234FFFFFFFFF0")));  // fill
  refused.push_back(keys.translate(pan_in("141234FFFFFFFFFF")));  // format 1
  refused.push_back(keys.translate(pan_in("241234FFFFFFFFFF")));  // format 2
  refused.push_back(keys.translate(pan_in("341234FFFFFFFFFF")));  // format 3
  for (std::size_t i = 0; i < refused.size(); ++i) {
    ASSERT_FALSE(refused[i]) << i;
    EXPECT_EQ(refused[i].error(), PinRefused{});
  }
  static_assert(std::is_empty_v<PinRefused>, "there must be nothing in it that could tell causes apart");
}

TEST(Pin, RefusesABlockUnderAnotherKey) {
  const Keys keys;
  const auto other = import_clear_pin_key(hex("4567C298FB0B045DAB54BF499E10EFCD")).value();
  const auto block = make_pin_block(other, PinFormat::with_pan, "123456", kPan).value();
  EXPECT_FALSE(keys.translate(block.reveal()));
}

TEST(Pin, LabRefusesWhatIsNoPin) {
  const Keys keys;
  for (const std::string_view pin : {"", "123", "1234567890123", "12a4", "١٢٣٤"})
    EXPECT_FALSE(make_pin_block(keys.pik, PinFormat::with_pan, pin, kPan)) << pin;
  EXPECT_FALSE(make_pin_block(keys.pik, PinFormat::with_pan, "1234", "12345"));
  EXPECT_FALSE(import_clear_pin_key(Bytes(24)));
  EXPECT_FALSE(import_clear_zone_key(Bytes(8)));
}

}  // namespace
}  // namespace tollgate::crypto
