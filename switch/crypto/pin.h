// PIN blocks (field 52; cup-dialect 8; ISO 9564-1; security 2). The switch only translates: from the
// terminal's PIK to a zone key, inside one function whose clear block is wiped before it returns. Nothing
// here gives a clear PIN out.
//
// Software translation is for lab and test: PCI PIN wants it in a secure device (security 2, 5). The same
// signature serves an HSM later. Thread: any; the handles are only read.
#pragma once

#include <array>
#include <cstdint>
#include <expected>
#include <string_view>

#include "switch/base/bytes.h"
#include "switch/base/sensitive.h"
#include "switch/crypto/keys.h"

namespace tollgate::crypto {

using PinBlock = Sensitive<std::array<std::uint8_t, 8>>;  // enciphered; never stored, never logged

// First digit of field 53.
enum class PinFormat : std::uint8_t {
  without_pan,  // 1: length, digits, F. No card number in the block
  with_pan,     // 2: the same XOR 0000 and the 12 digits left of the check digit = ISO 9564-1 format 0
};

// One value for every cause (wrong key, other PAN, bad length, forbidden pair): an error that tells causes
// apart is an oracle for PINs. The terminal hears 99.
struct PinRefused {
  friend bool operator==(PinRefused, PinRefused) noexcept = default;
};

struct PinTranslation {
  const PinKey& from;
  PinFormat from_format = PinFormat::with_pan;
  const ZonePinKey& to;
  PinFormat to_format = PinFormat::with_pan;
  ByteView block;        // field 52 as received, 8 bytes
  std::string_view pan;  // digits, the same for both sides: a PAN is never exchanged in translation
};

// Refuses with_pan to without_pan (a block must not lose its card number), a block that is not well formed
// after decryption (length 4 to 12, decimal digits, F to the end), and a PAN of fewer than 13 or more than 19
// digits where one is needed. Takes the same steps whatever is wrong.
[[nodiscard]] std::expected<PinBlock, PinRefused> pin_translate(const PinTranslation& request) noexcept;

}  // namespace tollgate::crypto
