#include "switch/crypto/lab.h"

#include <algorithm>

#include "switch/crypto/key_access.h"
#include "switch/crypto/pin_block.h"
#include "switch/crypto/working_keys.h"

namespace tollgate::crypto {
namespace {

std::unexpected<Error> wrong_length(const char* key) {
  return fail(ErrorCode::invalid, "the key has another length than its usage wants", key);
}

std::optional<std::uint64_t> pin_part(std::string_view pin) noexcept {
  const bool digits = std::ranges::all_of(pin, [](char c) { return c >= '0' && c <= '9'; });
  if (!digits || pin.size() < kPinMin || pin.size() > kPinMax) return std::nullopt;
  std::uint64_t part = pin.size();
  for (const char c : pin) part = part << 4 | static_cast<std::uint64_t>(c - '0');
  for (auto i = pin.size(); i < 14; ++i) part = part << 4 | 15U;
  return part;
}

}  // namespace

Result<Tmk> import_clear_tmk(ByteView key) {
  if (key.size() != 16) return wrong_length("tmk");
  return KeyAccess::make<TmkUsage>(key, KeyAccess::Keep::clear_too);
}

Result<PinKey> import_clear_pin_key(ByteView key) {
  if (key.size() != 8 && key.size() != 16) return wrong_length("pik");
  return KeyAccess::make<PinUsage>(key, KeyAccess::Keep::schedules_only);
}

Result<ZonePinKey> import_clear_zone_key(ByteView key) {
  if (key.size() != 16) return wrong_length("zone key");
  return KeyAccess::make<ZonePinUsage>(key, KeyAccess::Keep::clear_too);
}

Result<TrackKey> import_clear_track_key(ByteView key) {
  if (key.size() != 16) return wrong_length("tdk");
  return KeyAccess::make<TrackUsage>(key, KeyAccess::Keep::schedules_only);
}

Result<MacKey> import_clear_mac_key(MacAlgorithm algorithm, ByteView key) {
  if (!mac_key_size_ok(algorithm, key.size())) return wrong_length("mak");
  return KeyAccess::make_mac(algorithm, key);
}

Result<SignIn> import_clear_working_keys(const KeyVault& vault, const Tmk& tmk, const ClearWorkingKeys& clear,
                                         std::string_view context, Chance& chance) {
  if (std::max({clear.pik.size(), clear.mak.size(), clear.tdk.size()}) > 16)
    return wrong_length("working keys");
  SecretKeySet set;
  auto& keys = set.reveal();
  keys.mac = clear.mac;
  keys.pik.assign(clear.pik);
  keys.mak.assign(clear.mak);
  keys.tdk.assign(clear.tdk);
  keys.scheme = clear.pik.size() == 8   ? SignInScheme::single_001
                : clear.tdk.size() == 0 ? SignInScheme::double_003
                                        : SignInScheme::double_tdk_004;
  if (!consistent(keys)) return wrong_length("working keys");
  return SignIn{write_field_62(tmk, set), make_handles(set),
                vault.seal_packed_keys(context, pack(set), chance)};
}

Result<PinBlock> make_pin_block(const PinKey& key, PinFormat format, std::string_view pin,
                                std::string_view pan) {
  auto clear = pin_part(pin);
  if (!clear) return fail(ErrorCode::invalid, "a PIN has 4 to 12 digits", "pin");
  if (format == PinFormat::with_pan) {
    const auto part = pan_part(pan);
    if (!part) return fail(ErrorCode::invalid, "a card number has 13 to 19 digits", "pan");
    *clear ^= *part;
  }
  PinBlock block;
  store_block(block.reveal().data(), tdes_encrypt(KeyAccess::keys(key), to_block(*clear)));
  wipe(&*clear, sizeof *clear);
  return block;
}

bool pin_block_holds(const ZonePinKey& key, PinFormat format, ByteView block, std::string_view pan,
                     std::string_view pin) noexcept {
  const auto wanted = pin_part(pin);
  const auto part = format == PinFormat::with_pan ? pan_part(pan) : 0;
  if (!wanted || !part || block.size() != kDesBlock) return false;
  return (to_block(tdes_decrypt(KeyAccess::keys(key), load_block(block.data()))) ^ *part) == *wanted;
}

}  // namespace tollgate::crypto
