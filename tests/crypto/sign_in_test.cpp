#include <bit>
#include <set>

#include "switch/crypto/primitives.h"
#include "tests/crypto/vectors.h"

namespace tollgate::crypto {
namespace {

constexpr std::string_view kTmk = "0123456789ABCDEFFEDCBA9876543210";
constexpr std::string_view kPan = "6222021234567890128";
constexpr std::string_view kContext = "wk/10000001/1";

Tmk tmk_of(std::string_view key) {
  return import_clear_tmk(hex(key)).value();
}

// Both sides do the same with a PIN, a MAC and a track: then they hold the same keys.
void expect_same_keys(const WorkingKeys& host, const WorkingKeys& terminal) {
  const auto data = hex("0200302004C020C098110000000000000010000000");
  EXPECT_EQ(generate(host.mac, data), generate(terminal.mac, data));
  EXPECT_EQ(host.mac.check_value(), terminal.mac.check_value());
  EXPECT_EQ(host.pin.check_value(), terminal.pin.check_value());
  const auto zone = import_clear_zone_key(hex(kTmk)).value();
  const auto block = make_pin_block(terminal.pin, PinFormat::with_pan, "4711", kPan).value();
  const auto out =
      pin_translate({host.pin, PinFormat::with_pan, zone, PinFormat::with_pan, block.reveal(), kPan});
  ASSERT_TRUE(out);
  EXPECT_TRUE(pin_block_holds(zone, PinFormat::with_pan, out->reveal(), kPan, "4711"));
  ASSERT_EQ(host.track.has_value(), terminal.track.has_value());
  if (!host.track) return;
  const std::string clear = "6222021234567890128D30125201234567890";
  auto sent = encrypt_track(*terminal.track, clear).value();
  ASSERT_EQ(decrypt_track(*host.track, sent), clear.size());
  EXPECT_EQ(sent, clear);
}

struct Case {
  SignInRequest request;
  std::size_t field_62_size;
};
const Case kCases[] = {
    {{SignInScheme::single_001}, 24},
    {{SignInScheme::double_003}, 40},
    {{SignInScheme::double_tdk_004}, 60},
    {{.scheme = SignInScheme::double_003, .double_length_mak = true}, 40},
    {{.scheme = SignInScheme::double_tdk_004, .double_length_mak = true}, 60},
    {{.scheme = SignInScheme::double_003, .mac = MacAlgorithm::x919, .double_length_mak = true}, 40},
    {{.scheme = SignInScheme::single_001, .mac = MacAlgorithm::x919}, 24},
    {{SignInScheme::double_003, MacAlgorithm::chanjet, Field62Layout::chanjet, true}, 50},
    {{SignInScheme::double_tdk_004, MacAlgorithm::chanjet, Field62Layout::chanjet, true}, 75},
};

TEST(SignIn, GivesTerminalAndSwitchTheSameKeys) {
  const auto vault = test_vault();
  const auto tmk = tmk_of(kTmk);
  SeededChance chance(1);
  for (const auto& c : kCases) {
    const auto signed_in = vault.sign_in(tmk, c.request, kContext, chance);
    ASSERT_TRUE(signed_in);
    EXPECT_EQ(signed_in->field_62.reveal().size, c.field_62_size);
    EXPECT_EQ(signed_in->keys.scheme, c.request.scheme);
    const auto terminal = accept_field_62(tmk, signed_in->field_62.reveal().view(), c.request.mac);
    ASSERT_TRUE(terminal) << c.field_62_size;
    EXPECT_EQ(terminal->scheme, c.request.scheme);
    expect_same_keys(signed_in->keys, *terminal);
  }
}

TEST(SignIn, KeysComeBackAfterARestart) {
  const auto tmk = tmk_of(kTmk);
  SeededChance chance(2);
  for (const auto& c : kCases) {
    auto before = test_vault().sign_in(tmk, c.request, kContext, chance).value();
    const auto restarted = test_vault();  // the same KEK in a new process
    const auto after = restarted.restore_working_keys(kContext, before.sealed);
    ASSERT_TRUE(after);
    EXPECT_EQ(after->scheme, c.request.scheme);
    EXPECT_EQ(after->mac.algorithm(), c.request.mac);
    expect_same_keys(*after, before.keys);
    const auto again = restarted.field_62_again(tmk, kContext, before.sealed);
    ASSERT_TRUE(again);
    EXPECT_EQ(to_hex(again->reveal().view()), to_hex(before.field_62.reveal().view()));
  }
}

TEST(SignIn, KeysDoNotOpenInAnotherPlace) {
  const auto vault = test_vault();
  const auto tmk = tmk_of(kTmk);
  SeededChance chance(3);
  const auto signed_in = vault.sign_in(tmk, {}, kContext, chance).value();
  EXPECT_FALSE(vault.restore_working_keys("wk/10000002/1", signed_in.sealed)) << "another terminal";
  EXPECT_FALSE(vault.restore_working_keys("wk/10000001/2", signed_in.sealed)) << "another generation";
  EXPECT_FALSE(vault.open(kContext, signed_in.sealed)) << "as a general secret: key bytes would come out";
  EXPECT_FALSE(vault.open_tmk(kContext, signed_in.sealed)) << "as a master key";
  EXPECT_TRUE(vault.restore_working_keys(kContext, signed_in.sealed));
}

TEST(SignIn, KeysAreNewEachTimeAndOfOddParity) {
  const auto vault = test_vault();
  const auto tmk = tmk_of(kTmk);
  SeededChance chance(4);
  std::set<std::string> seen;
  for (int i = 0; i < 200; ++i) {
    const auto signed_in = vault.sign_in(tmk, {.double_length_mak = true}, kContext, chance).value();
    const auto field = signed_in.field_62.reveal().view();
    for (const auto at : {0U, 20U}) {
      const auto key =
          cipher({Block::tdes, Direction::decrypt, hex(kTmk), {}}, field.subspan(at, 16)).value();
      for (const auto byte : key) EXPECT_EQ(std::popcount(byte) % 2, 1);
      EXPECT_NE(to_hex(ByteView(key).first(8)), to_hex(ByteView(key).last(8)));
      EXPECT_TRUE(seen.insert(to_hex(key)).second);
    }
  }
}

TEST(SignIn, IsTheSameFromTheSameChance) {
  const auto tmk = tmk_of(kTmk);
  SeededChance one(5), two(5), other(6);
  const auto a = test_vault().sign_in(tmk, {}, kContext, one).value();
  const auto b = test_vault().sign_in(tmk, {}, kContext, two).value();
  const auto c = test_vault().sign_in(tmk, {}, kContext, other).value();
  EXPECT_EQ(a.sealed, b.sealed);
  EXPECT_EQ(to_hex(a.field_62.reveal().view()), to_hex(b.field_62.reveal().view()));
  EXPECT_NE(to_hex(a.field_62.reveal().view()), to_hex(c.field_62.reveal().view()));
}

TEST(SignIn, WithoutAConfirmedLayoutIsRefused) {
  const auto vault = test_vault();
  const auto tmk = tmk_of(kTmk);
  SeededChance chance(7);
  const auto code = [&](const SignInRequest& request) {
    const auto signed_in = vault.sign_in(tmk, request, kContext, chance);
    return signed_in ? std::optional<ErrorCode>() : signed_in.error().code;
  };
  EXPECT_EQ(code({SignInScheme::sm4_005}), ErrorCode::invalid);
  EXPECT_EQ(code({.mac = MacAlgorithm::cup_sm4}), ErrorCode::invalid);
  EXPECT_EQ(code({.scheme = SignInScheme::single_001, .double_length_mak = true}), ErrorCode::invalid);
  EXPECT_EQ(code({.scheme = SignInScheme::single_001, .layout = Field62Layout::chanjet}), ErrorCode::invalid);
}

TEST(SignIn, SchemeIsReadFromField60) {
  EXPECT_EQ(sign_in_scheme_of("001"), SignInScheme::single_001);
  EXPECT_EQ(sign_in_scheme_of("003"), SignInScheme::double_003);
  EXPECT_EQ(sign_in_scheme_of("004"), SignInScheme::double_tdk_004);
  EXPECT_EQ(sign_in_scheme_of("005"), SignInScheme::sm4_005);
  EXPECT_FALSE(sign_in_scheme_of("002"));
  EXPECT_FALSE(sign_in_scheme_of(""));
}

TEST(Field62, OfEveryReplyVectorIsReadAndWrittenAgain) {
  SeededChance chance(8);
  const auto vault = test_vault();
  int checked = 0;
  const auto vectors = read_vectors("cup_crypto.json");
  for (const auto& value : vectors.at("sign_in").as_array()) {
    const auto& entry = value.as_object();
    const auto tmk = tmk_of(text(entry, "tmk"));
    const auto field = hex(text(entry, "field_62"));
    const auto terminal = accept_field_62(tmk, field);
    ASSERT_TRUE(terminal) << text(entry, "id");
    const auto& kcv = entry.at("kcv").as_object();
    EXPECT_EQ(terminal->pin.check_value().hex(), text(kcv, "pik"));
    EXPECT_EQ(terminal->mac.check_value().hex(), text(kcv, "mak"));
    const auto pik = hex(text(entry, "pik")), mak = hex(text(entry, "mak"));
    const auto tdk = entry.contains("tdk") ? hex(text(entry, "tdk")) : Bytes{};
    const auto made =
        import_clear_working_keys(vault, tmk, {pik, mak, tdk, MacAlgorithm::cup_ecb}, kContext, chance);
    ASSERT_TRUE(made);
    EXPECT_EQ(to_hex(made->field_62.reveal().view()), text(entry, "field_62"));
    expect_same_keys(made->keys, *terminal);
    ++checked;
  }
  EXPECT_EQ(checked, 3);
}

TEST(Field62, OfPublishedWalkThroughsHoldsTheirKeys) {
  for (const auto* id : {"wk-40", "wk-60", "wk-chanjet-75"}) {
    const auto entry = cup_crypto(id);
    const auto& inputs = entry.at("inputs").as_object();
    const auto& outputs = entry.at("outputs").as_object();
    const auto field = hex(text(inputs, "field_62"));
    const auto keys = accept_field_62(tmk_of(text(inputs, "tmk")), field);
    ASSERT_TRUE(keys) << id;
    EXPECT_EQ(keys->pin.check_value(), import_clear_pin_key(hex(text(outputs, "pik")))->check_value()) << id;
    EXPECT_EQ(keys->mac.check_value(),
              import_clear_mac_key(MacAlgorithm::cup_ecb, hex(text(outputs, "mak")))->check_value())
        << id;
    EXPECT_EQ(keys->track.has_value(), outputs.contains("tdk")) << id;
  }
}

TEST(Field62, MasterKeyCheckValuesAreThePublishedOnes) {
  EXPECT_EQ(tmk_of("11111111111111111111111111111111").check_value().hex(), "82E13665");
  EXPECT_EQ(tmk_of("22222222222222222222222222222222").check_value().hex(), "00962B60");
  EXPECT_EQ(tmk_of("33333333333333333333333333333333").check_value().hex(), "ADC67D84");
  EXPECT_EQ(import_clear_pin_key(hex("0123456789ABCDEF"))->check_value().hex(), "D5D44FF7");
}

TEST(Field62, WithOneAlteredByteIsRefused) {
  const auto tmk = tmk_of(kTmk);
  SeededChance chance(9);
  for (const auto& c : kCases) {
    const auto made = test_vault().sign_in(tmk, c.request, kContext, chance).value();
    const auto good = made.field_62.reveal().view();
    for (std::size_t i = 0; i < good.size(); ++i) {
      Bytes bad(good.begin(), good.end());
      bad[i] ^= 0x10;
      const auto keys = accept_field_62(tmk, bad, c.request.mac);
      EXPECT_FALSE(keys) << c.field_62_size << " byte " << i;
      if (!keys) {
        EXPECT_EQ(keys.error().code, ErrorCode::invalid);
      }
    }
  }
}

TEST(Field62, OfAnotherLengthOrKeyIsRefused) {
  const auto tmk = tmk_of(kTmk);
  SeededChance chance(10);
  const auto made = test_vault().sign_in(tmk, {SignInScheme::double_tdk_004}, kContext, chance).value();
  const auto good = made.field_62.reveal().view();
  for (std::size_t size = 0; size < 60; ++size)
    EXPECT_EQ(accept_field_62(tmk, good.first(size)).has_value(), size == 40) << size;
  for (const std::size_t size : {25U, 56U, 84U, 100U, 104U, 999U})
    EXPECT_FALSE(accept_field_62(tmk, Bytes(size)));
  EXPECT_FALSE(accept_field_62(tmk_of("11111111111111111111111111111111"), good));
  EXPECT_FALSE(accept_field_62(tmk, good, MacAlgorithm::cup_sm4));
}

TEST(Field62, ThatWouldReplaceTheMasterKeyOrRepeatAKeyIsRefused) {
  const auto entry = cup_crypto("wk-chanjet-75");
  const auto tmk = tmk_of(text(entry.at("inputs").as_object(), "tmk"));
  const auto good = hex(text(entry.at("inputs").as_object(), "field_62"));
  ASSERT_TRUE(accept_field_62(tmk, good, MacAlgorithm::chanjet));
  for (const std::size_t at : {0U, 25U, 50U}) {
    for (const std::uint8_t type : {0, 4, 255}) {
      auto bad = good;
      bad[at] = type;
      EXPECT_FALSE(accept_field_62(tmk, bad, MacAlgorithm::chanjet));
    }
  }
  auto twice = good;
  std::copy_n(good.begin(), 25, twice.begin() + 50);
  EXPECT_FALSE(accept_field_62(tmk, twice, MacAlgorithm::chanjet));
}

TEST(LabKeys, OfAnotherLengthAreRefused) {
  const auto vault = test_vault();
  const auto tmk = tmk_of(kTmk);
  SeededChance chance(11);
  const Bytes eight(8, 1), sixteen(16, 2), long_key(24, 3);
  const auto made = [&](ByteView pik, ByteView mak, ByteView tdk, MacAlgorithm mac = MacAlgorithm::cup_ecb) {
    return import_clear_working_keys(vault, tmk, {pik, mak, tdk, mac}, kContext, chance).has_value();
  };
  EXPECT_TRUE(made(sixteen, eight, {}));
  EXPECT_TRUE(made(sixteen, sixteen, sixteen));
  EXPECT_TRUE(made(sixteen, sixteen, {}, MacAlgorithm::cup_sm4));
  EXPECT_FALSE(made(sixteen, eight, {}, MacAlgorithm::cup_sm4));
  EXPECT_FALSE(made(eight, sixteen, {}));
  EXPECT_FALSE(made(eight, eight, sixteen));
  EXPECT_FALSE(made(sixteen, {}, {}));
  EXPECT_FALSE(made({}, eight, {}));
  EXPECT_FALSE(made(long_key, eight, {}));
  EXPECT_FALSE(made(sixteen, eight, long_key));
  EXPECT_FALSE(import_clear_tmk(eight));
  EXPECT_FALSE(import_clear_tmk(long_key));
  EXPECT_FALSE(import_clear_track_key(eight));
}

}  // namespace
}  // namespace tollgate::crypto
