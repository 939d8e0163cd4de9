#include "tests/crypto/vectors.h"

namespace tollgate::crypto {
namespace {

TrackKey key_of(std::string_view key) {
  return import_clear_track_key(hex(key)).value();
}

std::optional<std::string> decrypt(const TrackKey& key, std::string track) {
  const auto size = decrypt_track(key, track);
  if (!size) return std::nullopt;
  return track.substr(0, *size);
}

TEST(Track, OfOddLengthIsTheWorkedExample) {
  const auto key = key_of("44444444444444444444444444444444");
  EXPECT_EQ(encrypt_track(key, "6222021234567890128D30125201234567890"),
            "6222021234567890128D3D502CF18BD0103C0");
  EXPECT_EQ(decrypt(key, "6222021234567890128D3D502CF18BD0103C0"), "6222021234567890128D30125201234567890");
}

TEST(Track, OfEveryVectorIsEncryptedAndDecrypted) {
  for (const auto* id : {"track2-encrypt", "track2-encrypt-even"}) {
    const auto entry = cup_crypto(id);
    const auto& inputs = entry.at("inputs").as_object();
    const auto sent = text(entry.at("outputs").as_object(), "track_sent");
    const auto key = key_of(text(inputs, "tdk"));
    EXPECT_EQ(encrypt_track(key, text(inputs, "track")), sent) << id;
    EXPECT_EQ(decrypt(key, std::string(sent)), text(inputs, "track")) << id;
  }
}

TEST(Track, OfTheEncryptedSaleIsTheClearOne) {
  EXPECT_EQ(decrypt(key_of("C1D3E3F404162638495B6B7C8C9EAEB0"), "6222021234567890128D697AC8A76FCA5D110"),
            "6222021234567890128D30125201234567890");
}

TEST(Track, BlockLiesBeforeTheLastDigitOrTheLastTwo) {
  const auto entry = cup_crypto("track2-block");
  const std::string track(text(entry.at("inputs").as_object(), "track"));
  const auto block = text(entry.at("outputs").as_object(), "block");
  const auto key = key_of("44444444444444444444444444444444");
  const auto sent = encrypt_track(key, track).value();
  const auto at = track.find(block);
  ASSERT_EQ(at, track.size() - 17);
  EXPECT_EQ(sent.substr(0, at), track.substr(0, at));
  EXPECT_EQ(sent.back(), track.back());
  EXPECT_NE(sent.substr(at, 16), block);
}

TEST(Track, OfEveryLengthComesBack) {
  const auto key = key_of("C1D3E3F404162638495B6B7C8C9EAEB0");
  const std::string digits = "6222021234567890128D3012520123456789012345";
  for (std::size_t n = 3; n <= digits.size(); ++n) {
    const auto track = digits.substr(0, n);
    const auto sent = encrypt_track(key, track).value();
    EXPECT_EQ(sent.size(), std::max(n, n % 2 == 1 ? std::size_t{17} : std::size_t{18})) << n;
    EXPECT_EQ(decrypt(key, sent), track) << n;
  }
}

TEST(Track, UnderAnotherKeyIsRefusedAndWiped) {
  std::string track = "6222021234567890128D3D502CF18BD0103C0";
  EXPECT_FALSE(decrypt_track(key_of("C1D3E3F404162638495B6B7C8C9EAEB0"), track));
  EXPECT_EQ(track, std::string(track.size(), '\0'));
}

TEST(Track, ThatIsTooShortOrNoTrackIsRefused) {
  const auto key = key_of("44444444444444444444444444444444");
  for (const std::string bad :
       {"", "1", "1234567890123456", "123456789012345", "6222021234567890128D3D502CF18BD0103x0",
        "62220212345678901 8D3D502CF18BD0103C0"})
    EXPECT_FALSE(decrypt(key, bad)) << bad;
  EXPECT_FALSE(encrypt_track(key, "1"));
  EXPECT_FALSE(encrypt_track(key, "62220212345678=0128"));
}

}  // namespace
}  // namespace tollgate::crypto
