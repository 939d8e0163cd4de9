// BER-TLV as chip data has it (field 55; EMV book 3, annex B): definite lengths, tags of one to three bytes,
// nesting of four, 256 tags. Pure readers over bytes of the caller; nothing is copied. What does not parse is
// refused whole.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "switch/base/bytes.h"

namespace tollgate::iso {

inline constexpr int kTlvDepthMax = 4;
inline constexpr int kTlvTagsMax = 256;

struct Tlv {
  std::uint32_t tag = 0;  // 0x9F26
  ByteView value;
  bool constructed = false;
};

// Takes the first object off `rest`; nullopt when it does not parse (and then rest is as it was).
[[nodiscard]] std::optional<Tlv> next_tlv(ByteView& rest) noexcept;

// Where the structure of `data` breaks: the offset of the object that does not fit; nullopt when all of it
// parses.
[[nodiscard]] std::optional<std::size_t> broken_tlv(ByteView data) noexcept;

// The first object with this tag on the outermost level; nullopt when it is not there or the data do not
// parse up to it.
[[nodiscard]] std::optional<ByteView> find_tlv(ByteView data, std::uint32_t tag) noexcept;

}  // namespace tollgate::iso
