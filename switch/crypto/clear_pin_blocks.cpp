// Clear PIN blocks (ISO 9564-1 formats 0, 2, 3, 4; UnionPay with SM4), digit by digit as the standards draw
// them. The translation of pin.cpp works on integers and shares no code with this file, so that one checks
// the other.
#include <algorithm>
#include <array>
#include <string>

#include "switch/crypto/primitives.h"

namespace tollgate::crypto {
namespace {

bool digits_only(std::string_view text) noexcept {
  return std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

std::unexpected<Error> wrong_pin() {
  return fail(ErrorCode::invalid, "a PIN has 4 to 12 digits", "pin");
}
std::unexpected<Error> wrong_pan(const char* what) {
  return fail(ErrorCode::invalid, what, "pan");
}

bool pin_ok(std::string_view pin) noexcept {
  return digits_only(pin) && pin.size() >= 4 && pin.size() <= 12;
}

// "<format><length><pin>", filled to `digits` hex digits.
std::string pin_digits(char format, std::string_view pin, char fill, std::size_t digits) {
  std::string text{format, "0123456789ABC"[pin.size()]};
  text += pin;
  text.resize(digits, fill);
  return text;
}

// The 12 digits left of the check digit, right-aligned in `digits` digits.
std::string pan_digits(std::string_view pan, std::size_t digits) {
  const auto body = pan.substr(0, pan.size() - 1);
  std::string twelve(body.substr(body.size() > 12 ? body.size() - 12 : 0));
  twelve.insert(0, digits - twelve.size(), '0');
  return twelve;
}

Bytes xor_hex(std::string_view a, std::string_view b) {
  auto out = *from_hex(a);
  const auto other = *from_hex(b);
  for (std::size_t i = 0; i < out.size(); ++i) out[i] ^= other[i];
  return out;
}

Result<Bytes> with_pan(std::string pin_part, std::string_view pan) {
  if (!digits_only(pan) || pan.size() < 13 || pan.size() > 19)
    return wrong_pan("a card number has 13 to 19 digits");
  return xor_hex(pin_part, pan_digits(pan, pin_part.size()));
}

}  // namespace

Result<Bytes> iso0_pin_block(std::string_view pin, std::string_view pan) {
  if (!pin_ok(pin)) return wrong_pin();
  return with_pan(pin_digits('0', pin, 'F', 16), pan);
}

Result<Bytes> iso2_pin_block(std::string_view pin) {
  if (!pin_ok(pin)) return wrong_pin();
  return *from_hex(pin_digits('2', pin, 'F', 16));
}

Result<Bytes> iso3_pin_block(std::string_view pin, std::string_view pan, ByteView fill) {
  if (!pin_ok(pin)) return wrong_pin();
  if (fill.size() < 14) return fail(ErrorCode::invalid, "fill needs 14 bytes", "fill");
  auto digits = pin_digits('3', pin, 'A', 16);
  for (std::size_t i = 2 + pin.size(); i < digits.size(); ++i) digits[i] = "ABCDEF"[fill[i - 2] % 6];
  return with_pan(digits, pan);
}

Result<Bytes> cup_sm4_pin_block(std::string_view pin, std::string_view pan) {
  if (!pin_ok(pin)) return wrong_pin();
  return with_pan(pin_digits('0', pin, 'F', 32), pan);
}

Result<Bytes> iso4_pin_field(std::string_view pin, ByteView random8) {
  if (!pin_ok(pin)) return wrong_pin();
  if (random8.size() != 8) return fail(ErrorCode::invalid, "the random half has 8 bytes", "random");
  auto field = *from_hex(pin_digits('4', pin, 'A', 16));
  field.insert(field.end(), random8.begin(), random8.end());
  return field;
}

Result<Bytes> iso4_pan_field(std::string_view pan) {
  if (!digits_only(pan) || pan.empty() || pan.size() > 19)
    return wrong_pan("a card number has 1 to 19 digits");
  std::string digits(pan);
  if (digits.size() < 12) digits.insert(0, 12 - digits.size(), '0');
  digits.insert(digits.begin(), static_cast<char>('0' + (digits.size() - 12)));
  digits.resize(32, '0');
  return *from_hex(digits);
}

Result<Bytes> iso4_encrypt(ByteView key, ByteView pin_field, ByteView pan_field) {
  if (pin_field.size() != 16 || pan_field.size() != 16)
    return fail(ErrorCode::invalid, "PIN and PAN fields have 16 bytes");
  auto block = cipher({Block::aes, Direction::encrypt, key, {}}, pin_field);
  if (!block) return block;
  for (std::size_t i = 0; i < block->size(); ++i) (*block)[i] ^= pan_field[i];
  return cipher({Block::aes, Direction::encrypt, key, {}}, *block);
}

}  // namespace tollgate::crypto
