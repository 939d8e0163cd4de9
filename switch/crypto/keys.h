// Key handles other than the MAC's (mac.h): terminal master key (TMK), PIN key of a terminal (PIK), PIN key
// of a zone towards a host, track key (TDK), and the set that a sign-in makes (cup-dialect 6 to 8).
//
// A handle is what the rest of the switch holds instead of a key. It has no way to its bytes, cannot be
// copied, compared or printed, and is wiped when it dies. Its type is its usage: what works with a PIK does
// not take a TDK. Handles come from KeyVault (vault.h) and, for published test keys, from lab.h. Owner:
// whoever keeps it. Thread: immutable after its making; a const handle may be read by several threads (a
// MacKey may not).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "switch/base/result.h"
#include "switch/base/sensitive.h"
#include "switch/crypto/mac.h"
#include "switch/crypto/secret_bytes.h"

namespace tollgate::crypto {

// Usage is part of the type, so that mixing them up does not compile.
template <class Usage>
class DesKeyHandle {
 public:
  DesKeyHandle(DesKeyHandle&&) noexcept = default;
  DesKeyHandle& operator=(DesKeyHandle&&) noexcept = default;
  bool operator==(const DesKeyHandle&) const = delete;

  [[nodiscard]] CheckValue check_value() const noexcept { return check_value_; }

 private:
  friend struct KeyAccess;
  DesKeyHandle() noexcept = default;

  KeyStorage<288> material_;  // two schedules, and the key itself where the vault must be able to seal it
  CheckValue check_value_;
};

using Tmk = DesKeyHandle<struct TmkUsage>;             // 16 bytes: enciphers working keys, nothing else
using PinKey = DesKeyHandle<struct PinUsage>;          // PIK, 8 or 16 bytes: terminal to switch
using ZonePinKey = DesKeyHandle<struct ZonePinUsage>;  // 16 bytes: switch to host
using TrackKey = DesKeyHandle<struct TrackUsage>;      // TDK, 16 bytes

// Field 60.3 of a sign-in request.
enum class SignInScheme : std::uint8_t {
  single_001,      // PIK 8, MAK 8: field 62 of 24 bytes
  double_003,      // PIK 16, MAK 8 (or 16): 40 bytes
  double_tdk_004,  // the same and TDK 16: 60 bytes
  sm4_005,         // known, refused: its layout is not confirmed (cup-dialect 7)
};
// From "001", "003", "004", "005"; nullopt for another.
[[nodiscard]] std::optional<SignInScheme> sign_in_scheme_of(std::string_view field_60_3) noexcept;

enum class Field62Layout : std::uint8_t {
  cup,      // blocks of 8, check values of 4
  chanjet,  // entries of 25: type (01 MAK, 02 PIK, 03 TDK), key 16, check value 8
};

// Field 62 of a sign-in reply: enciphered keys. Not for logs, though without the TMK it says nothing but
// check values.
using Field62 = Sensitive<SmallBuffer<100>>;

// What one sign-in gives a terminal. The generation (which only rises) belongs into the context of the sealed
// form.
struct WorkingKeys {
  SignInScheme scheme = SignInScheme::double_003;
  MacKey mac;
  PinKey pin;
  std::optional<TrackKey> track;
};

// The terminal's side: deciphers field 62 under the TMK and verifies every check value before any key is
// used. The length says the layout: 24, 40, 60 bytes, or Chanjet's entries of 25. `mac` is what the
// acquirer's profile says. Refuses (ErrorCode::invalid) another length and any check value that differs, with
// one text for all causes.
[[nodiscard]] Result<WorkingKeys> accept_field_62(const Tmk& tmk, ByteView field_62,
                                                  MacAlgorithm mac = MacAlgorithm::cup_ecb);

// Tracks (field 53, third digit 1): the 16 digits before the last (odd count) or the last two (even) are
// under the TDK. In place, over characters 0-9 and A-F. Gives the length of the clear track, which is shorter
// than the span when a track of fewer than 17 digits was filled with F on the left. nullopt, and the span
// wiped to zeros, when it is too short, has another character, or what comes out is no track (digits and D).
[[nodiscard]] std::optional<std::size_t> decrypt_track(const TrackKey& key, std::span<char> track) noexcept;

}  // namespace tollgate::crypto
