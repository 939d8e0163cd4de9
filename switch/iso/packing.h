// Private to switch/iso: how values stand in bytes. Checks and conversions of BCD, ASCII digits, tracks, hex
// and text, eight bytes at a time; unaligned loads at both ends instead of a tail loop, because most fields
// have 2 to 15 bytes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "switch/base/bytes.h"
#include "switch/iso/field_op.h"

namespace tollgate::iso::packing {

[[nodiscard]] inline std::uint64_t load(const void* p, std::size_t n) noexcept {
  std::uint64_t v = 0;
  std::memcpy(&v, p, n);
  return v;
}

// Calls bad(word) over all bytes of [p, p + n), some of them twice; the words ored. Bytes that are not there
// read as `fill`.
template <class Bad>
[[nodiscard]] inline std::uint64_t any(const void* bytes, std::size_t n, std::uint64_t fill,
                                       Bad bad) noexcept {
  const auto* p = static_cast<const std::uint8_t*>(bytes);
  if (n >= 8) {
    std::uint64_t found = bad(load(p + n - 8, 8));
    for (std::size_t i = 0; i + 8 < n; i += 8) found |= bad(load(p + i, 8));
    return found;
  }
  if (n >= 4) return bad(load(p, 4) | load(p + n - 4, 4) << 32);
  if (n >= 2) return bad(load(p, 2) | load(p + n - 2, 2) << 16 | (fill & 0xFFFFFFFF00000000ULL));
  if (n == 1) return bad(p[0] | (fill & 0xFFFFFFFFFFFFFF00ULL));
  return 0;
}

inline constexpr std::uint64_t kOnes = 0x0101010101010101ULL;

// A nibble is above 9 when bit 3 stands together with bit 2 or bit 1.
[[nodiscard]] inline bool bcd_ok(const std::uint8_t* p, std::size_t n) noexcept {
  return any(p, n, 0, [](std::uint64_t w) { return w & (w << 1 | w << 2) & (kOnes * 0x88); }) == 0;
}
// '0' to '9': the high nibble is 3, also after 6 was added.
[[nodiscard]] inline bool digits_ok(const void* p, std::size_t n) noexcept {
  return any(p, n, kOnes * '0', [](std::uint64_t w) {
           return ((w ^ kOnes * 0x30) | ((w + kOnes * 6) ^ kOnes * 0x30)) & (kOnes * 0xF0);
         }) == 0;
}
// Bytes of 20 and above (the classic test for a byte below n, exact as a test for any).
[[nodiscard]] inline bool text_ok(const void* p, std::size_t n) noexcept {
  return any(p, n, kOnes * ' ', [](std::uint64_t w) { return (w - kOnes * 0x20) & ~w & (kOnes * 0x80); }) ==
         0;
}

// Value of a hexadecimal character of either case; 0xFF for another byte.
extern const std::array<std::uint8_t, 256> kHexValue;
// Value of a track character (0-9, A-F, '=' as D); 0xFF for another byte.
extern const std::array<std::uint8_t, 256> kTrackValue;

[[nodiscard]] bool hex_ok(const std::uint8_t* p, std::size_t n) noexcept;
[[nodiscard]] bool track_ok(const std::uint8_t* p, std::size_t n) noexcept;
// n hexadecimal characters (even, checked before) to bytes.
void hex_to_bytes(const std::uint8_t* p, std::size_t n, std::uint8_t* out) noexcept;

// The nibble at position i of a packed value, as a character of 0-9A-F.
[[nodiscard]] inline char nibble_char(const std::uint8_t* p, std::size_t i) noexcept {
  const unsigned v = i % 2 == 0 ? p[i / 2] >> 4 : p[i / 2] & 15;
  return static_cast<char>(v < 10 ? '0' + v : 'A' + v - 10);
}
// Bytes of a value of this canonical length.
[[nodiscard]] std::size_t raw_size(FieldOp::Code code, std::size_t length) noexcept;

// Canonical value of a checked raw one: length characters to out.
void unpack(const FieldOp& op, const std::uint8_t* raw, std::size_t length, char* out) noexcept;
// Raw value of a canonical one; raw_size(op.code, length) bytes to out. False when a character is not of the
// field's set.
[[nodiscard]] bool pack(const FieldOp& op, const char* value, std::size_t length, std::uint8_t* out) noexcept;
// Whether every raw byte is of the field's set.
[[nodiscard]] bool raw_ok(FieldOp::Code code, const std::uint8_t* p, std::size_t size,
                          std::size_t length) noexcept;
// The first raw byte that raw_ok() minds.
[[nodiscard]] std::size_t first_bad(FieldOp::Code code, const std::uint8_t* p, std::size_t size,
                                    std::size_t length) noexcept;

}  // namespace tollgate::iso::packing
