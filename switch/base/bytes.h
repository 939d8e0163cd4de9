// Bytes and how they are written: views, hex, big-endian integers, and a writer with a bound. No function here allocates
// unless it returns a container. Thread: any; nothing is shared.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tollgate {

using ByteView = std::span<const std::uint8_t>;
using MutableBytes = std::span<std::uint8_t>;
using Bytes = std::vector<std::uint8_t>;

[[nodiscard]] inline ByteView as_bytes(std::string_view s) noexcept {
  return {reinterpret_cast<const std::uint8_t*>(s.data()), s.size()};
}
[[nodiscard]] inline std::string_view as_text(ByteView b) noexcept {
  return {reinterpret_cast<const char*>(b.data()), b.size()};
}

// Upper-case hexadecimal, two digits a byte.
[[nodiscard]] std::string to_hex(ByteView bytes);
// Writes 2 * bytes.size() characters to out.
void write_hex(ByteView bytes, char* out) noexcept;
// Accepts both cases; nullopt on an odd count or another character.
[[nodiscard]] std::optional<Bytes> from_hex(std::string_view hex);

[[nodiscard]] inline std::uint16_t load_be16(const std::uint8_t* p) noexcept { return static_cast<std::uint16_t>(p[0] << 8 | p[1]); }
[[nodiscard]] inline std::uint32_t load_be32(const std::uint8_t* p) noexcept {
  std::uint32_t v;
  std::memcpy(&v, p, 4);
  return __builtin_bswap32(v);
}
[[nodiscard]] inline std::uint64_t load_be64(const std::uint8_t* p) noexcept {
  std::uint64_t v;
  std::memcpy(&v, p, 8);
  return __builtin_bswap64(v);
}
inline void store_be16(std::uint8_t* p, std::uint16_t v) noexcept {
  p[0] = static_cast<std::uint8_t>(v >> 8);
  p[1] = static_cast<std::uint8_t>(v);
}
inline void store_be32(std::uint8_t* p, std::uint32_t v) noexcept {
  v = __builtin_bswap32(v);
  std::memcpy(p, &v, 4);
}
inline void store_be64(std::uint8_t* p, std::uint64_t v) noexcept {
  v = __builtin_bswap64(v);
  std::memcpy(p, &v, 8);
}

// Writes into memory that the caller owns. Past the end nothing is written and overflowed() stays true.
class ByteWriter {
 public:
  explicit ByteWriter(MutableBytes out) noexcept : begin_(out.data()), at_(out.data()), end_(out.data() + out.size()) {}

  // Room for n bytes, or nullptr and overflow.
  [[nodiscard]] std::uint8_t* take(std::size_t n) noexcept {
    if (static_cast<std::size_t>(end_ - at_) < n) {
      overflowed_ = true;
      return nullptr;
    }
    auto* p = at_;
    at_ += n;
    return p;
  }
  void put(ByteView bytes) noexcept {
    if (auto* p = take(bytes.size()); p != nullptr && !bytes.empty()) std::memcpy(p, bytes.data(), bytes.size());
  }
  void put(std::uint8_t byte) noexcept {
    if (auto* p = take(1)) *p = byte;
  }
  [[nodiscard]] std::size_t size() const noexcept { return static_cast<std::size_t>(at_ - begin_); }
  [[nodiscard]] bool overflowed() const noexcept { return overflowed_; }
  [[nodiscard]] ByteView written() const noexcept { return {begin_, size()}; }

 private:
  std::uint8_t* begin_;
  std::uint8_t* at_;
  std::uint8_t* end_;
  bool overflowed_ = false;
};

}  // namespace tollgate
