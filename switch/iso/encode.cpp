// encode(): writes a builder's fields in bitmap order. What it writes, decode() accepts: the same sets,
// lengths and structures are checked on the way out.
#include <array>

#include "switch/iso/codec.h"
#include "switch/iso/packing.h"
#include "switch/iso/tlv.h"

namespace tollgate::iso {
namespace {

constexpr std::uint64_t kFirst = std::uint64_t{1} << 63;

// Whether a raw value described by one op may be written under another one.
bool same_bytes(const FieldOp& from, const FieldOp& to) noexcept {
  constexpr std::uint8_t kMatters = FieldOp::kEquals | FieldOp::kTlv;
  return from.code == to.code && ((from.flags ^ to.flags) & kMatters) == 0;
}

// 00 to 99 as two BCD digits and as two characters.
constexpr auto kPairs = [] {
  struct {
    std::array<std::uint8_t, 100> bcd{};
    std::array<std::array<std::uint8_t, 2>, 100> text{};
  } pairs;
  for (unsigned i = 0; i < 100; ++i) {
    pairs.bcd[i] = static_cast<std::uint8_t>(i / 10 << 4 | i % 10);
    pairs.text[i] = {static_cast<std::uint8_t>('0' + i / 10), static_cast<std::uint8_t>('0' + i % 10)};
  }
  return pairs;
}();

// Writes the length prefix; behind it.
std::uint8_t* put_length(const FieldOp& op, unsigned length, std::uint8_t* out) noexcept {
  if ((op.flags & FieldOp::kCountsHex) != 0) length *= 2;
  const unsigned low = length % 100, high = length / 100;
  if ((op.flags & FieldOp::kBcdLength) != 0) {
    if (op.prefix == 2) *out++ = kPairs.bcd[high];
    *out = kPairs.bcd[low];
    return out + 1;
  }
  if (op.prefix == 3) *out++ = kPairs.text[high][1];
  if (op.prefix == 4) {
    std::memcpy(out, kPairs.text[high].data(), 2);
    out += 2;
  }
  std::memcpy(out, kPairs.text[low].data(), 2);
  return out + 2;
}

}  // namespace

class Encoder {
 public:
  Encoder(const Dialect& dialect, const MessageBuilder& message, MutableBytes out) noexcept
      : dialect_(dialect),
        message_(message),
        begin_(out.data()),
        p_(out.data()),
        end_(out.data() + out.size()) {}

  [[nodiscard]] std::expected<ByteView, DecodeStatus> run() noexcept {
    if (!prefix() || !envelope() || !mti() || !bitmap()) return std::unexpected(status_);
    if (!fields(primary_ & ~kFirst, 0) || !fields(secondary_, 64)) return std::unexpected(status_);
    const std::size_t size = written() - prefix_size_;
    if (size > dialect_.framing().maximum)
      return std::unexpected(DecodeStatus{Refusal::too_large, 0, offset()});
    put_prefix(size);
    return ByteView(begin_, written());
  }

 private:
  [[nodiscard]] std::size_t written() const noexcept { return static_cast<std::size_t>(p_ - begin_); }
  [[nodiscard]] std::uint16_t offset() const noexcept {
    return static_cast<std::uint16_t>(written() < prefix_size_ ? 0 : written() - prefix_size_);
  }
  bool fail(Refusal refusal, int field) noexcept {
    status_ = {refusal, static_cast<std::uint8_t>(field), offset()};
    return false;
  }
  [[nodiscard]] bool room(std::size_t size) const noexcept {
    return static_cast<std::size_t>(end_ - p_) >= size;
  }

  bool prefix() noexcept {
    switch (dialect_.framing().prefix) {
      case Framing::Prefix::none:
        return true;
      case Framing::Prefix::binary2:
        prefix_size_ = 2;
        break;
      case Framing::Prefix::ascii4:
        prefix_size_ = 4;
        break;
    }
    if (!room(prefix_size_)) return fail(Refusal::too_large, 0);
    p_ += prefix_size_;
    return true;
  }

  void put_prefix(std::size_t size) noexcept {
    if (prefix_size_ == 2) store_be16(begin_, static_cast<std::uint16_t>(size));
    for (std::size_t i = 4; prefix_size_ == 4 && i-- > 0; size /= 10)
      begin_[i] = static_cast<std::uint8_t>('0' + size % 10);
  }

  bool put(ByteView bytes, std::size_t wanted, Refusal otherwise) noexcept {
    if (bytes.size() != wanted) return fail(otherwise, 0);
    if (!room(wanted)) return fail(Refusal::too_large, 0);
    if (wanted != 0) std::memcpy(p_, bytes.data(), wanted);
    p_ += wanted;
    return true;
  }

  bool envelope() noexcept {
    if (!put(message_.tpdu_, dialect_.tpdu_size(), Refusal::bad_tpdu)) return false;
    if (dialect_.tpdu_size() != 0 && message_.tpdu_[0] != 0x60) return fail(Refusal::bad_tpdu, 0);
    return put(message_.header_, dialect_.header_size(), Refusal::bad_header);
  }

  bool mti() noexcept {
    const unsigned bcd = message_.mti_.bcd;
    std::array<std::uint8_t, 2> packed{};
    store_be16(packed.data(), message_.mti_.bcd);
    if (!packing::bcd_ok(packed.data(), 2)) return fail(Refusal::bad_mti, 0);
    if (dialect_.bcd_mti()) return put(packed, 2, Refusal::bad_mti);
    const auto digit = [&](int shift) { return static_cast<std::uint8_t>('0' + (bcd >> shift & 15)); };
    const std::array<std::uint8_t, 4> text{digit(12), digit(8), digit(4), digit(0)};
    return put(text, 4, Refusal::bad_mti);
  }

