// Secret memory of the crypto module: SecretBytes, what a vault cell holds when it is open, and KeyStorage,
// the room inside a key handle. Both are moved, never copied; wiped when they die and when they are moved
// from; neither can be printed or compared. Owner: whoever holds the object. Thread: one at a time.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "switch/base/bytes.h"
#include "switch/base/sensitive.h"

namespace tollgate::crypto {

// Bytes of a length that is known when they are made; it never grows, so no wiped-too-late copy stays in the
// heap.
class SecretBytes {
 public:
  SecretBytes() noexcept = default;
  explicit SecretBytes(std::size_t size) : bytes_(size) {}
  explicit SecretBytes(ByteView from) : bytes_(from.begin(), from.end()) {}
  SecretBytes(const SecretBytes&) = delete;
  SecretBytes& operator=(const SecretBytes&) = delete;
  SecretBytes(SecretBytes&& other) noexcept { bytes_.swap(other.bytes_); }
  SecretBytes& operator=(SecretBytes&& other) noexcept {
    bytes_.swap(other.bytes_);
    return *this;
  }
  ~SecretBytes() {
    if (!bytes_.empty()) wipe(bytes_.data(), bytes_.size());
  }
  bool operator==(const SecretBytes&) const = delete;

  [[nodiscard]] ByteView reveal() const noexcept { return bytes_; }
  [[nodiscard]] MutableBytes reveal() noexcept { return bytes_; }
  [[nodiscard]] std::size_t size() const noexcept { return bytes_.size(); }

 private:
  Bytes bytes_;
};

// The first four bytes of a zero block under a key (cup-dialect 8, "KCV"). Public by design: the one thing of
// a key that may be shown, logged and compared.
struct CheckValue {
  std::array<std::uint8_t, 4> bytes{};
  friend bool operator==(const CheckValue&, const CheckValue&) noexcept = default;
  [[nodiscard]] std::string hex() const { return to_hex(bytes); }
};

struct KeyAccess;  // the one friend of every handle; defined inside the module (key_access.h), for its own
                   // files only

// Room for prepared key material inside a handle. Only KeyAccess looks inside.
template <std::size_t N>
class KeyStorage {
 public:
  KeyStorage() noexcept = default;
  KeyStorage(const KeyStorage&) = delete;
  KeyStorage& operator=(const KeyStorage&) = delete;
  KeyStorage(KeyStorage&& other) noexcept : bytes_(other.bytes_) { wipe(other.bytes_.data(), N); }
  KeyStorage& operator=(KeyStorage&& other) noexcept {
    if (this != &other) {
      bytes_ = other.bytes_;
      wipe(other.bytes_.data(), N);
    }
    return *this;
  }
  ~KeyStorage() { wipe(bytes_.data(), N); }
  bool operator==(const KeyStorage&) const = delete;

 private:
  friend struct KeyAccess;
  alignas(16) std::array<std::uint8_t, N> bytes_{};
};

}  // namespace tollgate::crypto
