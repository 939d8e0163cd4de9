// Field 64: message authentication codes of terminals (cup-dialect 8; security 3), with a key handle that is
// ready to use.
//
// A MacKey is the prepared state of one terminal's MAC key: key schedules, never the key's bytes. KeyVault
// makes it at sign-in and after a restart (vault.h); lab.h makes it from published test keys. Owner: the
// terminal's entry in its partition. Thread: one at a time (SM4 works in a context of the key). A call
// neither allocates, nor fetches an algorithm, nor fails: a moved-from handle is a mistake of ours and stops
// the process.
//
// The CUP MAC is weak by construction: its fold is unkeyed and linear, so some alterations leave it unchanged
// (tests/crypto keeps three). It does not protect an open line; TLS or a private line does.
//
// Cost on one core, 200 bytes: see README.md.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "switch/base/bytes.h"
#include "switch/crypto/secret_bytes.h"

namespace tollgate::crypto {

enum class MacAlgorithm : std::uint8_t {
  cup_ecb,  // XOR fold of 8, hex, E, XOR, E; first 8 hex characters. MAK of 8 bytes: DES; of 16: two-key TDES
            // both times
  cup_sm4,  // the same with 16-byte blocks and SM4; first 8 hex characters (cut disputed, cup-dialect 15)
  x919,  // ANSI X9.19 = ISO 9797-1 algorithm 3, zero padding; first 8 hex characters. MAK of 16 bytes, or 8
         // used twice
  chanjet,  // XOR fold of 8, one TDES block, 8 raw bytes
};

// The names of dialect files: "cup-ecb", "cup-sm4", "x9.19", "chanjet"; nullopt for another.
[[nodiscard]] std::optional<MacAlgorithm> mac_algorithm_of(std::string_view name) noexcept;
[[nodiscard]] std::string_view mac_algorithm_name(MacAlgorithm algorithm) noexcept;

inline constexpr std::size_t kField64Size = 8;

class MacKey {
 public:
  MacKey(MacKey&& other) noexcept;
  MacKey& operator=(MacKey&& other) noexcept;
  MacKey(const MacKey&) = delete;
  MacKey& operator=(const MacKey&) = delete;
  ~MacKey();
  bool operator==(const MacKey&) const = delete;

  [[nodiscard]] MacAlgorithm algorithm() const noexcept { return algorithm_; }
  [[nodiscard]] CheckValue check_value() const noexcept { return check_value_; }

 private:
  friend struct KeyAccess;
  MacKey() noexcept = default;

  KeyStorage<256> schedules_;  // two DES key schedules
  void* sm4_ = nullptr;        // OpenSSL's context, for SM4 only
  CheckValue check_value_;
  MacAlgorithm algorithm_ = MacAlgorithm::cup_ecb;
  bool ready_ = false;
  bool double_length_ = false;
};
static_assert(sizeof(MacKey) <= 512, "one is in memory for every terminal");

// The MAC over data (MTI to the field before 64), as field 64 carries it.
void mac_generate(const MacKey& key, ByteView data, std::span<std::uint8_t, kField64Size> out) noexcept;

// Whether field64 is the MAC over data. Compared in constant time; a wrong length is simply wrong. Lower-case
// hex is refused: terminals send upper case, and one MAC has one spelling.
[[nodiscard]] bool mac_verify(const MacKey& key, ByteView data, ByteView field64) noexcept;

}  // namespace tollgate::crypto
