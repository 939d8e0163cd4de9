// The wire form of a protobuf message, written and read without a message object: records of the hot path are
// written this way, entries and records are read where they lie. A key is number << 3 | type; then a varint
// (type 0), 8 bytes (1), a length and so many bytes (2), or 4 bytes (5).
//
// WireWriter writes what the library itself would, byte for byte, when its caller names the fields in
// ascending order: proto3 leaves out what has its default value, members of a repeated field and messages
// that are there are written even when they are empty. Its memory grows to the largest record and is kept.
// WireReader trusts nothing: it stops at the first byte that does not fit and says so.
//
// Thread: any; a writer or reader belongs to one. Neither looks at a schema: numbers and types are the
// caller's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>

namespace tollgate {

class WireWriter {
 public:
  // Where a message inside the message began.
  struct Mark {
    std::size_t offset = 0;
  };

  void clear() noexcept { size_ = 0; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  // Valid until the next write.
  [[nodiscard]] std::span<const std::uint8_t> bytes() const noexcept { return {store_.get(), size_}; }
  [[nodiscard]] std::string_view text() const noexcept {
    return {reinterpret_cast<const char*>(store_.get()), size_};
  }

  // uint32, uint64, enum. Left out when 0.
  void number(std::uint32_t field, std::uint64_t value) {
    if (value == 0) return;
    auto* at = varint(room(2 * kVarintMax), field << 3);
    size_ = static_cast<std::size_t>(varint(at, value) - store_.get());
  }
  // int32, int64: a negative one takes ten bytes.
  void integer(std::uint32_t field, std::int64_t value) { number(field, static_cast<std::uint64_t>(value)); }
  void flag(std::uint32_t field, bool value) { number(field, value ? 1 : 0); }
  // bytes, string. Left out when empty.
  void text(std::uint32_t field, std::string_view value) {
    if (!value.empty()) member(field, value);
  }
  void text(std::uint32_t field, std::span<const std::uint8_t> value) {
    text(field, {reinterpret_cast<const char*>(value.data()), value.size()});
  }
  // One of a repeated bytes or string.
  void member(std::uint32_t field, std::string_view value) {
    auto* at = varint(room(2 * kVarintMax + value.size()), field << 3 | 2);
    at = varint(at, value.size());
    if (!value.empty()) std::memcpy(at, value.data(), value.size());
    size_ = static_cast<std::size_t>(at - store_.get()) + value.size();
  }
  // A message, or the packed numbers of a repeated field: what is written until close() is inside.
  [[nodiscard]] Mark open(std::uint32_t field) {
    const auto* at = varint(room(2 * kVarintMax), field << 3 | 2);
    size_ = static_cast<std::size_t>(at - store_.get()) + 1;  // one byte for the length; most are short
    return {size_};
  }
  void close(Mark mark) {
    const auto length = size_ - mark.offset;
    if (length < 0x80) {
      store_[mark.offset - 1] = static_cast<std::uint8_t>(length);
    } else {
      close_long(mark.offset, length);
    }
  }
  // One of packed numbers.
  void packed(std::int64_t value) {
    size_ =
        static_cast<std::size_t>(varint(room(kVarintMax), static_cast<std::uint64_t>(value)) - store_.get());
  }

 private:
  static constexpr std::size_t kVarintMax = 10;

  [[nodiscard]] std::uint8_t* room(std::size_t bytes) {
    if (capacity_ - size_ < bytes) [[unlikely]]
      grow(bytes);
    return store_.get() + size_;
  }
  [[nodiscard]] static std::uint8_t* varint(std::uint8_t* at, std::uint64_t value) noexcept {
    while (value >= 0x80) {
      *at++ = static_cast<std::uint8_t>(value | 0x80);
      value >>= 7;
    }
    *at++ = static_cast<std::uint8_t>(value);
    return at;
  }
  [[gnu::noinline, gnu::cold]] void grow(std::size_t bytes) {
    const auto capacity = 2 * (size_ + bytes) + 512;
    auto fresh = std::make_unique_for_overwrite<std::uint8_t[]>(capacity);
    if (size_ != 0) std::memcpy(fresh.get(), store_.get(), size_);
    store_ = std::move(fresh);
    capacity_ = capacity;
  }
  // The body moves up for a longer length.
  [[gnu::noinline]] void close_long(std::size_t offset, std::size_t length) {
    std::uint8_t prefix[kVarintMax];
    const auto bytes = static_cast<std::size_t>(varint(prefix, length) - prefix);
    auto* const body = room(bytes - 1) - length;
    std::memmove(body + bytes - 1, body, length);
    std::memcpy(store_.get() + offset - 1, prefix, bytes);
    size_ += bytes - 1;
  }

  std::unique_ptr<std::uint8_t[]> store_;
  std::size_t size_ = 0, capacity_ = 0;
};

class WireReader {
 public:
  explicit WireReader(std::span<const std::uint8_t> bytes) noexcept
      : at_(bytes.data()), end_(bytes.data() + bytes.size()) {}

  // The next field; false at the end, and when the bytes are broken (ok() tells which).
  [[nodiscard]] bool next() noexcept {
    if (at_ == end_ || !ok_) return false;
    const auto key = varint();
    const auto type = key & 7;
    number_ = static_cast<std::uint32_t>(key >> 3);
    if (type == 2) {
      value_ = 0;
      bytes_ = take(varint());
    } else {
      value_ = type == 0 ? varint() : 0;
      bytes_ = {};
      if (type != 0) skip(type);
    }
    return ok_;
  }
  // The next of packed numbers, which are all that there is; false as with next().
  [[nodiscard]] bool next_packed() noexcept {
    if (at_ == end_ || !ok_) return false;
    value_ = varint();
    return ok_;
  }
  [[nodiscard]] bool ok() const noexcept { return ok_; }
  [[nodiscard]] bool at_end() const noexcept { return ok_ && at_ == end_; }
  [[nodiscard]] std::uint32_t number() const noexcept { return number_; }
  [[nodiscard]] std::uint64_t value() const noexcept { return value_; }  // of a varint, else 0
  [[nodiscard]] std::span<const std::uint8_t> bytes() const noexcept {
    return bytes_;
  }  // of a length and so many bytes, else none
  [[nodiscard]] std::string_view text() const noexcept {
    return {reinterpret_cast<const char*>(bytes_.data()), bytes_.size()};
  }

 private:
  [[nodiscard]] std::uint64_t varint() noexcept {
    if (at_ != end_ && *at_ < 0x80) [[likely]]
      return *at_++;
    return long_varint();
  }
  [[nodiscard, gnu::noinline]] std::uint64_t long_varint() noexcept {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 64 && at_ != end_; shift += 7) {
      const auto byte = *at_++;
      value |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
      if (byte < 0x80) return value;
    }
    ok_ = false;
    return 0;
  }
  [[gnu::noinline, gnu::cold]] void skip(std::uint64_t type) noexcept {
    if (type == 1 || type == 5)
      (void)take(type == 1 ? 8 : 4);
    else
      ok_ = false;
  }
  [[nodiscard]] std::span<const std::uint8_t> take(std::uint64_t size) noexcept {
    if (!ok_ || size > static_cast<std::uint64_t>(end_ - at_)) {
      ok_ = false;
      return {};
    }
    const std::span taken(at_, static_cast<std::size_t>(size));
    at_ += size;
    return taken;
  }

  const std::uint8_t* at_;
  const std::uint8_t* end_;
  bool ok_ = true;
  std::uint32_t number_ = 0;
  std::uint64_t value_ = 0;
  std::span<const std::uint8_t> bytes_;
};

}  // namespace tollgate
