// Private to switch/iso: how values stand in bytes. Checks and conversions of BCD, ASCII digits, tracks, hex
// and text, eight bytes at a time; unaligned loads at both ends instead of a tail loop, because most fields
// have 2 to 15 bytes. Inline, because every field of every message comes through here twice.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "switch/base/bytes.h"
#include "switch/iso/field_op.h"

namespace tollgate::iso::packing {

inline constexpr std::uint64_t kOnes = 0x0101010101010101ULL;

template <std::size_t N>
[[nodiscard]] inline std::uint64_t load(const void* p) noexcept {
  std::uint64_t v = 0;
  std::memcpy(&v, p, N);
  return v;
}

// ---- sets: a word of bytes that are not of the set has bits left. Objects, not functions: templates that
// take a function get a pointer and call it. ----

// A nibble is above 9 when bit 3 stands together with bit 2 or bit 1.
inline constexpr auto not_bcd = [](std::uint64_t w) noexcept -> std::uint64_t {
  return w & (w << 1 | w << 2) & (kOnes * 0x88);
};
// '0' to '9': the high nibble is 3, also after 6 was added.
inline constexpr auto not_digit = [](std::uint64_t w) noexcept -> std::uint64_t {
  return ((w ^ kOnes * 0x30) | ((w + kOnes * 6) ^ kOnes * 0x30)) & (kOnes * 0xF0);
};
// Bytes of 20 and above (the classic test for a byte below n: exact as a test for any).
inline constexpr auto not_text = [](std::uint64_t w) noexcept -> std::uint64_t {
  return (w - kOnes * 0x20) & ~w & (kOnes * 0x80);
};
// 0-9 and A-F, `base` 0x40; with every byte or-ed with 20 and `base` 0x60, a-f as well. Bit 6 tells letters
// from digits.
[[nodiscard]] inline std::uint64_t not_hex(std::uint64_t w, std::uint64_t letters,
                                           std::uint64_t base) noexcept {
  const std::uint64_t is_letter = (w >> 6 & kOnes) * 0xFF;
  const std::uint64_t low = letters & (kOnes * 0x0F);
  const std::uint64_t outside = ((letters ^ base) & (kOnes * 0xF0)) |
                                (~(low + kOnes * 0x0F) & (kOnes * 0x10)) |
                                ((low + kOnes * 9) & (kOnes * 0x10));
  return (not_digit(w) & ~is_letter) | (outside & is_letter);
}
inline constexpr auto not_upper_hex = [](std::uint64_t w) noexcept -> std::uint64_t {
  return not_hex(w, w, kOnes * 0x40);
};
inline constexpr auto not_any_hex = [](std::uint64_t w) noexcept -> std::uint64_t {
  return not_hex(w, w | kOnes * 0x20, kOnes * 0x60);
};
// 0-9, A-F and '='.
inline constexpr auto not_track = [](std::uint64_t w) noexcept -> std::uint64_t {
  const std::uint64_t difference = w ^ kOnes * '=';
  const std::uint64_t equal =
      ~(((difference & kOnes * 0x7F) + kOnes * 0x7F) | difference | kOnes * 0x7F);  // 80 where equal
  return not_upper_hex(w) & ~((equal >> 7) * 0xFF);
};

// Whether all of [p, p + n) passes; some bytes are looked at twice. Bytes that are not there read as `fill`.
template <class Bad>
[[nodiscard]] inline bool all(const void* bytes, std::size_t n, std::uint64_t fill, Bad bad) noexcept {
  const auto* p = static_cast<const std::uint8_t*>(bytes);
  if (n >= 8) {
    std::uint64_t found = bad(load<8>(p + n - 8));
    for (std::size_t i = 0; i + 8 < n; i += 8) found |= bad(load<8>(p + i));
    return found == 0;
  }
  if (n >= 4) return bad(load<4>(p) | load<4>(p + n - 4) << 32) == 0;
  if (n >= 2) return bad(load<2>(p) | load<2>(p + n - 2) << 16 | (fill & 0xFFFFFFFF00000000ULL)) == 0;
  return n == 0 || bad(p[0] | (fill & 0xFFFFFFFFFFFFFF00ULL)) == 0;
}

[[nodiscard]] inline bool bcd_ok(const void* p, std::size_t n) noexcept {
  return all(p, n, 0, not_bcd);
}
[[nodiscard]] inline bool digits_ok(const void* p, std::size_t n) noexcept {
  return all(p, n, kOnes * '0', not_digit);
}
[[nodiscard]] inline bool text_ok(const void* p, std::size_t n) noexcept {
  return all(p, n, kOnes * ' ', not_text);
}
[[nodiscard]] inline bool hex_ok(const void* p, std::size_t n) noexcept {
  return all(p, n, kOnes * '0', not_any_hex);
}
[[nodiscard]] inline bool track_ok(const void* p, std::size_t n) noexcept {
  return all(p, n, kOnes * '0', not_track);
}

// ---- conversions ----

// The nibble at position i of a packed value, as a character of 0-9A-F.
[[nodiscard]] inline char nibble_char(const std::uint8_t* p, std::size_t i) noexcept {
  const unsigned v = i % 2 == 0 ? p[i / 2] >> 4 : p[i / 2] & 15;
  return static_cast<char>(v < 10 ? '0' + v : 'A' + v - 10);
}

// Nibbles of eight hexadecimal characters, one in each byte.
[[nodiscard]] inline std::uint64_t nibbles(std::uint64_t w) noexcept {
  return (w & kOnes * 0x0F) + (w >> 6 & kOnes) * 9;
}

// Eight nibbles, one in each byte, to four packed bytes.
[[nodiscard]] inline std::uint32_t squeeze(std::uint64_t w) noexcept {
  w = (w << 4 | w >> 8) & 0x00FF00FF00FF00FFULL;
  w = (w | w >> 8) & 0x0000FFFF0000FFFFULL;
  return static_cast<std::uint32_t>(w | w >> 16);
}

// 2 * bytes hexadecimal characters to packed bytes; what bad() finds in them. Inputs of seven bytes and less
// go in steps of 2 and 1.
template <class Bad>
[[nodiscard]] inline std::uint64_t pack_pairs(const char* in, std::size_t bytes, std::uint8_t* out,
                                              Bad bad) noexcept {
  std::uint64_t found = 0;
  const auto four = [&](std::size_t at) {
    const std::uint64_t w = load<8>(in + 2 * at);
    found |= bad(w);
    const std::uint32_t packed = squeeze(nibbles(w));
    std::memcpy(out + at, &packed, 4);
  };
  if (bytes >= 4) {
    for (std::size_t i = 0; i + 4 < bytes; i += 4) four(i);
    four(bytes - 4);
    return found;
  }
  if (bytes >= 2) {
    const std::uint64_t w = load<4>(in) | load<4>(in + 2 * bytes - 4) << 32;
    found = bad(w);
    const std::uint32_t packed = squeeze(nibbles(w));
    std::memcpy(out, &packed, 2);
    const auto last = static_cast<std::uint16_t>(packed >> 16);
    std::memcpy(out + bytes - 2, &last, 2);
  } else if (bytes == 1) {
    const std::uint64_t w = load<2>(in) | kOnes * '0' << 16;
    found = bad(w);
    *out = static_cast<std::uint8_t>(squeeze(nibbles(w)));
  }
  return found;
}

// Packed bytes to characters of 0-9A-F, two a byte.
void unpack_pairs(const std::uint8_t* p, std::size_t bytes, char* out) noexcept;

// n hexadecimal characters (even, checked before) to bytes.
inline void hex_to_bytes(const std::uint8_t* p, std::size_t n, std::uint8_t* out) noexcept {
  (void)pack_pairs(reinterpret_cast<const char*>(p), n / 2, out,
                   [](std::uint64_t) { return std::uint64_t{0}; });
}

// ---- fields ----

// Bytes of a value of this canonical length.
[[nodiscard]] inline std::size_t raw_size(FieldOp::Code code, std::size_t length) noexcept {
  switch (code) {
    case FieldOp::Code::bcd_right:
    case FieldOp::Code::bcd_left:
    case FieldOp::Code::track_bcd:
      return (length + 1) / 2;
    case FieldOp::Code::hex:
      return 2 * length;
    default:
      return length;
  }
}

// Whether every raw byte is of the field's set.
[[nodiscard]] inline bool raw_ok(FieldOp::Code code, const std::uint8_t* p, std::size_t size,
                                 std::size_t length) noexcept {
  switch (code) {
    case FieldOp::Code::bcd_right:
      return bcd_ok(p, size) && (length % 2 == 0 || p[0] <= 9);
    case FieldOp::Code::bcd_left:
      if (length % 2 == 0) return bcd_ok(p, size);
      return bcd_ok(p, size - 1) && p[size - 1] <= 0x9F;  // its low nibble is the pad: accept any
    case FieldOp::Code::text:
      return text_ok(p, size);
    case FieldOp::Code::ascii_digits:
      return digits_ok(p, size);
    case FieldOp::Code::track_ascii:
      return track_ok(p, size);
    case FieldOp::Code::hex:
      return hex_ok(p, size);
    case FieldOp::Code::track_bcd:
    case FieldOp::Code::raw:
      return true;
    case FieldOp::Code::none:
      return false;
  }
  return false;
}

// The first raw byte that raw_ok() minds.
[[nodiscard]] std::size_t first_bad(FieldOp::Code code, const std::uint8_t* p, std::size_t size,
                                    std::size_t length) noexcept;

// Canonical value of a checked raw one: length characters to out.
void unpack(const FieldOp& op, const std::uint8_t* raw, std::size_t length, char* out) noexcept;

// memcpy() for values, most of which have 2 to 15 bytes: a call of the library costs more than the copy.
inline void copy(std::uint8_t* to, const char* from, std::size_t n) noexcept {
  if (n > 32) {
    std::memcpy(to, from, n);
  } else if (n >= 16) {
    std::memcpy(to, from, 16);
    std::memcpy(to + n - 16, from + n - 16, 16);
  } else if (n >= 8) {
    std::memcpy(to, from, 8);
    std::memcpy(to + n - 8, from + n - 8, 8);
  } else if (n >= 4) {
    std::memcpy(to, from, 4);
    std::memcpy(to + n - 4, from + n - 4, 4);
  } else if (n >= 2) {
    std::memcpy(to, from, 2);
    std::memcpy(to + n - 2, from + n - 2, 2);
  } else if (n == 1) {
    *to = static_cast<std::uint8_t>(*from);
  }
}

// copy() and all() in one pass.
template <class Bad>
[[nodiscard]] inline bool copy_checked(std::uint8_t* to, const char* from, std::size_t n, std::uint64_t fill,
                                       Bad bad) noexcept {
  std::uint64_t found = 0;
  if (n >= 8) {
    const auto eight = [&](std::size_t at) {
      const std::uint64_t w = load<8>(from + at);
      found |= bad(w);
      std::memcpy(to + at, &w, 8);
    };
    for (std::size_t i = 0; i + 8 < n; i += 8) eight(i);
    eight(n - 8);
    return found == 0;
  }
  copy(to, from, n);
  return all(from, n, fill, bad);
}

// The one digit of an odd length, which stands alone in its byte: packed, and a mark when it is no digit.
template <class Bad>
[[nodiscard]] inline std::uint64_t pack_lone(char c, unsigned shift, std::uint8_t* out, Bad bad) noexcept {
  const std::uint64_t w = static_cast<std::uint8_t>(c) | (kOnes * '0' << 8);
  *out = static_cast<std::uint8_t>(nibbles(w) << shift);
  return bad(w);
}

template <class Bad>
[[nodiscard]] inline bool pack_left(const char* in, std::size_t length, std::uint8_t* out, Bad bad) noexcept {
  const std::size_t pairs = length / 2;
  std::uint64_t found = pack_pairs(in, pairs, out, bad);
  // The pad nibble: send 0 (cup dialect, section 2).
  if (length % 2 != 0) found |= pack_lone(in[length - 1], 4, out + pairs, bad);
  return found == 0;
}

template <class Bad>
[[nodiscard]] inline bool pack_right(const char* in, std::size_t length, std::uint8_t* out,
                                     Bad bad) noexcept {
  if (length % 2 == 0) return pack_pairs(in, length / 2, out, bad) == 0;
  return (pack_lone(in[0], 0, out, bad) | pack_pairs(in + 1, length / 2, out + 1, bad)) == 0;
}

// Canonical tracks know one separator, D; '=' belongs to the wire.
[[nodiscard]] inline bool pack_track_ascii(const char* in, std::size_t length, bool equals,
                                           std::uint8_t* out) noexcept {
  for (std::size_t i = 0; i < length; ++i)
    out[i] = static_cast<std::uint8_t>(equals && in[i] == 'D' ? '=' : in[i]);
  return all(in, length, kOnes * '0', not_upper_hex);
}

// Raw value of a canonical one; raw_size(op.code, length) bytes to out. False when a character is not of the
// field's set.
[[nodiscard, gnu::always_inline]] inline bool pack(FieldOp::Code code, std::uint8_t flags, const char* value, std::size_t length,
                               std::uint8_t* out) noexcept {
  if (length == 0) return true;
  switch (code) {
    case FieldOp::Code::bcd_right:
      return pack_right(value, length, out, not_digit);
    case FieldOp::Code::bcd_left:
      return pack_left(value, length, out, not_digit);
    case FieldOp::Code::track_bcd:
      return pack_left(value, length, out, not_upper_hex);
    case FieldOp::Code::track_ascii:
      return pack_track_ascii(value, length, (flags & FieldOp::kEquals) != 0, out);
    case FieldOp::Code::text:
      return copy_checked(out, value, length, kOnes * ' ', not_text);
    case FieldOp::Code::ascii_digits:
      return copy_checked(out, value, length, kOnes * '0', not_digit);
    case FieldOp::Code::raw:
      copy(out, value, length);
      return true;
    case FieldOp::Code::hex:
      unpack_pairs(reinterpret_cast<const std::uint8_t*>(value), length, reinterpret_cast<char*>(out));
      return true;
    case FieldOp::Code::none:
      return false;
  }
  return false;
}

}  // namespace tollgate::iso::packing
