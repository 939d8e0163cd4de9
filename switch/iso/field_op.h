// A field of a dialect in eight bytes, as the codec walks it. Made by the dialect's loader from a FieldSpec;
// immutable.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tollgate::iso {

struct FieldOp {
  enum class Code : std::uint8_t {
    none,
    bcd_right,
    bcd_left,
    ascii_digits,
    track_bcd,
    track_ascii,
    text,
    raw,
    hex
  };
  static constexpr std::size_t kLongest = 9999;  // of any field: four digits of length
  static constexpr std::size_t kTlvMaximum =
      999;                                       // bytes of a field with BER-TLV inside; the loader holds it
  static constexpr std::uint8_t kBcdLength = 1;  // length prefix in BCD, else decimal characters
  static constexpr std::uint8_t kTlv = 2;        // BER-TLV inside
  static constexpr std::uint8_t kEquals = 4;     // track_ascii: the separator is written '='
  static constexpr std::uint8_t kCountsHex = 8;  // hex: the prefix counts characters, else bytes

  Code code = Code::none;
  std::uint8_t prefix = 0;  // bytes of length prefix; 0: fixed length
  std::uint8_t flags = 0;
  std::uint16_t maximum = 0;     // canonical; of a fixed field its length
  std::uint16_t fixed_size = 0;  // bytes of a fixed field
  friend bool operator==(const FieldOp&, const FieldOp&) noexcept = default;
};

}  // namespace tollgate::iso
