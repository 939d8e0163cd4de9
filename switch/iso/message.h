// What a message is between bytes and business: MessageView reads one that was decoded, MessageBuilder
// collects one that will be encoded. Both speak *canonical values*: digits as ASCII digits without pad (track
// separator 'D'), text as text with its spaces, binary as bytes. Both know fields by number, 2 to 128; field
// 1 is the bitmap's own.
//
// MessageView owns nothing: it points into the frame that was decoded and dies with it. Neither type
// allocates. Thread: each belongs to its caller.
#pragma once

#include <array>
#include <bit>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "switch/base/bytes.h"
#include "switch/base/check.h"
#include "switch/base/sensitive.h"

namespace tollgate::iso {

class Dialect;
struct FieldOp;

inline constexpr int kFieldMax = 128;

// Message type: 0x0200 for 0200.
struct Mti {
  std::uint16_t bcd = 0;
  [[nodiscard]] constexpr Mti reply() const noexcept { return {static_cast<std::uint16_t>(bcd + 0x10)}; }
  friend constexpr bool operator==(Mti, Mti) noexcept = default;
};

class FieldBits {
 public:
  [[nodiscard]] constexpr bool has(int field) const noexcept {
    return (words_[field > 64] >> ((128 - field) & 63) & 1) != 0;
  }
  constexpr void set(int field) noexcept { words_[field > 64] |= std::uint64_t{1} << ((128 - field) & 63); }
  constexpr void clear(int field) noexcept {
    words_[field > 64] &= ~(std::uint64_t{1} << ((128 - field) & 63));
  }
  [[nodiscard]] constexpr std::uint64_t primary() const noexcept { return words_[0]; }    // bit 63 = field 1
  [[nodiscard]] constexpr std::uint64_t secondary() const noexcept { return words_[1]; }  // bit 63 = field 65
  constexpr void assign(std::uint64_t primary, std::uint64_t secondary) noexcept {
    words_ = {primary, secondary};
  }
  friend constexpr bool operator==(const FieldBits&, const FieldBits&) noexcept = default;

 private:
  std::array<std::uint64_t, 2> words_{};
};

class MessageView {
 public:
  MessageView() noexcept = default;
  // Of the places only those that can be in use: most messages have no field above 64.
  MessageView(const MessageView& other) noexcept { *this = other; }
  MessageView& operator=(const MessageView& other) noexcept {
    if (this == &other) return *this;
    dialect_ = other.dialect_;
    frame_ = other.frame_;
    tpdu_ = other.tpdu_;
    header_ = other.header_;
    bitmap_ = other.bitmap_;
    body_ = other.body_;
    mti_ = other.mti_;
    bits_ = other.bits_;
    std::memcpy(at_.data(), other.at_.data(), (bits_.secondary() == 0 ? 65 : at_.size()) * sizeof(Place));
    return *this;
  }
  [[nodiscard]] const Dialect* dialect() const noexcept { return dialect_; }
  [[nodiscard]] ByteView frame() const noexcept { return frame_; }       // what decode was given
  [[nodiscard]] ByteView tpdu() const noexcept { return slice(tpdu_); }  // empty where the dialect has none
  [[nodiscard]] ByteView header() const noexcept {
    return slice(header_);
  }  // empty where the dialect has none
  [[nodiscard]] Mti mti() const noexcept { return mti_; }
  [[nodiscard]] const FieldBits& fields() const noexcept { return bits_; }
  [[nodiscard]] bool has(int field) const noexcept { return bits_.has(field); }

  // The value as it stands in the frame, without its length prefix; empty when absent.
  [[nodiscard]] ByteView raw(int field) const noexcept {
    if (!bits_.has(field) || field < 2) return {};
    const Place at = at_[static_cast<std::size_t>(field)];
    return frame_.subspan(at.offset, at.size);
  }
  // Canonical length: digits, characters or bytes.
  [[nodiscard]] std::size_t length(int field) const noexcept {
    return bits_.has(field) && field >= 2 ? at_[static_cast<std::size_t>(field)].length : 0;
  }
  // Canonical value into out (digits, text or bytes); the part of out that was written. Empty when absent or
  // when out is too small. 37-digit tracks fit 37 bytes; the longest field of a dialect fits
  // Dialect::longest().
  std::string_view value(int field, std::span<char> out) const noexcept;
  // A digits-only field of at most 18 digits as a number; nullopt when absent or not digits.
  [[nodiscard]] std::optional<std::uint64_t> number(int field) const noexcept;
  // Whether the field is there and its canonical value equals text.
  [[nodiscard]] bool equals(int field, std::string_view text) const noexcept;
  // The bytes that a MAC covers: MTI up to, not including, the MAC field (64 or 128); the whole body when it
  // is absent.
  [[nodiscard]] ByteView mac_range() const noexcept;
  // The same view over a copy of the same frame, for callers that must keep a message longer than the read
  // buffer.
  void rebase(ByteView same_frame) noexcept { frame_ = same_frame; }

