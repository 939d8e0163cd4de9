#include "switch/crypto/vault.h"

#include <algorithm>

#include "switch/base/check.h"
#include "switch/base/hash.h"
#include "switch/crypto/engine.h"
#include "switch/crypto/key_access.h"
#include "switch/crypto/working_keys.h"

namespace tollgate::crypto {
namespace {

constexpr std::uint8_t kCellVersion = 1;
constexpr std::size_t kCellAround = 1 + kGcmNonceSize + kGcmTagSize;
constexpr std::size_t kClearMax = 64 * 1024;
constexpr std::size_t kTokenizerKeySize = 64;

// First part of a cell's additional data. A key's cell does not open as a general secret, so KeyVault::open
// never gives out key bytes, whatever context its caller names.
enum class CellKind : std::uint8_t { general, tmk, zone_key, working_keys, tokenizer, day_key };

std::unexpected<Error> damaged(std::string_view context) {
  return fail(ErrorCode::damaged, "a sealed cell does not open here", std::string(context));
}

void fill_key(Chance& chance, std::size_t size, SmallBuffer<16>& key) {
  key.size = static_cast<std::uint16_t>(size);
  des_random_key(chance, MutableBytes(key.bytes).first(size));
}

}  // namespace

struct KeyVault::State {
  explicit State(ByteView from) : kek(from) {}

  // A context an operation: cells are opened at sign-in and start, and contexts are not for several threads.
  [[nodiscard]] Bytes seal(CellKind kind, std::string_view context, ByteView clear, Chance& chance) const {
    TG_CHECK(clear.size() <= kClearMax);
    Bytes cell(kCellAround + clear.size());
    cell[0] = kCellVersion;
    const MutableBytes nonce(cell.data() + 1, kGcmNonceSize);
    chance.fill(nonce);
    const std::uint8_t head[2] = {kCellVersion, static_cast<std::uint8_t>(kind)};
    const auto gcm = new_gcm_context(kek.reveal());
    gcm_seal(gcm.get(), {nonce, head, as_bytes(context), clear}, cell.data() + 1 + kGcmNonceSize);
    return cell;
  }

  [[nodiscard]] Result<SecretBytes> open(CellKind kind, std::string_view context, ByteView cell) const {
    if (cell.size() < kCellAround || cell.size() > kCellAround + kClearMax || cell[0] != kCellVersion)
      return damaged(context);
    SecretBytes clear(cell.size() - kCellAround);
    const std::uint8_t head[2] = {kCellVersion, static_cast<std::uint8_t>(kind)};
    const auto gcm = new_gcm_context(kek.reveal());
    const GcmParts parts{cell.subspan(1, kGcmNonceSize), head, as_bytes(context),
                         cell.subspan(1 + kGcmNonceSize)};
    std::uint8_t nothing = 0;  // an empty secret has no address
    auto* out = clear.size() == 0 ? &nothing : clear.reveal().data();
    if (!gcm_open(gcm.get(), parts, out)) return damaged(context);
    return clear;
  }

  [[nodiscard]] Result<SecretKeySet> open_key_set(std::string_view context, ByteView cell) const {
    const auto clear = open(CellKind::working_keys, context, cell);
    if (!clear) return std::unexpected(clear.error());
    auto set = unpack(clear->reveal());
    if (!set) return damaged(context);
    return std::move(*set);
  }

