// Card tokens and content digests: what the journal and its indexes keep instead of a card number or a
// message (security 1; DESIGN P8). Both are HMAC-SHA-256 cut to 16 bytes, each under a key of its own:
// without the key nobody can try card numbers against a stored token. The same PAN gives the same token for
// the life of the store.
//
// Owner: the composition root; the key is a vault cell (KeyVault::open_tokenizer). Thread: immutable, shared
// by all.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <string_view>

#include "switch/base/bytes.h"

namespace tollgate::crypto {

struct PanToken {
  std::array<std::uint8_t, 16> bytes{};
  friend auto operator<=>(const PanToken&, const PanToken&) noexcept = default;
};

struct ContentDigest {
  std::array<std::uint8_t, 16> bytes{};
  friend auto operator<=>(const ContentDigest&, const ContentDigest&) noexcept = default;
};

class PanTokenizer {
 public:
  // 64 bytes: 32 for tokens, 32 for digests. Another size stops the process.
  explicit PanTokenizer(ByteView key);
  PanTokenizer(PanTokenizer&&) noexcept;
  PanTokenizer& operator=(PanTokenizer&&) noexcept;
  ~PanTokenizer();

  // Of the digits of a PAN.
  [[nodiscard]] PanToken token(std::string_view pan) const noexcept;
  // Of what a repeat must equal: MTI to the field before 64.
  [[nodiscard]] ContentDigest digest(ByteView content) const noexcept;

 private:
  struct Keys;
  std::unique_ptr<const Keys> keys_;
};

}  // namespace tollgate::crypto

template <>
struct std::hash<tollgate::crypto::PanToken> {
  std::size_t operator()(const tollgate::crypto::PanToken& token) const noexcept {
    std::size_t value;  // already uniform
    std::memcpy(&value, token.bytes.data(), sizeof value);
    return value;
  }
};
template <>
struct std::hash<tollgate::crypto::ContentDigest> {
  std::size_t operator()(const tollgate::crypto::ContentDigest& digest) const noexcept {
    std::size_t value;
    std::memcpy(&value, digest.bytes.data(), sizeof value);
    return value;
  }
};