 private:
  friend class Decoder;
  friend class MessageBuilder;
  struct Slice {
    std::uint16_t offset = 0, size = 0;
  };
  struct alignas(8) Place {      // one store of the decoder
    std::uint16_t offset, size;  // of the raw value
    std::uint16_t length;        // canonical
  };
  [[nodiscard]] ByteView slice(Slice s) const noexcept { return frame_.subspan(s.offset, s.size); }

  const Dialect* dialect_ = nullptr;
  ByteView frame_;
  Slice tpdu_, header_, bitmap_, body_;
  Mti mti_;
  FieldBits bits_;
  // Valid where bits_ says so; never cleared, that would cost more than decoding.
  std::array<Place, kFieldMax + 1> at_;
};

// Collects a message in any order; encode() writes it in bitmap order. Values are referenced, not copied:
// what is given to set() must live until encode(); set_number and set_copy copy into a small store of the
// builder's own (512 bytes; more than that stops the process: a message of ours never needs it).
class MessageBuilder {
 public:
  MessageBuilder() noexcept { reset(); }
  ~MessageBuilder() { wipe(store_.data(), stored_); }  // card numbers among it
  MessageBuilder(const MessageBuilder&) = delete;  // values point into the store
  MessageBuilder& operator=(const MessageBuilder&) = delete;
  void reset() noexcept;

  void set_mti(Mti mti) noexcept { mti_ = mti; }
  void set_tpdu(ByteView tpdu) noexcept { tpdu_ = tpdu; }
  void set_header(ByteView header) noexcept { header_ = header; }
  void set(int field, std::string_view canonical) noexcept {
    hold(field, {canonical.data(), nullptr, clamp(canonical.size()), clamp(canonical.size())});
  }
  void set(int field, ByteView canonical) noexcept { set(field, as_text(canonical)); }
  template <std::same_as<std::string> S>
  void set(int field, S&& gone_before_encode) = delete;  // set_copy() is for those
  void set_copy(int field, std::string_view canonical) noexcept;
  void set_number(int field, std::uint64_t value, int digits) noexcept;  // zero-filled on the left
  // The field of another message, in whatever dialect that one is: same raw bytes where both encode it alike,
  // else through its canonical value. Nothing when it is absent there.
  void copy(int field, const MessageView& from) noexcept;
  // The whole of another message: MTI, TPDU, header and every field. Encoded in the dialect it was decoded
  // with, the result is the same bytes, the case of a hexadecimal bitmap included.
  void copy_all(const MessageView& from) noexcept;
  void clear(int field) noexcept { bits_.clear(field); }

  [[nodiscard]] bool has(int field) const noexcept { return bits_.has(field); }
  [[nodiscard]] const FieldBits& fields() const noexcept { return bits_; }
  [[nodiscard]] Mti mti() const noexcept { return mti_; }

 private:
  friend class Encoder;
  struct Value {
    const char* data;
    const FieldOp* op;     // null: canonical; else raw bytes as they stand in a message that op describes
    std::uint16_t size;    // bytes at data
    std::uint16_t length;  // canonical
  };
  // 65,535 is longer than any maximum, so that a size cut to it is still refused.
  static constexpr std::uint16_t clamp(std::size_t size) noexcept {
    return static_cast<std::uint16_t>(size > 0xFFFF ? 0xFFFF : size);
  }
  void hold(int field, const Value& value) noexcept {
    TG_CHECK(field >= 2 && field <= kFieldMax);
    bits_.set(field);
    values_[static_cast<std::size_t>(field)] = value;
  }
  [[nodiscard]] char* store(std::size_t size) noexcept;

  Mti mti_;
  ByteView tpdu_, header_;
  FieldBits bits_;
  // As it stood in the message of copy_all; used while the dialect and the bits are still the same.
  ByteView bitmap_;
  const Dialect* bitmap_dialect_ = nullptr;
  FieldBits bitmap_bits_;
  std::array<Value, kFieldMax + 1> values_;
  std::array<char, 512> store_;
  std::uint16_t stored_ = 0;
};

}  // namespace tollgate::iso
