// The insides of cup's private fields: 59, 60, 61, 62 (text TLV), 63. Pure readers over a decoded message; a
// part that is not there reads as absent, a malformed one as nullopt. Source: cup dialect, section 7.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "switch/iso/message.h"

namespace tollgate::iso {

// Field 60: type n2, batch n6, then optionally network management code n3, reader n1, chip condition n1,
// partial n1, account n3.
struct Field60 {
  std::uint8_t type = 0;
  std::uint32_t batch = 0;
  std::optional<std::uint16_t> management;  // 60.3
  std::optional<std::uint8_t> reader;       // 60.4
  std::optional<std::uint8_t> chip;         // 60.5
  std::optional<bool> partial;              // 60.6
};
[[nodiscard]] std::optional<Field60> field_60(const MessageView& message) noexcept;

// Field 61: the original's batch n6, STAN n6, then optionally date n4 (MMDD) and authorisation mode n2.
struct Field61 {
  std::uint32_t batch = 0;
  std::uint32_t stan = 0;
  std::optional<std::uint16_t> date;
};
[[nodiscard]] std::optional<Field61> field_61(const MessageView& message) noexcept;

// Field 59, or 62 in its text form: tag an2, length n3, value. The first value of a tag, pointing into
// `scratch`'s owner: the message. nullopt when the tag is absent or the TLV does not parse.
[[nodiscard]] std::optional<std::string_view> text_tlv(const MessageView& message, int field,
                                                       std::string_view tag) noexcept;

// Field 62 of a sign-in: "Sequence No" + length n2 + licence an4 + serial. The serial.
[[nodiscard]] std::optional<std::string_view> sign_in_serial(const MessageView& message) noexcept;

}  // namespace tollgate::iso
