// TR-31 / X9.143 key blocks, versions A to D, over a clear key block protection key (KBPK): checked against
// published vectors, not yet the way in which a production TMK arrives (README.md, "Not here yet").
//
// unwrap verifies length, header, optional blocks and MAC before it gives a key; the error's place names what
// was wrong
// ("LENGTH_MISMATCH", "HEADER", "OPTIONAL_BLOCK_CONTENT", "MAC", …): a key block is handled by operators, not
// by an attacker who can ask a million times. Versions: A and C variant (C with KBPK XOR), B TDES CMAC, D AES
// CMAC.
#pragma once

#include <string>
#include <string_view>

#include "switch/base/bytes.h"
#include "switch/base/result.h"
#include "switch/crypto/secret_bytes.h"

namespace tollgate::crypto {

enum class BlockKeyPurpose : bool { encryption, authentication };

// Versions B (KBPK of 16 or 24 bytes: TDES) and D (AES). The version decides, because 16 and 24 bytes may be
// either.
[[nodiscard]] Result<SecretBytes> key_block_derive(char version, ByteView kbpk, BlockKeyPurpose purpose);

struct UnwrappedKey {
  std::string header;  // with optional blocks
  SecretBytes key;
  SecretBytes pad;
};
[[nodiscard]] Result<UnwrappedKey> key_block_unwrap(ByteView kbpk, std::string_view block);
// The inverse: the header's length field must already be that of the whole block.
[[nodiscard]] Result<std::string> key_block_wrap(ByteView kbpk, const UnwrappedKey& key);

}  // namespace tollgate::crypto
