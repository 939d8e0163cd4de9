#include "switch/crypto/sealed_batch.h"

#include <algorithm>

#include "switch/base/check.h"
#include "switch/crypto/engine.h"
#include "switch/crypto/secret_bytes.h"

namespace tollgate::crypto {
namespace {

constexpr std::size_t kPanBytes = 10;                 // 19 digits in BCD
constexpr std::size_t kPairSize = 8 + 1 + kPanBytes;  // id, digits, BCD

bool digits_only(ByteView text) noexcept {
  return std::ranges::all_of(text, [](std::uint8_t c) { return c >= '0' && c <= '9'; });
}

void put_pair(const SealedPan& pair, std::uint8_t* out) noexcept {
  const auto pan = pair.pan.reveal().view();
  TG_CHECK(!pan.empty() && pan.size() <= 19 && digits_only(pan));
  store_be64(out, pair.id.raw());
  out[8] = static_cast<std::uint8_t>(pan.size());
  std::memset(out + 9, 0, kPanBytes);
  for (std::size_t i = 0; i < pan.size(); ++i)
    out[9 + i / 2] |= static_cast<std::uint8_t>((pan[i] - '0') << (i % 2 == 0 ? 4 : 0));
}

bool take_pair(const std::uint8_t* in, SealedPan& pair) noexcept {
  pair.id = TxnId(load_be64(in));
  auto& pan = pair.pan.reveal();
  pan.size = in[8];
  if (pan.size == 0 || pan.size > 19) return false;
  for (std::size_t i = 0; i < pan.size; ++i) {
    const auto nibble = in[9 + i / 2] >> (i % 2 == 0 ? 4 : 0) & 15;
    if (nibble > 9) return false;
    pan.bytes[i] = static_cast<std::uint8_t>('0' + nibble);
  }
  return true;
}

}  // namespace

struct DayKey::State {
  CipherContext context;
  std::uint8_t day[4];  // first part of the additional data
};

DayKey::DayKey(BusinessDate day, ByteView key) : day_(day), state_(std::make_unique<State>()) {
  state_->context = new_gcm_context(key);
  store_be32(state_->day, static_cast<std::uint32_t>(day.days));
}
DayKey::DayKey(DayKey&&) noexcept = default;
DayKey& DayKey::operator=(DayKey&&) noexcept = default;
DayKey::~DayKey() = default;

void DayKey::seal(std::string_view context, std::span<const SealedPan> pairs, Chance& chance,
                  Bytes& out) const {
  TG_CHECK(state_ != nullptr && pairs.size() <= kSealedBatchMax);
  const auto start = out.size();
  const auto clear_size = pairs.size() * kPairSize;
  // Room for everything first: clear pairs must not be left behind in a buffer that grew out of its place.
  out.resize(start + kGcmNonceSize + clear_size + kGcmTagSize);
  auto* nonce = out.data() + start;
  auto* body = nonce + kGcmNonceSize;
  chance.fill({nonce, kGcmNonceSize});
  auto* at = body;
  for (const auto& pair : pairs) {
    put_pair(pair, at);
    at += kPairSize;
  }
  gcm_seal(state_->context.get(),
           {{nonce, kGcmNonceSize}, state_->day, as_bytes(context), {body, clear_size}}, body);
}

Result<std::vector<SealedPan>> DayKey::open(std::string_view context, ByteView sealed) const {
  TG_CHECK(state_ != nullptr);
  const auto damaged = [] {
    return fail(ErrorCode::damaged, "a sealed batch does not open with this day's key here");
  };
  constexpr auto kAround = kGcmNonceSize + kGcmTagSize;
  if (sealed.size() < kAround || (sealed.size() - kAround) % kPairSize != 0) return damaged();
  SecretBytes clear(sealed.size() - kAround);
  if (clear.size() / kPairSize > kSealedBatchMax) return damaged();
  const GcmParts parts{sealed.first(kGcmNonceSize), state_->day, as_bytes(context),
                       sealed.subspan(kGcmNonceSize)};
  if (!gcm_open(state_->context.get(), parts, clear.reveal().data())) return damaged();
  std::vector<SealedPan> pairs(clear.size() / kPairSize);
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    if (!take_pair(clear.reveal().data() + i * kPairSize, pairs[i])) return damaged();
  }
  return pairs;
}

}  // namespace tollgate::crypto