  bool bitmap() noexcept {
    primary_ = message_.bits_.primary();
    secondary_ = message_.bits_.secondary();
    if (secondary_ != 0) primary_ |= kFirst;
    const bool both = (primary_ & kFirst) != 0;
    if (both && !dialect_.secondary_bitmap()) {
      return fail(Refusal::unknown_field, secondary_ == 0 ? 1 : 65 + std::countl_zero(secondary_));
    }
    if (message_.bitmap_dialect_ == &dialect_ && message_.bitmap_bits_ == message_.bits_) {
      return put(message_.bitmap_, message_.bitmap_.size(), Refusal::bad_bitmap);
    }
    std::array<std::uint8_t, 16> words{};
    store_be64(words.data(), primary_);
    store_be64(words.data() + 8, secondary_);
    const ByteView raw(words.data(), both ? 16 : 8);
    if (!dialect_.hex_bitmap()) return put(raw, raw.size(), Refusal::bad_bitmap);
    std::array<char, 32> text{};
    write_hex(raw, text.data());
    return put(as_bytes({text.data(), 2 * raw.size()}), 2 * raw.size(), Refusal::bad_bitmap);
  }

  // Position and bits travel in registers: kept in the object they would be reloaded after every byte that is
  // stored.
  bool fields(std::uint64_t bits, int base) noexcept {
    std::uint8_t* p = p_;
    const FieldOp* const ops = &dialect_.op(base);
    const MessageBuilder::Value* const values = &message_.values_[static_cast<std::size_t>(base)];
    while (bits != 0) {
      const int bit = std::countl_zero(bits);
      std::uint8_t* const behind = field(ops[bit + 1], values[bit + 1], p);
      if (behind == nullptr) [[unlikely]] {
        p_ = p;
        return fail(refused_, base + bit + 1);
      }
      p = behind;
      bits &= ~(kFirst >> bit);
    }
    p_ = p;
    return true;
  }

  std::uint8_t* refuse(Refusal refusal) noexcept {
    refused_ = refusal;
    return nullptr;
  }

  // Writes one field at p; behind it, or nullptr when it is refused.
  std::uint8_t* field(const FieldOp& op, const MessageBuilder::Value& value, std::uint8_t* p) noexcept {
    const std::size_t length = value.length;
    if (op.code == FieldOp::Code::none) return refuse(Refusal::unknown_field);
    if (length > op.maximum) return refuse(Refusal::too_long);
    std::size_t size = op.fixed_size;
    if (op.prefix != 0) {
      size = packing::raw_size(op.code, length);
    } else if (length != op.maximum) {
      return refuse(Refusal::missing_value);
    }
    if (static_cast<std::size_t>(end_ - p) < op.prefix + size) return refuse(Refusal::too_large);
    if (op.prefix != 0) p = put_length(op, static_cast<unsigned>(length), p);
    if (value.op != nullptr) return raw(op, value, size, p);
    if (!packing::pack(op.code, op.flags, value.data, length, p)) return refuse(Refusal::bad_character);
    if ((op.flags & FieldOp::kTlv) != 0 && !tlv(op, p, size, length)) return refuse(Refusal::bad_tlv);
    return p + size;
  }

  std::uint8_t* raw(const FieldOp& op, const MessageBuilder::Value& value, std::size_t size,
                    std::uint8_t* p) noexcept {
    if (same_bytes(*value.op, op)) {
      packing::copy(p, value.data, size);
      return p + size;
    }
    if (!convert(op, value, p)) return refuse(Refusal::bad_character);
    if ((op.flags & FieldOp::kTlv) != 0 && !tlv(op, p, size, value.length)) return refuse(Refusal::bad_tlv);
    return p + size;
  }

  // A raw value of another encoding, through its canonical form. Out of line: the buffer is large and the
  // case rare.
  [[gnu::noinline]] static bool convert(const FieldOp& op, const MessageBuilder::Value& value,
                                        std::uint8_t* at) noexcept {
    std::array<char, FieldOp::kLongest> canonical;
    packing::unpack(*value.op, reinterpret_cast<const std::uint8_t*>(value.data), value.length,
                    canonical.data());
    const bool packed = packing::pack(op.code, op.flags, canonical.data(), value.length, at);
    wipe(canonical.data(), value.length);
    return packed;
  }

  static bool tlv(const FieldOp& op, const std::uint8_t* at, std::size_t size, std::size_t length) noexcept {
    if (op.code != FieldOp::Code::hex) return !broken_tlv({at, size});
    std::array<std::uint8_t, FieldOp::kTlvMaximum> bytes;
    packing::hex_to_bytes(at, size, bytes.data());
    return !broken_tlv({bytes.data(), length});
  }

  const Dialect& dialect_;
  const MessageBuilder& message_;
  std::uint8_t* const begin_;
  std::uint8_t* p_;
  std::uint8_t* const end_;
  std::size_t prefix_size_ = 0;
  std::uint64_t primary_ = 0, secondary_ = 0;
  Refusal refused_ = Refusal::none;
  DecodeStatus status_;
};

std::expected<ByteView, DecodeStatus> encode(const Dialect& dialect, const MessageBuilder& message,
                                             MutableBytes out) noexcept {
  return Encoder(dialect, message, out).run();
}

}  // namespace tollgate::iso
