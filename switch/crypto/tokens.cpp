#include "switch/crypto/tokens.h"

#include "switch/base/check.h"
#include "switch/base/hash.h"

namespace tollgate::crypto {
namespace {

constexpr std::size_t kHalf = 32;

template <class Cut>
Cut cut(const Digest& digest) noexcept {
  Cut out;
  std::memcpy(out.bytes.data(), digest.data(), out.bytes.size());
  return out;
}

}  // namespace

struct PanTokenizer::Keys {
  explicit Keys(ByteView key) : tokens(key.first(kHalf)), digests(key.last(kHalf)) {}
  Hmac tokens, digests;
};

PanTokenizer::PanTokenizer(ByteView key) {
  TG_CHECK(key.size() == 2 * kHalf);
  keys_ = std::make_unique<const Keys>(key);
}
PanTokenizer::PanTokenizer(PanTokenizer&&) noexcept = default;
PanTokenizer& PanTokenizer::operator=(PanTokenizer&&) noexcept = default;
PanTokenizer::~PanTokenizer() = default;

PanToken PanTokenizer::token(std::string_view pan) const noexcept {
  return cut<PanToken>(keys_->tokens.of(as_bytes(pan)));
}

ContentDigest PanTokenizer::digest(ByteView content) const noexcept {
  return cut<ContentDigest>(keys_->digests.of(content));
}

}  // namespace tollgate::crypto
