#include "switch/iso/packing.h"

namespace tollgate::iso::packing {
namespace {

using Code = FieldOp::Code;

constexpr std::array<std::uint8_t, 256> hex_table(bool lower, bool equals) {
  std::array<std::uint8_t, 256> table{};
  table.fill(0xFF);
  for (unsigned i = 0; i < 10; ++i) table['0' + i] = static_cast<std::uint8_t>(i);
  for (unsigned i = 0; i < 6; ++i) {
    table['A' + i] = static_cast<std::uint8_t>(10 + i);
    if (lower) table['a' + i] = static_cast<std::uint8_t>(10 + i);
  }
  if (equals) table['='] = 13;
  return table;
}

// Four packed bytes to eight characters of 0-9A-F.
void unpack_four(const std::uint8_t* p, char* out) noexcept {
  std::uint64_t t = load(p, 4);
  t = (t | t << 16) & 0x0000FFFF0000FFFFULL;
  t = (t | t << 8) & 0x00FF00FF00FF00FFULL;
  const std::uint64_t nibbles = (t >> 4 & 0x000F000F000F000FULL) | (t & 0x000F000F000F000FULL) << 8;
  const std::uint64_t letters = (nibbles + kOnes * 6) >> 4 & kOnes;  // 1 where the nibble is above 9
  const std::uint64_t text = nibbles + kOnes * '0' + letters * ('A' - '0' - 10);
  std::memcpy(out, &text, 8);
}

void unpack_pairs(const std::uint8_t* p, std::size_t bytes, char* out) noexcept {
  for (; bytes >= 4; bytes -= 4, p += 4, out += 8) unpack_four(p, out);
  for (; bytes > 0; --bytes, ++p, out += 2) {
    out[0] = nibble_char(p, 0);
    out[1] = nibble_char(p, 1);
  }
}

// 2 * bytes digits to packed bytes. What is not a digit leaves a mark in the result.
std::uint64_t pack_pairs(const char* in, std::size_t bytes, std::uint8_t* out) noexcept {
  std::uint64_t bad = 0;
  for (; bytes >= 4; bytes -= 4, in += 8, out += 4) {
    std::uint64_t w = load(in, 8);
    bad |= ((w ^ kOnes * 0x30) | ((w + kOnes * 6) ^ kOnes * 0x30)) & (kOnes * 0xF0);
    w &= kOnes * 0x0F;
    w = (w << 4 | w >> 8) & 0x00FF00FF00FF00FFULL;
    w = (w | w >> 8) & 0x0000FFFF0000FFFFULL;
    const auto packed = static_cast<std::uint32_t>(w | w >> 16);
    std::memcpy(out, &packed, 4);
  }
  for (; bytes > 0; --bytes, in += 2, ++out) {
    const unsigned high = static_cast<std::uint8_t>(in[0]) - unsigned{'0'};
    const unsigned low = static_cast<std::uint8_t>(in[1]) - unsigned{'0'};
    bad |= static_cast<std::uint64_t>(high > 9) | static_cast<std::uint64_t>(low > 9);
    *out = static_cast<std::uint8_t>(high << 4 | low);
  }
  return bad;
}

bool pack_bcd(const char* in, std::size_t length, bool left, std::uint8_t* out) noexcept {
  const std::size_t pairs = length / 2;
  if (length % 2 == 0) return pack_pairs(in, pairs, out) == 0;
  const char single = left ? in[length - 1] : in[0];
  const unsigned digit = static_cast<std::uint8_t>(single) - unsigned{'0'};
  if (left) {
    out[pairs] = static_cast<std::uint8_t>(digit << 4);  // the pad nibble: send 0 (cup dialect, section 2)
    return (pack_pairs(in, pairs, out) | static_cast<std::uint64_t>(digit > 9)) == 0;
  }
  out[0] = static_cast<std::uint8_t>(digit);
  return (pack_pairs(in + 1, pairs, out + 1) | static_cast<std::uint64_t>(digit > 9)) == 0;
}

// Canonical tracks know one separator, D; '=' belongs to the wire.
unsigned canonical_track(char c) noexcept {
  return c == '=' ? 0xFFU : kTrackValue[static_cast<std::uint8_t>(c)];
}

bool pack_track_bcd(const char* in, std::size_t length, std::uint8_t* out) noexcept {
  unsigned all = 0;
  for (std::size_t i = 0; i + 1 < length; i += 2) {
    const unsigned high = canonical_track(in[i]);
    const unsigned low = canonical_track(in[i + 1]);
    all |= high | low;
    *out++ = static_cast<std::uint8_t>(high << 4 | low);
  }
  if (length % 2 != 0) {
    const unsigned last = canonical_track(in[length - 1]);
    all |= last;
    *out = static_cast<std::uint8_t>(last << 4);
  }
  return all <= 15;
}

bool pack_track_ascii(const char* in, std::size_t length, bool equals, std::uint8_t* out) noexcept {
  unsigned all = 0;
  for (std::size_t i = 0; i < length; ++i) {
    all |= canonical_track(in[i]);
    out[i] = static_cast<std::uint8_t>(equals && in[i] == 'D' ? '=' : in[i]);
  }
  return all <= 15;
}

}  // namespace

constinit const std::array<std::uint8_t, 256> kHexValue = hex_table(true, false);
constinit const std::array<std::uint8_t, 256> kTrackValue = hex_table(false, true);

bool hex_ok(const std::uint8_t* p, std::size_t n) noexcept {
  unsigned all = 0;
  for (std::size_t i = 0; i < n; ++i) all |= kHexValue[p[i]];
  return all <= 15;
}

bool track_ok(const std::uint8_t* p, std::size_t n) noexcept {
  unsigned all = 0;
  for (std::size_t i = 0; i < n; ++i) all |= kTrackValue[p[i]];
  return all <= 15;
}

void hex_to_bytes(const std::uint8_t* p, std::size_t n, std::uint8_t* out) noexcept {
  for (std::size_t i = 0; i + 1 < n; i += 2) {
    *out++ = static_cast<std::uint8_t>(kHexValue[p[i]] << 4 | kHexValue[p[i + 1]]);
  }
}

std::size_t raw_size(Code code, std::size_t length) noexcept {
  switch (code) {
    case Code::bcd_right:
    case Code::bcd_left:
    case Code::track_bcd:
      return (length + 1) / 2;
    case Code::hex:
      return 2 * length;
    default:
      return length;
  }
}

void unpack(const FieldOp& op, const std::uint8_t* raw, std::size_t length, char* out) noexcept {
  switch (op.code) {
    case Code::bcd_right:
      if (length % 2 != 0) *out++ = nibble_char(raw++, 1);
      unpack_pairs(raw, length / 2, out);
      return;
    case Code::bcd_left:
    case Code::track_bcd:
      unpack_pairs(raw, length / 2, out);
      if (length % 2 != 0) out[length - 1] = nibble_char(raw, length - 1);
      return;
    case Code::track_ascii:
      for (std::size_t i = 0; i < length; ++i) out[i] = static_cast<char>(raw[i] == '=' ? 'D' : raw[i]);
      return;
    case Code::hex:
      hex_to_bytes(raw, 2 * length, reinterpret_cast<std::uint8_t*>(out));
      return;
    case Code::ascii_digits:
    case Code::text:
    case Code::raw:
      if (length != 0) std::memcpy(out, raw, length);
      return;
    case Code::none:
      return;
  }
}

bool pack(const FieldOp& op, const char* value, std::size_t length, std::uint8_t* out) noexcept {
  if (length == 0) return true;
  switch (op.code) {
    case Code::bcd_right:
      return pack_bcd(value, length, false, out);
    case Code::bcd_left:
      return pack_bcd(value, length, true, out);
    case Code::track_bcd:
      return pack_track_bcd(value, length, out);
    case Code::track_ascii:
      return pack_track_ascii(value, length, (op.flags & FieldOp::kEquals) != 0, out);
    case Code::hex:
      write_hex({reinterpret_cast<const std::uint8_t*>(value), length}, reinterpret_cast<char*>(out));
      return true;
    case Code::ascii_digits:
      std::memcpy(out, value, length);
      return digits_ok(value, length);
    case Code::text:
      std::memcpy(out, value, length);
      return text_ok(value, length);
    case Code::raw:
      std::memcpy(out, value, length);
      return true;
    case Code::none:
      return false;
  }
  return false;
}

bool raw_ok(Code code, const std::uint8_t* p, std::size_t size, std::size_t length) noexcept {
  switch (code) {
    case Code::bcd_right:
      return bcd_ok(p, size) && (length % 2 == 0 || p[0] <= 9);
    case Code::bcd_left:
      if (length % 2 == 0) return bcd_ok(p, size);
      return bcd_ok(p, size - 1) && p[size - 1] <= 0x9F;  // its low nibble is the pad: accept any
    case Code::text:
      return text_ok(p, size);
    case Code::ascii_digits:
      return digits_ok(p, size);
    case Code::track_ascii:
      return track_ok(p, size);
    case Code::hex:
      return hex_ok(p, size);
    case Code::track_bcd:
    case Code::raw:
      return true;
    case Code::none:
      return false;
  }
  return false;
}

std::size_t first_bad(Code code, const std::uint8_t* p, std::size_t size, std::size_t length) noexcept {
  for (std::size_t i = 0; i < size; ++i) {
    // A byte is judged as it stands in the value: only the last one of a left-aligned field may hold a pad,
    // only the first one of a right-aligned field must begin with 0.
    const bool single =
        length % 2 != 0 && ((code == Code::bcd_left && i + 1 == size) || (code == Code::bcd_right && i == 0));
    if (!raw_ok(code, p + i, 1, single ? 1 : 2)) return i;
  }
  return 0;
}

}  // namespace tollgate::iso::packing
