#include "switch/crypto/keys.h"

#include <type_traits>

#include "switch/crypto/key_access.h"
#include "switch/crypto/working_keys.h"

namespace tollgate::crypto {
namespace {

constexpr std::uint8_t kPackVersion = 1;
constexpr std::size_t kPackSizeMax = 4 + 3 * (1 + 16);

bool take_buffer(ByteView& from, SmallBuffer<16>& to) noexcept {
  if (from.empty() || from[0] > 16 || from.size() < 1U + from[0]) return false;
  to.assign(from.subspan(1, from[0]));
  from = from.subspan(1U + from[0]);
  return true;
}

}  // namespace

std::optional<SignInScheme> sign_in_scheme_of(std::string_view field_60_3) noexcept {
  if (field_60_3 == "001") return SignInScheme::single_001;
  if (field_60_3 == "003") return SignInScheme::double_003;
  if (field_60_3 == "004") return SignInScheme::double_tdk_004;
  if (field_60_3 == "005") return SignInScheme::sm4_005;
  return std::nullopt;
}

bool consistent(const ClearKeySet& keys) noexcept {
  const auto mak = keys.mak.size;
  const bool mak_ok = mac_key_size_ok(keys.mac, mak) && (keys.layout == Field62Layout::cup || mak == 16);
  switch (keys.scheme) {
    case SignInScheme::single_001:
      return keys.layout == Field62Layout::cup && keys.pik.size == 8 && mak == 8 && mak_ok &&
             keys.tdk.empty();
    case SignInScheme::double_003:
      return keys.pik.size == 16 && mak_ok && keys.tdk.empty();
    case SignInScheme::double_tdk_004:
      return keys.pik.size == 16 && mak_ok && keys.tdk.size == 16;
    case SignInScheme::sm4_005:
      return false;
  }
  return false;
}

WorkingKeys make_handles(const SecretKeySet& set) {
  const auto& keys = set.reveal();
  TG_CHECK(consistent(keys));
  constexpr auto kKeep = KeyAccess::Keep::schedules_only;
  WorkingKeys handles{keys.scheme, KeyAccess::make_mac(keys.mac, keys.mak.view()),
                      KeyAccess::make<PinUsage>(keys.pik.view(), kKeep), std::nullopt};
  if (!keys.tdk.empty()) handles.track.emplace(KeyAccess::make<TrackUsage>(keys.tdk.view(), kKeep));
  return handles;
}

Result<WorkingKeys> accept_field_62(const Tmk& tmk, ByteView field_62, MacAlgorithm mac) {
  const auto keys = read_field_62(tmk, field_62, mac);
  if (!keys) return fail(ErrorCode::invalid, "no working keys under this master key", "field 62");
  return make_handles(*keys);
}

SecretBytes pack(const SecretKeySet& set) {
  const auto& keys = set.reveal();
  SecretBytes whole(4U + 3U + keys.pik.size + keys.mak.size + keys.tdk.size);
  ByteWriter out(whole.reveal());
  out.put(kPackVersion);
  out.put(static_cast<std::uint8_t>(keys.scheme));
  out.put(static_cast<std::uint8_t>(keys.mac));
  out.put(static_cast<std::uint8_t>(keys.layout));
  for (const auto* key : {&keys.pik, &keys.mak, &keys.tdk}) {
    out.put(static_cast<std::uint8_t>(key->size));
    out.put(key->view());
  }
  TG_CHECK(!out.overflowed() && out.size() == whole.size());
  return whole;
}

std::optional<SecretKeySet> unpack(ByteView packed) noexcept {
  if (packed.size() < 4 || packed.size() > kPackSizeMax || packed[0] != kPackVersion) return std::nullopt;
  if (packed[1] > static_cast<std::uint8_t>(SignInScheme::sm4_005)) return std::nullopt;
  if (packed[2] > static_cast<std::uint8_t>(MacAlgorithm::chanjet)) return std::nullopt;
  if (packed[3] > static_cast<std::uint8_t>(Field62Layout::chanjet)) return std::nullopt;
  SecretKeySet set;
  auto& keys = set.reveal();
  keys.scheme = static_cast<SignInScheme>(packed[1]);
  keys.mac = static_cast<MacAlgorithm>(packed[2]);
  keys.layout = static_cast<Field62Layout>(packed[3]);
  auto rest = packed.subspan(4);
  const bool whole = take_buffer(rest, keys.pik) && take_buffer(rest, keys.mak) &&
                     take_buffer(rest, keys.tdk) && rest.empty();
  if (!whole || !consistent(keys)) return std::nullopt;
  return set;
}

}  // namespace tollgate::crypto
