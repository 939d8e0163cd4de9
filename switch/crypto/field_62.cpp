// Field 62 of a sign-in reply (cup-dialect 7): written for a terminal, read on the terminal's side.
#include <array>

#include "switch/crypto/key_access.h"
#include "switch/crypto/working_keys.h"

namespace tollgate::crypto {
namespace {

constexpr std::size_t kCheckSize = 4;
constexpr std::size_t kEntrySize = 25;  // Chanjet: type 1, key 16, check value 8
constexpr std::uint8_t kEntryMak = 1, kEntryPik = 2, kEntryTdk = 3;

std::array<std::uint8_t, kDesBlock> zero_block_under(ByteView key) noexcept {
  Sensitive<DesKeys> keys;
  des_prepare(key, keys.reveal());
  std::array<std::uint8_t, kDesBlock> block;
  store_block(block.data(), tdes_encrypt(keys.reveal(), 0));
  return block;
}

// The key under the TMK, zeros up to `room` (a single-length MAK in a place for 16), its check value.
void put_key(ByteWriter& out, const Tmk& tmk, ByteView key, std::size_t room,
             std::size_t check_size) noexcept {
  auto* place = out.take(room);
  TG_CHECK(place != nullptr && key.size() <= room);
  std::memset(place, 0, room);
  tdes_ecb(KeyAccess::keys(tmk), true, key, place);
  out.put(ByteView(zero_block_under(key)).first(check_size));
}

void put_entry(ByteWriter& out, const Tmk& tmk, std::uint8_t type, ByteView key) noexcept {
  out.put(type);
  put_key(out, tmk, key, 16, kDesBlock);
}

// Deciphers into key; false when the check value differs.
bool take_key(const Tmk& tmk, ByteView cipher, ByteView check, SmallBuffer<16>& key) noexcept {
  key.size = static_cast<std::uint16_t>(cipher.size());
  tdes_ecb(KeyAccess::keys(tmk), false, cipher, key.bytes.data());
  return equal_in_constant_time(ByteView(zero_block_under(key.view())).first(check.size()), check);
}

bool all_zero(ByteView bytes) noexcept {
  std::uint8_t any = 0;
  for (const auto byte : bytes) any |= byte;
  return any == 0;
}

bool read_cup(const Tmk& tmk, ByteView field, ClearKeySet& keys) noexcept {
  const bool single = field.size() == 24;
  const std::size_t room = single ? 8 : 16;
  const auto pik = field.first(room), pik_check = field.subspan(room, kCheckSize);
  auto mak = field.subspan(room + kCheckSize, room);
  const auto mak_check = field.subspan(2 * room + kCheckSize, kCheckSize);
  if (!single && all_zero(mak.last(8))) mak = mak.first(8);
  bool right = take_key(tmk, pik, pik_check, keys.pik);
  right = take_key(tmk, mak, mak_check, keys.mak) && right;
  keys.scheme = single ? SignInScheme::single_001 : SignInScheme::double_003;
  if (field.size() == 60) {
    keys.scheme = SignInScheme::double_tdk_004;
    right = take_key(tmk, field.subspan(40, 16), field.subspan(56, kCheckSize), keys.tdk) && right;
  }
  return right;
}

bool read_chanjet(const Tmk& tmk, ByteView field, ClearKeySet& keys) noexcept {
  bool right = true;
  for (; !field.empty(); field = field.subspan(kEntrySize)) {
    const auto type = field[0];
    // Type 00 would replace the master key through a message without a MAC: not here.
    auto* key = type == kEntryMak   ? &keys.mak
                : type == kEntryPik ? &keys.pik
                : type == kEntryTdk ? &keys.tdk
                                    : nullptr;
    if (key == nullptr || !key->empty()) return false;
    right = take_key(tmk, field.subspan(1, 16), field.subspan(17, kDesBlock), *key) && right;
  }
  keys.scheme = keys.tdk.empty() ? SignInScheme::double_003 : SignInScheme::double_tdk_004;
  return right;
}

}  // namespace

Field62 write_field_62(const Tmk& tmk, const SecretKeySet& set) noexcept {
  const auto& keys = set.reveal();
  Field62 field;
  if (keys.mac == MacAlgorithm::cup_sm4) return field;
  auto& buffer = field.reveal();
  ByteWriter out(buffer.bytes);
  if (keys.layout == Field62Layout::chanjet) {
    put_entry(out, tmk, kEntryMak, keys.mak.view());
    put_entry(out, tmk, kEntryPik, keys.pik.view());
    if (!keys.tdk.empty()) put_entry(out, tmk, kEntryTdk, keys.tdk.view());
  } else {
    const std::size_t room = keys.scheme == SignInScheme::single_001 ? 8 : 16;
    put_key(out, tmk, keys.pik.view(), room, kCheckSize);
    put_key(out, tmk, keys.mak.view(), room, kCheckSize);
    if (!keys.tdk.empty()) put_key(out, tmk, keys.tdk.view(), 16, kCheckSize);
  }
  TG_CHECK(!out.overflowed());
  buffer.size = static_cast<std::uint16_t>(out.size());
  return field;
}

std::optional<SecretKeySet> read_field_62(const Tmk& tmk, ByteView field, MacAlgorithm mac) noexcept {
  SecretKeySet set;
  auto& keys = set.reveal();
  keys.mac = mac;
  bool right = false;
  if (field.size() == 24 || field.size() == 40 || field.size() == 60) {
    right = read_cup(tmk, field, keys);
  } else if (field.size() == 2 * kEntrySize || field.size() == 3 * kEntrySize) {
    keys.layout = Field62Layout::chanjet;
    right = read_chanjet(tmk, field, keys);
  }
  if (!right || mac == MacAlgorithm::cup_sm4 || !consistent(keys)) return std::nullopt;
  return set;
}

}  // namespace tollgate::crypto
