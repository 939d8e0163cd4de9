#include "switch/crypto/dukpt.h"

#include <algorithm>
#include <array>
#include <bit>

#include "switch/base/check.h"
#include "switch/crypto/des.h"
#include "switch/crypto/primitives.h"

namespace tollgate::crypto {
namespace {

std::unexpected<Error> wrong(const char* what) {
  return fail(ErrorCode::invalid, what);
}

// ---- TDES
// ----------------------------------------------------------------------------------------------------

constexpr std::uint32_t kTdesCounterMask = 0x1FFFFF;
constexpr int kTdesBitsMax = 10, kAesBitsMax = 16;
constexpr std::uint64_t kVariantMask = 0xC0C0C0C000000000ULL;  // X9.24-1: applied to both halves

std::uint64_t big(ByteView bytes) noexcept {
  return load_be64(bytes.data());
}

std::uint64_t des_of(std::uint64_t key, std::uint64_t block) noexcept {
  std::uint8_t bytes[8];
  store_be64(bytes, key);
  Sensitive<DesKeys> keys;
  des_prepare(bytes, keys.reveal());
  wipe(bytes, sizeof bytes);
  return __builtin_bswap64(des_encrypt(keys.reveal().first, __builtin_bswap64(block)));
}

SecretBytes two_halves(std::uint64_t left, std::uint64_t right) {
  SecretBytes key(16);
  store_be64(key.reveal().data(), left);
  store_be64(key.reveal().data() + 8, right);
  return key;
}

// X9.24-1, "non-reversible key generation".
SecretBytes next_key(ByteView key, std::uint64_t data) {
  const auto left = big(key.first(8)), right = big(key.last(8));
  const auto half = [data](std::uint64_t l, std::uint64_t r) { return des_of(l, data ^ r) ^ r; };
  return two_halves(half(left ^ kVariantMask, right ^ kVariantMask), half(left, right));
}

// ---- AES
// -----------------------------------------------------------------------------------------------------

constexpr std::uint16_t kUsageDerivation = 0x8000, kUsageInitial = 0x8001;

struct KeyTypeFacts {
  std::string_view name;
  std::uint16_t algorithm;
  std::uint16_t bits;
};
constexpr std::array<KeyTypeFacts, 5> kKeyTypes{
    {{"TDES2", 0, 128}, {"TDES3", 1, 192}, {"AES128", 2, 128}, {"AES192", 3, 192}, {"AES256", 4, 256}}};

const KeyTypeFacts& facts(DukptKeyType type) noexcept {
  return kKeyTypes[static_cast<std::size_t>(type)];
}

std::optional<DukptKeyType> type_of_length(std::size_t bytes) noexcept {
  if (bytes == 16) return DukptKeyType::aes128;
  if (bytes == 32) return DukptKeyType::aes256;
  return std::nullopt;
}

// X9.24-3, derivation: one AES block for each 16 bytes of the wanted key. id: the last 8 bytes of the
// derivation data.
Result<SecretBytes> derive(ByteView key, std::uint16_t usage, DukptKeyType type, std::uint64_t id) {
  std::uint8_t data[16] = {0x01};
  store_be16(data + 2, usage);
  store_be16(data + 4, facts(type).algorithm);
  store_be16(data + 6, facts(type).bits);
  store_be64(data + 8, id);
  SecretBytes out(facts(type).bits / 8U);
  for (std::size_t at = 0; at < out.size(); at += 16) {
    data[1] = static_cast<std::uint8_t>(at / 16 + 1);
    auto block = cipher({Block::aes, Direction::encrypt, key, {}}, data);
    if (!block) return std::unexpected(block.error());
    const auto n = std::min<std::size_t>(16, out.size() - at);
    std::copy_n(block->begin(), n, out.reveal().begin() + static_cast<std::ptrdiff_t>(at));
    wipe(block->data(), block->size());
  }
  return out;
}

// Every set bit of the counter from the highest, one derivation each.
Result<SecretBytes> walk(ByteView bdk, ByteView initial_key_id, std::uint32_t counter) {
  auto key = aes_dukpt_initial_key(bdk, initial_key_id);
  if (!key) return key;
  const auto type = type_of_length(bdk.size());
  const auto id = std::uint64_t{load_be32(initial_key_id.data() + 4)} << 32;
  std::uint32_t walked = 0;
  for (std::uint32_t bit = 1U << 31; bit != 0; bit >>= 1) {
    if ((counter & bit) == 0) continue;
    walked |= bit;
    key = derive(key->reveal(), kUsageDerivation, *type, id | walked);
    if (!key) return key;
  }
  return key;
}

}  // namespace

Result<SecretBytes> tdes_dukpt_initial_key(ByteView bdk, ByteView ksn) {
  if (bdk.size() != 16 || ksn.size() != 10)
    return wrong("TDES DUKPT takes a key of 16 bytes and a KSN of 10");
  std::uint8_t serial[8];
  std::copy_n(ksn.begin(), 8, serial);
  serial[7] &= 0xE0;  // the counter's five bits that lie in the eighth byte
  auto masked = two_halves(big(bdk.first(8)) ^ kVariantMask, big(bdk.last(8)) ^ kVariantMask);
  Sensitive<DesKeys> keys;
  SecretBytes out(16);
  des_prepare(bdk, keys.reveal());
  tdes_ecb(keys.reveal(), true, serial, out.reveal().data());
  des_prepare(masked.reveal(), keys.reveal());
  tdes_ecb(keys.reveal(), true, serial, out.reveal().data() + 8);
  return out;
}

Result<SecretBytes> tdes_dukpt_transaction_key(ByteView bdk, ByteView ksn) {
  auto key = tdes_dukpt_initial_key(bdk, ksn);
  if (!key) return key;
  auto serial = big(ksn.last(8));
  const auto counter = static_cast<std::uint32_t>(serial) & kTdesCounterMask;
  if (counter == 0 || std::popcount(counter) > kTdesBitsMax)
    return wrong("the KSN has a counter that is not allowed");
  serial &= ~std::uint64_t{kTdesCounterMask};
  for (std::uint32_t bit = 1U << 20; bit != 0; bit >>= 1) {
    if ((counter & bit) == 0) continue;
    serial |= bit;
    *key = next_key(key->reveal(), serial);
  }
  return key;
}

Result<SecretBytes> tdes_dukpt_variant(ByteView transaction_key, TdesVariant variant) {
  if (transaction_key.size() != 16) return wrong("a transaction key has 16 bytes");
  constexpr std::array<std::size_t, 4> kByte{7, 6, 4,
                                             5};  // of each half: PIN, MAC request, MAC response, data
  const auto at = kByte[static_cast<std::size_t>(variant)];
  SecretBytes key(transaction_key);
  key.reveal()[at] ^= 0xFF;
  key.reveal()[at + 8] ^= 0xFF;
  if (variant == TdesVariant::data_request) {
    Sensitive<DesKeys> keys;
    des_prepare(key.reveal(), keys.reveal());
    tdes_ecb(keys.reveal(), true, key.reveal(), key.reveal().data());
  }
  return key;
}

std::optional<DukptKeyType> dukpt_key_type_of(std::string_view name) noexcept {
  for (std::size_t i = 0; i < kKeyTypes.size(); ++i) {
    if (kKeyTypes[i].name == name) return static_cast<DukptKeyType>(i);
  }
  return std::nullopt;
}

std::optional<DukptUsage> dukpt_usage_of(std::string_view name) noexcept {
  if (name == "PIN_ENCRYPTION") return DukptUsage::pin;
  if (name == "MAC_GENERATION") return DukptUsage::mac_generation;
  if (name == "DATA_ENCRYPTION") return DukptUsage::data;
  return std::nullopt;
}

Result<SecretBytes> aes_dukpt_initial_key(ByteView bdk, ByteView initial_key_id) {
  const auto type = type_of_length(bdk.size());
  if (!type || initial_key_id.size() != 8)
    return wrong("AES DUKPT takes a key of 16 or 32 bytes and an id of 8");
  return derive(bdk, kUsageInitial, *type, big(initial_key_id));
}

Result<SecretBytes> aes_dukpt_transaction_key(ByteView bdk, ByteView ksn) {
  if (ksn.size() != 12) return wrong("AES DUKPT takes a KSN of 12 bytes");
  const auto counter = load_be32(ksn.data() + 8);
  if (counter == 0 || std::popcount(counter) > kAesBitsMax)
    return wrong("the KSN has a counter that is not allowed");
  return walk(bdk, ksn.first(8), counter);
}

Result<SecretBytes> aes_dukpt_working_key(ByteView bdk, ByteView ksn, DukptWorkingKey wanted) {
  const auto key = aes_dukpt_transaction_key(bdk, ksn);
  if (!key) return std::unexpected(key.error());
  return derive(key->reveal(), static_cast<std::uint16_t>(wanted.usage), wanted.type, big(ksn.last(8)));
}

Result<SecretBytes> aes_dukpt_update_key(ByteView bdk, ByteView initial_key_id, DukptKeyType type) {
  constexpr std::uint32_t kAllBits = 0xFFFFFFFF;
  const auto key = walk(bdk, initial_key_id, kAllBits);
  if (!key) return std::unexpected(key.error());
  const auto id = std::uint64_t{load_be32(initial_key_id.data() + 4)} << 32 | kAllBits;
  return derive(key->reveal(), static_cast<std::uint16_t>(DukptUsage::key_update), type, id);
}

}  // namespace tollgate::crypto
