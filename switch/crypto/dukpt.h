// DUKPT key derivation, TDES (ANSI X9.24-1) and AES (ANSI X9.24-3), over clear keys: checked against
// published vectors, not yet on the way of a message (README.md, "Not here yet"). Every result is
// SecretBytes. Refuses (ErrorCode::invalid) keys and serial numbers of a wrong length, counter 0, and
// counters with more set bits than the standards allow: 10 of 21 for TDES, 16 of 32 for AES (security 2).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "switch/base/bytes.h"
#include "switch/base/result.h"
#include "switch/crypto/secret_bytes.h"

namespace tollgate::crypto {

[[nodiscard]] Result<SecretBytes> tdes_dukpt_initial_key(ByteView bdk16, ByteView ksn10);
[[nodiscard]] Result<SecretBytes> tdes_dukpt_transaction_key(ByteView bdk16, ByteView ksn10);

enum class TdesVariant : std::uint8_t { pin, mac_request, mac_response, data_request };
// The variant of a transaction key; data_request is also enciphered under itself, half by half.
[[nodiscard]] Result<SecretBytes> tdes_dukpt_variant(ByteView transaction_key, TdesVariant variant);

enum class DukptKeyType : std::uint8_t { tdes2, tdes3, aes128, aes192, aes256 };
[[nodiscard]] std::optional<DukptKeyType> dukpt_key_type_of(
    std::string_view name) noexcept;  // "TDES2" … "AES256"

enum class DukptUsage : std::uint16_t {
  key_update = 0x0002,
  pin = 0x1000,
  mac_generation = 0x2000,
  data = 0x3000
};
// "PIN_ENCRYPTION", "MAC_GENERATION", "DATA_ENCRYPTION".
[[nodiscard]] std::optional<DukptUsage> dukpt_usage_of(std::string_view name) noexcept;

// bdk: 16 or 32 bytes; the result has the same length.
[[nodiscard]] Result<SecretBytes> aes_dukpt_initial_key(ByteView bdk, ByteView initial_key_id8);
[[nodiscard]] Result<SecretBytes> aes_dukpt_transaction_key(ByteView bdk, ByteView ksn12);
struct DukptWorkingKey {
  DukptUsage usage;
  DukptKeyType type;
};
[[nodiscard]] Result<SecretBytes> aes_dukpt_working_key(ByteView bdk, ByteView ksn12, DukptWorkingKey wanted);
// Enciphers a new initial key: counter FFFFFFFF with all 32 bits walked, which no transaction may use.
[[nodiscard]] Result<SecretBytes> aes_dukpt_update_key(ByteView bdk, ByteView initial_key_id8,
                                                       DukptKeyType type);

}  // namespace tollgate::crypto
