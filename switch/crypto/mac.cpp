#include "switch/crypto/mac.h"

#include <array>
#include <utility>

#include "switch/crypto/engine.h"
#include "switch/crypto/key_access.h"

namespace tollgate::crypto {
namespace {

constexpr std::size_t kSm4Block = 16;

constexpr std::array<std::pair<MacAlgorithm, std::string_view>, 4> kNames{{
    {MacAlgorithm::cup_ecb, "cup-ecb"},
    {MacAlgorithm::cup_sm4, "cup-sm4"},
    {MacAlgorithm::x919, "x9.19"},
    {MacAlgorithm::chanjet, "chanjet"},
}};

// The last bytes that do not fill a word, zero-padded.
std::uint64_t load_tail(const std::uint8_t* from, std::size_t size) noexcept {
  std::uint64_t block = 0;
  if (size != 0) std::memcpy(&block, from, size);
  return block;
}

// XOR of all 8-byte blocks. Four lanes, so that the loads do not wait for one another.
std::uint64_t fold_8(ByteView data) noexcept {
  std::uint64_t lane[4] = {};
  const auto* at = data.data();
  auto left = data.size();
  for (; left >= 32; at += 32, left -= 32) {
    lane[0] ^= load_block(at);
    lane[1] ^= load_block(at + 8);
    lane[2] ^= load_block(at + 16);
    lane[3] ^= load_block(at + 24);
  }
  for (; left >= 8; at += 8, left -= 8) lane[0] ^= load_block(at);
  return lane[0] ^ lane[1] ^ lane[2] ^ lane[3] ^ load_tail(at, left);
}

std::array<std::uint64_t, 2> fold_16(ByteView data) noexcept {
  std::array<std::uint64_t, 2> fold{};
  const auto* at = data.data();
  auto left = data.size();
  for (; left >= 16; at += 16, left -= 16) {
    fold[0] ^= load_block(at);
    fold[1] ^= load_block(at + 8);
  }
  if (left >= 8) {
    fold[0] ^= load_block(at);
    at += 8;
    left -= 8;
    fold[1] ^= load_tail(at, left);
  } else {
    fold[0] ^= load_tail(at, left);
  }
  return fold;
}

// Upper-case hex of one block. Eight digits at a time in one word (a table costs two loads a digit).
struct HexBlock {
  std::uint64_t first, last;
};
std::uint64_t hex_of_4(std::uint32_t bytes) noexcept {
  std::uint64_t x = bytes;
  x = (x | x << 16) & 0x0000FFFF0000FFFFULL;
  x = (x | x << 8) & 0x00FF00FF00FF00FFULL;
  x = (x >> 4 & 0x000F000F000F000FULL) | (x & 0x000F000F000F000FULL)
                                             << 8;  // high digit comes first in memory
  const auto letters = (x + 0x0606060606060606ULL) >> 4 & 0x0101010101010101ULL;
  return x + 0x3030303030303030ULL + letters * 7;  // '0' + n, and 'A' - '9' - 1 = 7 more from ten on
}
HexBlock hex_of(std::uint64_t block) noexcept {
  return {hex_of_4(static_cast<std::uint32_t>(block)), hex_of_4(static_cast<std::uint32_t>(block >> 32))};
}

std::uint64_t encrypt(const MacKey& key, std::uint64_t block) noexcept {
  const auto& keys = KeyAccess::mac_schedules(key);
  return KeyAccess::double_length(key) ? tdes_encrypt(keys, block) : des_encrypt(keys.first, block);
}

std::uint64_t cup_ecb(const MacKey& key, ByteView data) noexcept {
  const auto hex = hex_of(fold_8(data));
  return hex_of(encrypt(key, encrypt(key, hex.first) ^ hex.last)).first;
}

std::uint64_t chanjet(const MacKey& key, ByteView data) noexcept {
  return tdes_encrypt(KeyAccess::mac_schedules(key), fold_8(data));
}

std::uint64_t x919(const MacKey& key, ByteView data) noexcept {
  const auto& keys = KeyAccess::mac_schedules(key);
  std::uint64_t chain = 0;
  const auto* at = data.data();
  auto left = data.size();
  for (; left > 8; at += 8, left -= 8) chain = des_encrypt(keys.first, chain ^ load_block(at));
  chain ^= load_tail(at, left);  // also a whole last block; no data at all is one block of zeros
  return hex_of(tdes_encrypt(keys, chain)).first;
}

std::uint64_t cup_sm4(const MacKey& key, ByteView data) noexcept {
  const auto fold = fold_16(data);
  const HexBlock halves[2] = {hex_of(fold[0]), hex_of(fold[1])};
  std::uint64_t block[2] = {halves[0].first, halves[0].last};
  auto* context = static_cast<EVP_CIPHER_CTX*>(KeyAccess::sm4_context(key));
  auto* bytes = reinterpret_cast<std::uint8_t*>(block);
  int n = 0;
  TG_CHECK(EVP_EncryptUpdate(context, bytes, &n, bytes, kSm4Block) == 1 && n == kSm4Block);
  block[0] ^= halves[1].first;
  block[1] ^= halves[1].last;
  TG_CHECK(EVP_EncryptUpdate(context, bytes, &n, bytes, kSm4Block) == 1 && n == kSm4Block);
  return hex_of(block[0]).first;
}

std::uint64_t mac_of(const MacKey& key, ByteView data) noexcept {
  TG_CHECK(KeyAccess::ready(key));
  switch (key.algorithm()) {
    case MacAlgorithm::cup_ecb:
      return cup_ecb(key, data);
    case MacAlgorithm::cup_sm4:
      return cup_sm4(key, data);
    case MacAlgorithm::x919:
      return x919(key, data);
    case MacAlgorithm::chanjet:
      return chanjet(key, data);
  }
  TG_CHECK(!"a MAC algorithm without code");
}

EVP_CIPHER_CTX* new_sm4_context(ByteView key) {
  CipherContext context(EVP_CIPHER_CTX_new());
  TG_CHECK(context != nullptr);
  TG_CHECK(EVP_EncryptInit_ex2(context.get(), Engine::get().sm4_ecb, key.data(), nullptr, nullptr) == 1);
  TG_CHECK(EVP_CIPHER_CTX_set_padding(context.get(), 0) == 1);
  return context.release();
}

}  // namespace

std::optional<MacAlgorithm> mac_algorithm_of(std::string_view name) noexcept {
  for (const auto& [algorithm, known] : kNames) {
    if (known == name) return algorithm;
  }
  return std::nullopt;
}

std::string_view mac_algorithm_name(MacAlgorithm algorithm) noexcept {
  for (const auto& [known, name] : kNames) {
    if (known == algorithm) return name;
  }
  TG_CHECK(!"a MAC algorithm without a name");
}

MacKey::MacKey(MacKey&& other) noexcept
    : schedules_(std::move(other.schedules_)),
      sm4_(std::exchange(other.sm4_, nullptr)),
      check_value_(other.check_value_),
      algorithm_(other.algorithm_),
      ready_(std::exchange(other.ready_, false)),
      double_length_(other.double_length_) {}

MacKey& MacKey::operator=(MacKey&& other) noexcept {
  if (this != &other) {
    EVP_CIPHER_CTX_free(static_cast<EVP_CIPHER_CTX*>(sm4_));
    schedules_ = std::move(other.schedules_);
    sm4_ = std::exchange(other.sm4_, nullptr);
    check_value_ = other.check_value_;
    algorithm_ = other.algorithm_;
    ready_ = std::exchange(other.ready_, false);
    double_length_ = other.double_length_;
  }
  return *this;
}

MacKey::~MacKey() {
  EVP_CIPHER_CTX_free(static_cast<EVP_CIPHER_CTX*>(sm4_));
}

MacKey KeyAccess::make_mac(MacAlgorithm algorithm, ByteView key) {
  TG_CHECK(mac_key_size_ok(algorithm, key.size()));
  MacKey handle;
  handle.algorithm_ = algorithm;
  handle.double_length_ = key.size() == 16;
  if (algorithm == MacAlgorithm::cup_sm4) {
    handle.sm4_ = new_sm4_context(key);
    std::uint8_t block[kSm4Block] = {};
    int n = 0;
    TG_CHECK(EVP_EncryptUpdate(static_cast<EVP_CIPHER_CTX*>(handle.sm4_), block, &n, block, kSm4Block) == 1);
    std::memcpy(handle.check_value_.bytes.data(), block, handle.check_value_.bytes.size());
  } else {
    auto* keys = new (handle.schedules_.bytes_.data()) DesKeys;
    des_prepare(key, *keys);
    handle.check_value_ = check_value(*keys);
  }
  handle.ready_ = true;
  return handle;
}

void mac_generate(const MacKey& key, ByteView data, std::span<std::uint8_t, kField64Size> out) noexcept {
  store_block(out.data(), mac_of(key, data));
}

bool mac_verify(const MacKey& key, ByteView data, ByteView field64) noexcept {
  std::uint8_t expected[kField64Size];
  store_block(expected, mac_of(key, data));
  return equal_in_constant_time(expected, field64);
}

}  // namespace tollgate::crypto
