// DES and two-key triple DES on single blocks, by libcrypto's DES_* calls; for files of this folder only.
// They are deprecated in OpenSSL 3.0 and need no provider; README.md, "DES calls", has the measurement that
// chose them.
//
// A block is eight bytes as they lie in memory, loaded into a 64-bit word, so that a fold or a CBC step is
// one XOR. Thread: schedules are only read.
#pragma once

#include <openssl/des.h>

#include <bit>
#include <cstdint>
#include <cstring>

#include "switch/base/bytes.h"
#include "switch/base/chance.h"

namespace tollgate::crypto {

static_assert(std::endian::native == std::endian::little,
              "DES_encrypt1 takes its words as little-endian loads");

inline constexpr std::size_t kDesBlock = 8;

struct DesKeys {
  DES_key_schedule first, second;  // equal halves are single DES: E(D(E(x))) under one key is E(x)
};
static_assert(sizeof(DesKeys) == 256);

[[nodiscard]] inline std::uint64_t load_block(const std::uint8_t* from) noexcept {
  std::uint64_t block;
  std::memcpy(&block, from, sizeof block);
  return block;
}
inline void store_block(std::uint8_t* to, std::uint64_t block) noexcept {
  std::memcpy(to, &block, sizeof block);
}

// 8 or 16 bytes; parity bits are ignored.
void des_prepare(ByteView key, DesKeys& keys) noexcept;

[[nodiscard]] inline std::uint64_t des_encrypt(const DES_key_schedule& key, std::uint64_t block) noexcept {
  DES_LONG words[2];
  std::memcpy(words, &block, sizeof words);
  DES_encrypt1(words, const_cast<DES_key_schedule*>(&key), DES_ENCRYPT);
  std::memcpy(&block, words, sizeof words);
  return block;
}
[[nodiscard]] inline std::uint64_t des_decrypt(const DES_key_schedule& key, std::uint64_t block) noexcept {
  DES_LONG words[2];
  std::memcpy(words, &block, sizeof words);
  DES_encrypt1(words, const_cast<DES_key_schedule*>(&key), DES_DECRYPT);
  std::memcpy(&block, words, sizeof words);
  return block;
}
[[nodiscard]] inline std::uint64_t tdes_encrypt(const DesKeys& keys, std::uint64_t block) noexcept {
  DES_LONG words[2];
  std::memcpy(words, &block, sizeof words);
  auto* first = const_cast<DES_key_schedule*>(&keys.first);
  DES_encrypt3(words, first, const_cast<DES_key_schedule*>(&keys.second), first);
  std::memcpy(&block, words, sizeof words);
  return block;
}
[[nodiscard]] inline std::uint64_t tdes_decrypt(const DesKeys& keys, std::uint64_t block) noexcept {
  DES_LONG words[2];
  std::memcpy(words, &block, sizeof words);
  auto* first = const_cast<DES_key_schedule*>(&keys.first);
  DES_decrypt3(words, first, const_cast<DES_key_schedule*>(&keys.second), first);
  std::memcpy(&block, words, sizeof words);
  return block;
}

// ECB over whole blocks; in may be out.
void tdes_ecb(const DesKeys& keys, bool encrypt, ByteView in, std::uint8_t* out) noexcept;

// 8 or 16 random bytes: odd parity, no weak or semi-weak half, halves different.
void des_random_key(Chance& chance, MutableBytes key);

}  // namespace tollgate::crypto
