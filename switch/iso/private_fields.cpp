#include "switch/iso/private_fields.h"

#include "switch/iso/dialect.h"

namespace tollgate::iso {
namespace {

// All digits of text as a number; nullopt when it is empty or holds something else.
std::optional<std::uint32_t> digits(std::string_view text) noexcept {
  if (text.empty()) return std::nullopt;
  std::uint32_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + static_cast<std::uint32_t>(c - '0');
  }
  return value;
}

// A value as text where it stands as text in the frame: text and raw binary, not BCD or hex.
std::optional<std::string_view> plain(const MessageView& message, int field) noexcept {
  if (!message.has(field)) return std::nullopt;
  const auto code = message.dialect()->op(field).code;
  if (code != FieldOp::Code::text && code != FieldOp::Code::raw) return std::nullopt;
  return as_text(message.raw(field));
}

}  // namespace

std::optional<Field60> field_60(const MessageView& message) noexcept {
  std::array<char, 32> buffer;
  const std::string_view text = message.value(60, buffer);
  // 60.1 and 60.2 at least; 60.3 whole or not at all; then one digit each (cup dialect, section 7: cut from
  // the right).
  if (text.size() < 8 || text.size() == 9 || text.size() == 10) return std::nullopt;
  if (!digits(text.substr(0, 8)) || (text.size() > 8 && !digits(text.substr(8)))) return std::nullopt;
  Field60 parts;
  parts.type = static_cast<std::uint8_t>(*digits(text.substr(0, 2)));
  parts.batch = *digits(text.substr(2, 6));
  if (text.size() >= 11) parts.management = static_cast<std::uint16_t>(*digits(text.substr(8, 3)));
  if (text.size() >= 12) parts.reader = static_cast<std::uint8_t>(text[11] - '0');
  if (text.size() >= 13) parts.chip = static_cast<std::uint8_t>(text[12] - '0');
  if (text.size() >= 14) parts.partial = text[13] == '1';
  return parts;
}

std::optional<Field61> field_61(const MessageView& message) noexcept {
  std::array<char, 32> buffer;
  const std::string_view text = message.value(61, buffer);
  if (text.size() < 12 || (text.size() > 12 && text.size() < 16)) return std::nullopt;
  const auto batch = digits(text.substr(0, 6));
  const auto stan = digits(text.substr(6, 6));
  if (!batch || !stan) return std::nullopt;
  Field61 parts{.batch = *batch, .stan = *stan, .date = std::nullopt};
  if (text.size() >= 16) {
    const auto date = digits(text.substr(12, 4));
    if (!date) return std::nullopt;
    parts.date = static_cast<std::uint16_t>(*date);
  }
  return parts;
}

std::optional<std::string_view> text_tlv(const MessageView& message, int field,
                                         std::string_view tag) noexcept {
  auto rest = plain(message, field).value_or(std::string_view());
  std::optional<std::string_view> found;
  while (!rest.empty()) {
    if (rest.size() < 5) return std::nullopt;
    const auto size = digits(rest.substr(2, 3));
    if (!size || rest.size() < 5 + *size) return std::nullopt;
    if (!found && rest.substr(0, 2) == tag) found = rest.substr(5, *size);
    rest.remove_prefix(5 + *size);
  }
  return found;
}

std::optional<std::string_view> sign_in_serial(const MessageView& message) noexcept {
  constexpr std::string_view kLabel = "Sequence No";
  const auto text = plain(message, 62);
  if (!text || !text->starts_with(kLabel) || text->size() < kLabel.size() + 2) return std::nullopt;
  const auto size = digits(text->substr(kLabel.size(), 2));
  const std::string_view rest = text->substr(kLabel.size() + 2);
  // The length counts licence (4) and serial; what does not add up is no serial.
  if (!size || *size != rest.size() || *size <= 4) return std::nullopt;
  return rest.substr(4);
}

}  // namespace tollgate::iso
