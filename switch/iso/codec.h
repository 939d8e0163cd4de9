// bytes <-> messages, driven by a Dialect. No allocation, no exception, no trailing bytes; encode(decode(x))
// == x for every frame that decode accepts, pad nibbles included. A refusal names reason, field and offset,
// never a value.
#pragma once

#include <cstdint>
#include <expected>
#include <string_view>

#include "switch/iso/dialect.h"
#include "switch/iso/message.h"

namespace tollgate::iso {

enum class Refusal : std::uint8_t {
  none,
  truncated,  // the frame ends inside the named place
  trailing,   // bytes after the last field
  bad_tpdu,
  bad_header,
  bad_mti,
  bad_bitmap,     // a bit the dialect does not have (in cup: bit 1)
  unknown_field,  // a bit whose field the dialect does not define
  bad_length,     // a length prefix that is not digits
  too_long,       // above the field's maximum
  bad_character,  // a nibble or byte outside the field's character set
  bad_tlv,        // field 55: tag, length or depth
  too_large,      // encode: out is too small
  missing_value,  // encode: a value that does not fit its fixed length
};
[[nodiscard]] std::string_view name(Refusal refusal) noexcept;

struct DecodeStatus {
  Refusal refusal = Refusal::none;
  std::uint8_t field = 0;    // 0: before the fields (TPDU, header, MTI, bitmap)
  std::uint16_t offset = 0;  // of the offending byte in the frame (after the length prefix)
  [[nodiscard]] bool ok() const noexcept { return refusal == Refusal::none; }
};

// frame: one message without its length prefix. On a refusal `view` holds what was read before it (fields in
// bitmap order), so that an answer 30 can carry 41 and 42 where they came early enough.
[[nodiscard]] DecodeStatus decode(const Dialect& dialect, ByteView frame, MessageView& view) noexcept;

// Writes the whole frame, length prefix included, into out; returns its bytes. The builder must hold a value
// for every field that its bits name.
[[nodiscard]] std::expected<ByteView, DecodeStatus> encode(const Dialect& dialect,
                                                           const MessageBuilder& message,
                                                           MutableBytes out) noexcept;

// Where the MAC of an encoded frame goes: encode with the MAC field set to placeholder bytes, compute over
// mac_input(frame), then overwrite mac_place(frame). Both views lie inside `frame` (length prefix included).
[[nodiscard]] ByteView mac_input(const Dialect& dialect, ByteView frame) noexcept;
[[nodiscard]] MutableBytes mac_place(const Dialect& dialect, MutableBytes frame) noexcept;

}  // namespace tollgate::iso
