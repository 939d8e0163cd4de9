// SHA-256, and HMAC-SHA-256 with the key's state prepared once. Used for the chains of the journal and the ledger, for
// content digests and for card tokens. SHA-256: FIPS 180-4; HMAC: RFC 2104. Thread: a Hmac is immutable after its
// construction and may be shared; a Sha256 belongs to its caller.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "switch/base/bytes.h"

namespace tollgate {

using Digest = std::array<std::uint8_t, 32>;

class Sha256 {
 public:
  Sha256() noexcept;
  void update(ByteView bytes) noexcept;
  [[nodiscard]] Digest finish() noexcept;  // once

  [[nodiscard]] static Digest of(ByteView bytes) noexcept;
  [[nodiscard]] static Digest of(ByteView first, ByteView second) noexcept;  // of the two joined

 private:
  alignas(8) std::array<std::uint8_t, 112> state_;
};

class Hmac {
 public:
  explicit Hmac(ByteView key) noexcept;
  ~Hmac();
  Hmac(const Hmac&) = delete;
  Hmac& operator=(const Hmac&) = delete;
  [[nodiscard]] Digest of(ByteView first, ByteView second = {}) const noexcept;

 private:
  Sha256 inner_, outer_;
};

}  // namespace tollgate
