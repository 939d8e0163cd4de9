#include "switch/crypto/pin.h"

#include "switch/crypto/key_access.h"
#include "switch/crypto/pin_block.h"

namespace tollgate::crypto {

std::optional<std::uint64_t> pan_part(std::string_view pan) noexcept {
  if (pan.size() < 13 || pan.size() > 19) return std::nullopt;
  std::uint64_t digits = 0;
  unsigned bad = 0;
  for (const char c : pan) bad |= static_cast<unsigned>(c < '0' || c > '9');
  for (const char c : pan.substr(pan.size() - 13, 12))
    digits = digits << 4 | (static_cast<std::uint64_t>(c) & 15U);
  if (bad != 0) return std::nullopt;
  return digits;
}

bool pin_part_well_formed(std::uint64_t block) noexcept {
  const auto nibble = [&](unsigned at) { return static_cast<unsigned>(block >> (60 - 4 * at)) & 15U; };
  const auto length = nibble(1);
  auto bad = static_cast<unsigned>(nibble(0) != 0) | static_cast<unsigned>(length < kPinMin) |
             static_cast<unsigned>(length > kPinMax);
  for (unsigned i = 0; i < 14; ++i) {  // every nibble, whatever was found before
    const auto inside = static_cast<unsigned>(i < length);
    const auto n = nibble(2 + i);
    bad |= inside & static_cast<unsigned>(n > 9);
    bad |= (inside ^ 1U) & static_cast<unsigned>(n != 15);
  }
  return bad == 0;
}

std::uint64_t to_block(std::uint64_t big_endian) noexcept {
  return __builtin_bswap64(big_endian);
}

std::expected<PinBlock, PinRefused> pin_translate(const PinTranslation& request) noexcept {
  const bool pan_in = request.from_format == PinFormat::with_pan;
  const bool pan_out = request.to_format == PinFormat::with_pan;
  bool allowed = pan_out || !pan_in;
  const auto pan = pan_part(request.pan);
  allowed &= pan.has_value() || !(pan_in || pan_out);
  allowed &= request.block.size() == kDesBlock;

  // From here on every cause takes the same steps; a block of another size is replaced by zeros.
  Sensitive<std::uint64_t> clear;
  const auto received = request.block.size() == kDesBlock ? load_block(request.block.data()) : 0;
  clear.reveal() = to_block(tdes_decrypt(KeyAccess::keys(request.from), received));
  if (pan_in) clear.reveal() ^= pan.value_or(0);
  allowed &= pin_part_well_formed(clear.reveal());
  if (pan_out) clear.reveal() ^= pan.value_or(0);
  const auto translated = tdes_encrypt(KeyAccess::keys(request.to), to_block(clear.reveal()));
  if (!allowed) return std::unexpected(PinRefused{});
  PinBlock out;
  store_block(out.reveal().data(), translated);
  return out;
}

}  // namespace tollgate::crypto
