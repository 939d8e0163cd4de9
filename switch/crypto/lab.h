// Lab only: published test keys in clear, clear PINs, and the terminal's and host's side of cryptography for
// simulators, demo and tests. A production estate has no clear key (api 8: lab_keys are refused outside lab);
// only sim/, tests/, the demo and the lab_keys import may include this file. Thread: any.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "switch/base/bytes.h"
#include "switch/base/chance.h"
#include "switch/base/result.h"
#include "switch/crypto/keys.h"
#include "switch/crypto/mac.h"
#include "switch/crypto/pin.h"
#include "switch/crypto/vault.h"

namespace tollgate::crypto {

// ErrorCode::invalid when the key has another length: TMK, zone, track 16; PIK 8 or 16; MAK by algorithm
// (cup_ecb, x919, chanjet 8 or 16; cup_sm4 16).
[[nodiscard]] Result<Tmk> import_clear_tmk(ByteView key);
[[nodiscard]] Result<PinKey> import_clear_pin_key(ByteView key);
[[nodiscard]] Result<ZonePinKey> import_clear_zone_key(ByteView key);
[[nodiscard]] Result<TrackKey> import_clear_track_key(ByteView key);
[[nodiscard]] Result<MacKey> import_clear_mac_key(MacAlgorithm algorithm, ByteView key);

// A key set of vectors/cup.json, as if a sign-in had made it: field 62 under the TMK, handles, sealed cell.
struct ClearWorkingKeys {
  ByteView pik, mak, tdk;  // tdk empty when there is none
  MacAlgorithm mac = MacAlgorithm::cup_ecb;
};
[[nodiscard]] Result<SignIn> import_clear_working_keys(const KeyVault& vault, const Tmk& tmk,
                                                       const ClearWorkingKeys& clear,
                                                       std::string_view context, Chance& chance);

// The terminal: field 52 from a PIN of 4 to 12 digits.
[[nodiscard]] Result<PinBlock> make_pin_block(const PinKey& key, PinFormat format, std::string_view pin,
                                              std::string_view pan);
// The host: whether a translated block holds this PIN.
[[nodiscard]] bool pin_block_holds(const ZonePinKey& key, PinFormat format, ByteView block,
                                   std::string_view pan, std::string_view pin) noexcept;
// The terminal: the track of field 35 or 36 with its 16 digits enciphered; the inverse of decrypt_track.
[[nodiscard]] Result<std::string> encrypt_track(const TrackKey& key, std::string_view track);

}  // namespace tollgate::crypto
