// Sensitive<T>: card numbers, PIN blocks, keys (reference "security", section 1). It cannot be printed: no
// stream, fmt or JSON operator exists for it (tests/base holds the compile failures). It is moved, not
// copied; wiped when it dies; compared in constant time only. What is inside is reached by reveal(), a word
// that a review can search for.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "switch/base/bytes.h"

namespace tollgate {

// Zeros that no compiler leaves out: the barrier says that somebody reads the memory. Inline, because a message wipes a
// dozen small places. A null pointer of no bytes is fine.
inline void wipe(void* memory, std::size_t size) noexcept {
  if (size == 0) return;
  std::memset(memory, 0, size);
  __asm__ __volatile__("" : : "r"(memory) : "memory");
}
[[nodiscard]] bool equal_in_constant_time(ByteView a, ByteView b) noexcept;  // lengths are public

template <class T>
requires std::is_trivially_copyable_v<T>
class Sensitive {
 public:
  Sensitive() noexcept = default;
  explicit Sensitive(const T& value) noexcept : value_(value) {}
  Sensitive(const Sensitive&) = delete;
  Sensitive& operator=(const Sensitive&) = delete;
  Sensitive(Sensitive&& other) noexcept : value_(other.value_) { wipe(&other.value_, sizeof(T)); }
  Sensitive& operator=(Sensitive&& other) noexcept {
    if (this != &other) {
      value_ = other.value_;
      wipe(&other.value_, sizeof(T));
    }
    return *this;
  }
  ~Sensitive() { wipe(&value_, sizeof(T)); }

  [[nodiscard]] const T& reveal() const noexcept { return value_; }
  [[nodiscard]] T& reveal() noexcept { return value_; }
  bool operator==(const Sensitive&) const = delete;

 private:
  T value_{};
};

// Memory that is wiped when it is given back: when a buffer grows, shrinks or dies. What is still inside is
// its owner's to wipe.
template <class T>
struct WipingAllocator {
  using value_type = T;
  WipingAllocator() noexcept = default;
  template <class U>
  WipingAllocator(const WipingAllocator<U>&) noexcept {
  }  // not explicit: conversions between element types are what allocators do
  [[nodiscard]] T* allocate(std::size_t n) { return std::allocator<T>().allocate(n); }
  void deallocate(T* memory, std::size_t n) noexcept {
    wipe(memory, n * sizeof(T));
    std::allocator<T>().deallocate(memory, n);
  }
  template <class U>
  friend bool operator==(const WipingAllocator&, const WipingAllocator<U>&) noexcept {
    return true;
  }
};
// Bytes of messages on their way: card data passes through.
using WipedBytes = std::vector<std::uint8_t, WipingAllocator<std::uint8_t>>;

// Up to N bytes of digits or key material, inline.
template <std::size_t N>
struct SmallBuffer {
  std::array<std::uint8_t, N> bytes{};
  std::uint16_t size = 0;

  void assign(ByteView from) noexcept {
    size = static_cast<std::uint16_t>(std::min(from.size(), N));
    if (size != 0) std::memcpy(bytes.data(), from.data(), size);
  }
  [[nodiscard]] ByteView view() const noexcept { return {bytes.data(), size}; }
  [[nodiscard]] std::string_view text() const noexcept { return as_text(view()); }
  [[nodiscard]] bool empty() const noexcept { return size == 0; }
};

using SecretPan = Sensitive<SmallBuffer<19>>;  // a full card number, digits

// The one format in which a card number is shown: first 6, last 4 ("622202*********0128"). What is not 13 to
// 19 digits is hidden whole. PCI FAQ 1091 and 1117: one truncation everywhere, at least 4 digits gone.
class MaskedPan {
 public:
  MaskedPan() noexcept = default;
  [[nodiscard]] static MaskedPan of(std::string_view pan) noexcept;
  [[nodiscard]] std::string_view text() const noexcept { return {text_.data(), size_}; }

 private:
  std::array<char, 19> text_{};
  std::uint8_t size_ = 0;
};

}  // namespace tollgate
