#include "switch/crypto/mac.h"

#include <random>

#include "switch/crypto/primitives.h"
#include "tests/crypto/vectors.h"

namespace tollgate::crypto {
namespace {

MacKey key_of(MacAlgorithm algorithm, std::string_view hex_key) {
  return import_clear_mac_key(algorithm, hex(hex_key)).value();
}

// The MAC input of a vector of crypto.json.
std::string mab_of(std::string_view id) {
  const auto document = read_vectors("crypto.json");
  for (const auto& vector : document.at("vectors").as_array()) {
    if (vector.at("id").as_string() == id) return std::string(text(vector.at("inputs").as_object(), "mab"));
  }
  ADD_FAILURE() << "no vector " << id;
  return {};
}

// The definition of cup-dialect 8, step by step over bare ciphers: shares no code with mac.cpp.
std::string cup_by_the_book(Block block, ByteView key, ByteView data, std::size_t size) {
  const auto text = to_hex(xor_fold(data, size));
  auto chain =
      cipher({block, Direction::encrypt, key, {}}, as_bytes(std::string_view(text).substr(0, size))).value();
  for (std::size_t i = 0; i < size; ++i) chain[i] ^= static_cast<std::uint8_t>(text[size + i]);
  return to_hex(cipher({block, Direction::encrypt, key, {}}, chain).value()).substr(0, 8);
}

TEST(Mac, GivesTheWorkedExampleOfTheDialect) {
  const auto key = key_of(MacAlgorithm::cup_ecb, "2222222222222222");
  const auto data = hex("1234567890ABCDEFABCDEF1234567890");
  EXPECT_EQ(generate(key, data), "E267B6E2");
  EXPECT_TRUE(mac_verify(key, data, as_bytes("E267B6E2")));
  EXPECT_EQ(key.check_value().hex(), "00962B60");
}

TEST(Mac, GivesTheWorkedExampleOfSm4) {
  const auto entry = cup_crypto("cup-sm4-1");
  const auto& inputs = entry.at("inputs").as_object();
  const auto key = key_of(MacAlgorithm::cup_sm4, text(inputs, "mak"));
  EXPECT_EQ(generate(key, hex(text(inputs, "data"))), "1E80F373");
  EXPECT_TRUE(mac_verify(key, hex(text(inputs, "data")), as_bytes("1E80F373")));
}

TEST(Mac, GivesThePublishedX919Values) {
  const auto key = key_of(MacAlgorithm::x919, "46B0AA84C9AB2CC87FBD7C736E515C06");
  EXPECT_EQ(generate(key, hex("121234FF")), "C17E5FB7");
  EXPECT_EQ(generate(key, hex("121234FF121234FF")), "B55B5956");
}

TEST(Mac, GivesEightRawBytesForChanjet) {
  const auto key = key_of(MacAlgorithm::chanjet, "46B0AA84C9AB2CC87FBD7C736E515C06");
  const auto data = hex("121234FF121234FFAA");
  EXPECT_EQ(to_hex(as_bytes(generate(key, data))), "7B70466D404B5BC0");
  EXPECT_TRUE(mac_verify(key, data, hex("7B70466D404B5BC0")));
}

TEST(Mac, OfEveryCryptoVectorOfTheDialectIsGeneratedAndVerified) {
  int checked = 0;
  const auto document = read_vectors("cup_crypto.json");
  for (const auto& value : document.at("crypto").as_array()) {
    const auto& entry = value.as_object();
    const auto* field = entry.at("outputs").as_object().if_contains("field_64");
    if (field == nullptr) continue;
    const auto& inputs = entry.at("inputs").as_object();
    const auto algorithm = mac_algorithm_of(text(entry, "algorithm")).value();
    const auto key = key_of(algorithm, text(inputs, "mak"));
    EXPECT_EQ(to_hex(as_bytes(generate(key, hex(text(inputs, "data"))))), field->as_string())
        << text(entry, "id");
    EXPECT_TRUE(mac_verify(key, hex(text(inputs, "data")), hex(field->as_string()))) << text(entry, "id");
    ++checked;
  }
  EXPECT_EQ(checked, 3);
}

TEST(Mac, OfEveryMessageVectorIsGeneratedAndVerifiedAndNoAlteredOneIs) {
  int checked = 0, refused_as_sent = 0;
  const auto document = read_vectors("cup_crypto.json");
  for (const auto& value : document.at("mac").as_array()) {
    const auto& entry = value.as_object();
    const std::string id(text(entry, "id"));
    const auto key = key_of(mac_algorithm_of(text(entry, "algorithm")).value(), text(entry, "key"));
    const auto data = hex(text(entry, "data"));
    const auto sent = hex(text(entry, "field_64"));
    const bool wrong_on_purpose = entry.contains("sent");
    EXPECT_EQ(generate(key, data), text(entry, wrong_on_purpose ? "correct" : "value")) << id;
    EXPECT_EQ(mac_verify(key, data, sent), !wrong_on_purpose) << id;
    refused_as_sent += wrong_on_purpose ? 1 : 0;
    ++checked;
    const Bytes right(as_bytes(text(entry, wrong_on_purpose ? "correct" : "value")).begin(),
                      as_bytes(text(entry, wrong_on_purpose ? "correct" : "value")).end());
    for (std::size_t i = 0; i < right.size(); ++i) {
      for (int bit = 0; bit < 8; ++bit) {
        auto flipped = right;
        flipped[i] ^= static_cast<std::uint8_t>(1 << bit);
        EXPECT_FALSE(mac_verify(key, data, flipped)) << id << " byte " << i;
      }
    }
  }
  EXPECT_EQ(checked, 42);
  EXPECT_EQ(refused_as_sent, 1);
}

TEST(Mac, RefusesAnyAlteredByteOfAMessage) {
  const auto key = key_of(MacAlgorithm::cup_ecb, "3333333333333333");
  const auto data =
      hex("0200302004C020C0981100000000000000100000007402100006376222021234567890128D30125201234567890031");
  const auto mac = generate(key, data);
  for (std::size_t i = 0; i < data.size(); ++i) {
    auto altered = data;
    altered[i] ^= 0x01;
    EXPECT_FALSE(mac_verify(key, altered, as_bytes(mac))) << "byte " << i;
  }
}

TEST(Mac, RefusesAnotherLengthAndLowerCase) {
  const auto key = key_of(MacAlgorithm::cup_ecb, "2222222222222222");
  const auto data = hex("1234567890ABCDEFABCDEF1234567890");
  for (const std::string_view wrong :
       {"", "E267B6E", "E267B6E2 ", "E267B6E2E267B6E2", "e267b6e2", "00000000"})
    EXPECT_FALSE(mac_verify(key, data, as_bytes(wrong))) << wrong;
  EXPECT_FALSE(mac_verify(key, data, hex("E267B6E21913D339"))) << "the binary form is another dialect";
}

TEST(Mac, RefusesTheKeyOfAnotherTerminal) {
  const auto data = hex("1234567890ABCDEFABCDEF1234567890");
  std::vector<MacKey> keys;
  for (int i = 0; i < 20; ++i) {
    Bytes key(8, 0);
    key[0] = static_cast<std::uint8_t>(i * 2);  // bit 0 is parity and says nothing
    keys.push_back(import_clear_mac_key(MacAlgorithm::cup_ecb, key).value());
  }
  for (std::size_t a = 0; a < keys.size(); ++a) {
    const auto mac = generate(keys[a], data);
    for (std::size_t b = 0; b < keys.size(); ++b)
      EXPECT_EQ(mac_verify(keys[b], data, as_bytes(mac)), a == b) << a << ' ' << b;
  }
}

// security 3: the CUP fold is unkeyed and linear. These pass on purpose, so that nobody claims that they do
// not.
TEST(Mac, OfUnionPayDoesNotSeeThreeKnownAlterations) {
  const auto key = key_of(MacAlgorithm::cup_ecb, "C24A8FB57AA20123");
  const auto data = hex(mab_of("cup-ecb-mac-2"));
  ASSERT_TRUE(mac_verify(key, data, as_bytes("8A9E91B8")));

  auto swapped = data;
  std::swap_ranges(swapped.begin(), swapped.begin() + 8, swapped.begin() + 8);
  auto two_bytes = data;
  two_bytes[0] ^= 0x01;
  two_bytes[8] ^= 0x01;
  auto amount = data;  // 0.51 becomes 9,900.51; only field 53 changes besides
  amount[16] ^= 0x99;
  amount[80] ^= 0x99;
  for (const auto& altered : {swapped, two_bytes, amount}) {
    EXPECT_NE(altered, data);
    EXPECT_TRUE(mac_verify(key, altered, as_bytes("8A9E91B8")));
  }
  EXPECT_EQ(to_hex(ByteView(data).subspan(13, 6)), "000000000051");
  EXPECT_EQ(to_hex(ByteView(amount).subspan(13, 6)), "000000990051");
}

TEST(Mac, OfX919SeesThoseAlterations) {
  const auto key = key_of(MacAlgorithm::x919, "C24A8FB57AA2012323456789ABCDEF01");
  Bytes data(100, 0x42);
  data[3] = 7;
  const auto mac = generate(key, data);
  auto swapped = data;
  std::swap_ranges(swapped.begin(), swapped.begin() + 8, swapped.begin() + 8);
  EXPECT_FALSE(mac_verify(key, swapped, as_bytes(mac)));
}

TEST(Mac, EqualsTheDefinitionAtEveryLength) {
  std::mt19937 random(20261121);
  for (std::size_t size = 0; size <= 130; ++size) {
    Bytes key(16), data(size);
    for (auto* bytes : {&key, &data})
      for (auto& byte : *bytes) byte = static_cast<std::uint8_t>(random());
    const ByteView single = ByteView(key).first(8);
    const auto made = [&](MacAlgorithm algorithm, ByteView k) {
      return generate(import_clear_mac_key(algorithm, k).value(), data);
    };
    EXPECT_EQ(made(MacAlgorithm::cup_ecb, single), cup_by_the_book(Block::des, single, data, 8)) << size;
    EXPECT_EQ(made(MacAlgorithm::cup_ecb, key), cup_by_the_book(Block::tdes, key, data, 8)) << size;
    EXPECT_EQ(made(MacAlgorithm::cup_sm4, key), cup_by_the_book(Block::sm4, key, data, 16)) << size;
    EXPECT_EQ(made(MacAlgorithm::x919, key),
              to_hex(mac_9797_algorithm_3(key, data, MacPadding::zeros).value()).substr(0, 8))
        << size;
    EXPECT_EQ(to_hex(as_bytes(made(MacAlgorithm::chanjet, key))),
              to_hex(cipher({Block::tdes, Direction::encrypt, key, {}}, xor_fold(data, 8)).value()))
        << size;
  }
}

TEST(Mac, OfAnEightByteKeyEqualsThatOfItsDouble) {
  const auto data = hex("0102030405060708090A");
  for (const auto algorithm : {MacAlgorithm::cup_ecb, MacAlgorithm::x919, MacAlgorithm::chanjet})
    EXPECT_EQ(generate(key_of(algorithm, "0123456789ABCDEF"), data),
              generate(key_of(algorithm, "0123456789ABCDEF0123456789ABCDEF"), data));
}

TEST(Mac, ReadsDataThatIsNotAligned) {
  const auto key = key_of(MacAlgorithm::cup_ecb, "2222222222222222");
  const auto data = hex("1234567890ABCDEFABCDEF1234567890");
  for (std::size_t shift = 1; shift < 8; ++shift) {
    Bytes room(shift);
    room.insert(room.end(), data.begin(), data.end());
    EXPECT_EQ(generate(key, ByteView(room).subspan(shift)), "E267B6E2");
  }
}

TEST(Mac, KeyOfAnotherLengthIsRefused) {
  for (const std::size_t size : {0U, 7U, 9U, 15U, 17U, 24U})
    EXPECT_FALSE(import_clear_mac_key(MacAlgorithm::cup_ecb, Bytes(size, 1))) << size;
  EXPECT_FALSE(import_clear_mac_key(MacAlgorithm::cup_sm4, Bytes(8, 1)));
}

TEST(Mac, KeyWorksAfterItWasMoved) {
  for (const auto algorithm : {MacAlgorithm::cup_ecb, MacAlgorithm::cup_sm4}) {
    auto first = key_of(algorithm, "12345678901234567890123456789012");
    const auto before = generate(first, hex("0102"));
    auto second = std::move(first);
    EXPECT_EQ(generate(second, hex("0102")), before);
    auto third = key_of(algorithm, "00000000000000000000000000000000");
    third = std::move(second);
    EXPECT_EQ(generate(third, hex("0102")), before);
  }
}

TEST(MacDeathTest, UsingAMovedFromKeyStopsTheProcess) {
  auto first = key_of(MacAlgorithm::cup_ecb, "2222222222222222");
  const auto second = std::move(first);
  EXPECT_DEATH((void)mac_verify(first, {}, {}), "ready");  // NOLINT: that is the point
}

TEST(Mac, AlgorithmNamesReadBack) {
  for (const auto algorithm :
       {MacAlgorithm::cup_ecb, MacAlgorithm::cup_sm4, MacAlgorithm::x919, MacAlgorithm::chanjet})
    EXPECT_EQ(mac_algorithm_of(mac_algorithm_name(algorithm)), algorithm);
  EXPECT_FALSE(mac_algorithm_of("none"));
}

}  // namespace
}  // namespace tollgate::crypto
