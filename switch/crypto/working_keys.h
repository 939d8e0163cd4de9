// Clear working keys on their way between a cell, field 62 and handles; for files of this folder only.
// Everything here lives in Sensitive or SecretBytes and dies in the function that made it.
#pragma once

#include <optional>

#include "switch/base/sensitive.h"
#include "switch/crypto/keys.h"
#include "switch/crypto/secret_bytes.h"

namespace tollgate::crypto {

struct ClearKeySet {
  SignInScheme scheme = SignInScheme::double_003;
  MacAlgorithm mac = MacAlgorithm::cup_ecb;
  Field62Layout layout = Field62Layout::cup;
  SmallBuffer<16> pik, mak, tdk;  // tdk empty when there is none
};
using SecretKeySet = Sensitive<ClearKeySet>;

// Whether scheme, algorithm, layout and the three lengths belong together.
[[nodiscard]] bool consistent(const ClearKeySet& keys) noexcept;
[[nodiscard]] WorkingKeys make_handles(const SecretKeySet& keys);

// Enciphered under the TMK. Empty for cup_sm4, whose layout is not confirmed.
[[nodiscard]] Field62 write_field_62(const Tmk& tmk, const SecretKeySet& keys) noexcept;
// nullopt when the length is unknown or a check value differs.
[[nodiscard]] std::optional<SecretKeySet> read_field_62(const Tmk& tmk, ByteView field_62,
                                                        MacAlgorithm mac) noexcept;

// What a cell seals: 1 version, scheme, algorithm, layout, then length and bytes of each key.
[[nodiscard]] SecretBytes pack(const SecretKeySet& keys);
[[nodiscard]] std::optional<SecretKeySet> unpack(ByteView packed) noexcept;

}  // namespace tollgate::crypto
