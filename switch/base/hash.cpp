// OpenSSL's SHA256_* calls are deprecated since 3.0 in favour of EVP, whose fetch and context cost more than a short hash;
// they take the same SHA-NI code. Measured in bench/base.cpp.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "switch/base/hash.h"

#include <openssl/sha.h>

#include <new>

#include "switch/base/sensitive.h"

namespace tollgate {
namespace {
SHA256_CTX* context(std::array<std::uint8_t, 112>& state) noexcept { return std::launder(reinterpret_cast<SHA256_CTX*>(state.data())); }
}  // namespace

Sha256::Sha256() noexcept {
  static_assert(sizeof(SHA256_CTX) <= sizeof state_);
  SHA256_Init(new (state_.data()) SHA256_CTX);
}

void Sha256::update(ByteView bytes) noexcept { SHA256_Update(context(state_), bytes.data(), bytes.size()); }

Digest Sha256::finish() noexcept {
  Digest digest;
  SHA256_Final(digest.data(), context(state_));
  return digest;
}

Digest Sha256::of(ByteView bytes) noexcept {
  Sha256 hash;
  hash.update(bytes);
  return hash.finish();
}

Digest Sha256::of(ByteView first, ByteView second) noexcept {
  Sha256 hash;
  hash.update(first);
  hash.update(second);
  return hash.finish();
}

Hmac::Hmac(ByteView key) noexcept {
  std::array<std::uint8_t, 64> block{};
  if (key.size() > block.size()) {
    const auto digest = Sha256::of(key);
    std::copy(digest.begin(), digest.end(), block.begin());
  } else {
    std::copy(key.begin(), key.end(), block.begin());
  }
  for (auto& b : block) b ^= 0x36;
  inner_.update(block);
  for (auto& b : block) b ^= 0x36 ^ 0x5c;
  outer_.update(block);
  wipe(block.data(), block.size());
}

Hmac::~Hmac() {
  wipe(&inner_, sizeof inner_);
  wipe(&outer_, sizeof outer_);
}

Digest Hmac::of(ByteView first, ByteView second) const noexcept {
  Sha256 inner = inner_;
  inner.update(first);
  inner.update(second);
  const auto digest = inner.finish();
  Sha256 outer = outer_;
  outer.update(digest);
  return outer.finish();
}

}  // namespace tollgate
