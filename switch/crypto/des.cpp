#include "switch/crypto/des.h"

#include "switch/base/check.h"
#include "switch/base/sensitive.h"

namespace tollgate::crypto {

void des_prepare(ByteView key, DesKeys& keys) noexcept {
  TG_CHECK(key.size() == 8 || key.size() == 16);
  DES_cblock half;
  std::memcpy(half, key.data(), sizeof half);
  DES_set_key_unchecked(&half, &keys.first);
  if (key.size() == 16) {
    std::memcpy(half, key.data() + 8, sizeof half);
    DES_set_key_unchecked(&half, &keys.second);
  } else {
    keys.second = keys.first;
  }
  wipe(half, sizeof half);
}

void tdes_ecb(const DesKeys& keys, bool encrypt, ByteView in, std::uint8_t* out) noexcept {
  TG_CHECK(in.size() % kDesBlock == 0);
  for (std::size_t at = 0; at < in.size(); at += kDesBlock) {
    const auto block = load_block(in.data() + at);
    store_block(out + at, encrypt ? tdes_encrypt(keys, block) : tdes_decrypt(keys, block));
  }
}

void des_random_key(Chance& chance, MutableBytes key) {
  TG_CHECK(key.size() == 8 || key.size() == 16);
  for (std::size_t at = 0; at < key.size(); at += kDesBlock) {
    DES_cblock half;
    bool usable = false;
    // 16 of 2^56 keys are weak: a generator that gives them four times running is broken, not unlucky.
    for (int attempt = 0; attempt < 4 && !usable; ++attempt) {
      chance.fill(half);
      DES_set_odd_parity(&half);
      usable = DES_is_weak_key(&half) == 0 && (at == 0 || !equal_in_constant_time(half, key.first(sizeof half)));
    }
    TG_CHECK(usable);
    std::memcpy(key.data() + at, half, sizeof half);
    wipe(half, sizeof half);
  }
}

}  // namespace tollgate::crypto
