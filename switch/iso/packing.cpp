#include "switch/iso/packing.h"

namespace tollgate::iso::packing {
namespace {

using Code = FieldOp::Code;

// Four packed bytes, low in w, to eight characters of 0-9A-F.
std::uint64_t spread(std::uint64_t w) noexcept {
  w = (w | w << 16) & 0x0000FFFF0000FFFFULL;
  w = (w | w << 8) & 0x00FF00FF00FF00FFULL;
  const std::uint64_t n = (w >> 4 & 0x000F000F000F000FULL) | (w & 0x000F000F000F000FULL) << 8;
  const std::uint64_t letters = (n + kOnes * 6) >> 4 & kOnes;  // 1 where the nibble is above 9
  return n + kOnes * '0' + letters * ('A' - '0' - 10);
}

}  // namespace

void unpack_pairs(const std::uint8_t* p, std::size_t bytes, char* out) noexcept {
  if (bytes >= 4) {
    const auto four = [&](std::size_t at) {
      const std::uint64_t text = spread(load<4>(p + at));
      std::memcpy(out + 2 * at, &text, 8);
    };
    for (std::size_t i = 0; i + 4 < bytes; i += 4) four(i);
    four(bytes - 4);
    return;
  }
  for (std::size_t i = 0; i < 2 * bytes; ++i) out[i] = nibble_char(p, i);
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