  SecretBytes kek;
};

KeyVault::KeyVault(ByteView kek) : state_(std::make_unique<const State>(kek)) {}
KeyVault::KeyVault(KeyVault&&) noexcept = default;
KeyVault& KeyVault::operator=(KeyVault&&) noexcept = default;
KeyVault::~KeyVault() = default;

KeyVault KeyVault::from_kek(ByteView kek) {
  TG_CHECK(kek.size() == 32);
  return KeyVault(kek);
}

Bytes KeyVault::seal(std::string_view context, ByteView clear, Chance& chance) const {
  return state_->seal(CellKind::general, context, clear, chance);
}

Result<SecretBytes> KeyVault::open(std::string_view context, ByteView cell) const {
  return state_->open(CellKind::general, context, cell);
}

CheckValue KeyVault::check_value() const noexcept {
  const auto digest = Hmac(state_->kek.reveal()).of(as_bytes("tollgate key-encrypting key"));
  CheckValue value;
  std::copy_n(digest.begin(), value.bytes.size(), value.bytes.begin());
  return value;
}

Bytes KeyVault::seal_tmk(std::string_view context, const Tmk& tmk, Chance& chance) const {
  return state_->seal(CellKind::tmk, context, KeyAccess::clear(tmk), chance);
}

Result<Tmk> KeyVault::open_tmk(std::string_view context, ByteView cell) const {
  const auto clear = state_->open(CellKind::tmk, context, cell);
  if (!clear) return std::unexpected(clear.error());
  if (clear->size() != 16) return damaged(context);
  return KeyAccess::make<TmkUsage>(clear->reveal(), KeyAccess::Keep::clear_too);
}

Bytes KeyVault::seal_zone_key(std::string_view context, const ZonePinKey& key, Chance& chance) const {
  return state_->seal(CellKind::zone_key, context, KeyAccess::clear(key), chance);
}

Result<ZonePinKey> KeyVault::open_zone_key(std::string_view context, ByteView cell) const {
  const auto clear = state_->open(CellKind::zone_key, context, cell);
  if (!clear) return std::unexpected(clear.error());
  if (clear->size() != 16) return damaged(context);
  return KeyAccess::make<ZonePinUsage>(clear->reveal(), KeyAccess::Keep::clear_too);
}

Result<SignIn> KeyVault::sign_in(const Tmk& tmk, const SignInRequest& request, std::string_view context,
                                 Chance& chance) const {
  SecretKeySet set;
  auto& keys = set.reveal();
  keys.scheme = request.scheme;
  keys.mac = request.mac;
  keys.layout = request.layout;
  if (request.mac == MacAlgorithm::cup_sm4 || request.scheme == SignInScheme::sm4_005)
    return fail(ErrorCode::invalid, "SM4 sign-in has no confirmed layout of field 62", "field 60.3");
  const bool single = request.scheme == SignInScheme::single_001;
  const bool chanjet = request.layout == Field62Layout::chanjet;
  if (single && (request.double_length_mak || chanjet))
    return fail(ErrorCode::invalid, "sign-in 001 has single-length keys only", "field 60.3");
  fill_key(chance, single ? 8 : 16, keys.pik);
  fill_key(chance, request.double_length_mak || chanjet ? 16 : 8, keys.mak);
  if (request.scheme == SignInScheme::double_tdk_004) fill_key(chance, 16, keys.tdk);
  auto sealed = seal_packed_keys(context, pack(set), chance);
  return SignIn{write_field_62(tmk, set), make_handles(set), std::move(sealed)};
}

Result<WorkingKeys> KeyVault::restore_working_keys(std::string_view context, ByteView cell) const {
  const auto set = state_->open_key_set(context, cell);
  if (!set) return std::unexpected(set.error());
  return make_handles(*set);
}

Result<Field62> KeyVault::field_62_again(const Tmk& tmk, std::string_view context, ByteView cell) const {
  const auto set = state_->open_key_set(context, cell);
  if (!set) return std::unexpected(set.error());
  return write_field_62(tmk, *set);
}

Bytes KeyVault::seal_packed_keys(std::string_view context, const SecretBytes& packed, Chance& chance) const {
  return state_->seal(CellKind::working_keys, context, packed.reveal(), chance);
}

Bytes KeyVault::create_tokenizer_key(std::string_view context, Chance& chance) const {
  SecretBytes key(kTokenizerKeySize);
  chance.fill(key.reveal());
  return state_->seal(CellKind::tokenizer, context, key.reveal(), chance);
}

Result<PanTokenizer> KeyVault::open_tokenizer(std::string_view context, ByteView cell) const {
  const auto clear = state_->open(CellKind::tokenizer, context, cell);
  if (!clear) return std::unexpected(clear.error());
  if (clear->size() != kTokenizerKeySize) return damaged(context);
  return PanTokenizer(clear->reveal());
}

NewDayKey KeyVault::create_day_key(BusinessDate day, Chance& chance) const {
  SecretBytes key(32);
  chance.fill(key.reveal());
  auto sealed = state_->seal(CellKind::day_key, format_date(day), key.reveal(), chance);
  return {DayKey(day, key.reveal()), std::move(sealed)};
}

Result<DayKey> KeyVault::open_day_key(BusinessDate day, ByteView cell) const {
  const auto context = format_date(day);
  const auto clear = state_->open(CellKind::day_key, context, cell);
  if (!clear) return std::unexpected(clear.error());
  if (clear->size() != 32) return damaged(context);
  return DayKey(day, clear->reveal());
}

}  // namespace tollgate::crypto
