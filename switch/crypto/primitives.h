// Bare algorithms over clear bytes, by their standards' names: what published vectors are checked with, and
// what key blocks and DUKPT are built from. Not for the way of a message: those calls take handles (mac.h,
// pin.h, vault.h). Keys come in as views; intermediate keys are wiped. Thread: any; nothing is shared but
// fetched algorithms. Refuses (ErrorCode::invalid) a key or data of a length that the algorithm does not
// take.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "switch/base/bytes.h"
#include "switch/base/result.h"

namespace tollgate::crypto {

enum class Block : std::uint8_t { des, tdes, aes, sm4 };  // tdes: keys of 16 or 24; aes: 16, 24 or 32
enum class Direction : bool { encrypt, decrypt };

struct CipherCall {
  Block block;
  Direction direction = Direction::encrypt;
  ByteView key;
  ByteView iv;  // empty: ECB; one block: CBC
};
// Whole blocks, no padding. DES is two-key TDES with equal halves: no legacy provider.
[[nodiscard]] Result<Bytes> cipher(const CipherCall& call, ByteView data);

// FIPS 197/SP 800-38D with a 12-byte nonce: cipher text and tag.
struct GcmCall {
  ByteView key, nonce, aad;
};
[[nodiscard]] Result<Bytes> aes_gcm_encrypt(const GcmCall& call, ByteView data);

// RFC 3394; with padding RFC 5649.
enum class WrapPadding : bool { none, rfc5649 };
[[nodiscard]] Result<Bytes> aes_key_wrap(ByteView kek, ByteView data, WrapPadding padding);

// SP 800-38B, full length. Block: tdes or aes.
[[nodiscard]] Result<Bytes> cmac(Block block, ByteView key, ByteView data);

// ISO/IEC 9797-1: padding 0 none (whole blocks only), 1 zeros, 2 80 and zeros, 3 length block and zeros.
enum class MacPadding : std::uint8_t { none, zeros, bit, length };
[[nodiscard]] Result<Bytes> pad_9797(ByteView data, MacPadding padding, std::size_t block_size = 8);
// Algorithm 1 (CBC-MAC) with the block cipher of the key: 8 DES, 16 TDES. Eight bytes.
[[nodiscard]] Result<Bytes> mac_9797_algorithm_1(ByteView key, ByteView data, MacPadding padding);
// Algorithm 3 (retail MAC, X9.19): DES under K1, then D under K2, E under K1. Eight bytes.
[[nodiscard]] Result<Bytes> mac_9797_algorithm_3(ByteView key16, ByteView data, MacPadding padding);

// GB/T 32905.
[[nodiscard]] Bytes sm3(ByteView data);

struct Sm2Signature {
  ByteView public_x, public_y, r, s;  // 32 each
  ByteView distinguishing_id;
};
// GB/T 32918.2 with SM3; false for a signature that does not verify, invalid for a point that is not on the
// curve.
[[nodiscard]] Result<bool> sm2_verify(const Sm2Signature& signature, ByteView message);

// First step of the UnionPay MACs: zero-padded blocks, XORed.
[[nodiscard]] Bytes xor_fold(ByteView data, std::size_t block_size);

// Clear PIN blocks of ISO 9564-1 and of UnionPay's SM4 terminals, from decimal digits.
[[nodiscard]] Result<Bytes> iso0_pin_block(std::string_view pin, std::string_view pan);
[[nodiscard]] Result<Bytes> iso2_pin_block(std::string_view pin);
// fill: 14 bytes of chance, of which each digit behind the PIN takes one (mod 6, from A).
[[nodiscard]] Result<Bytes> iso3_pin_block(std::string_view pin, std::string_view pan, ByteView fill);
[[nodiscard]] Result<Bytes> cup_sm4_pin_block(std::string_view pin, std::string_view pan);
[[nodiscard]] Result<Bytes> iso4_pin_field(std::string_view pin, ByteView random8);
[[nodiscard]] Result<Bytes> iso4_pan_field(std::string_view pan);
[[nodiscard]] Result<Bytes> iso4_encrypt(ByteView key, ByteView pin_field, ByteView pan_field);

}  // namespace tollgate::crypto
