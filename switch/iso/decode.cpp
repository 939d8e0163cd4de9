// decode(): one pass over the frame, one eight-byte FieldOp per field, no branch on the dialect's name.
#include "switch/iso/codec.h"
#include "switch/iso/packing.h"
#include "switch/iso/tlv.h"

namespace tollgate::iso {

class Decoder {
 public:
  Decoder(const Dialect& dialect, ByteView frame, MessageView& view) noexcept
      : dialect_(dialect),
        view_(view),
        begin_(frame.data()),
        p_(frame.data()),
        end_(frame.data() + frame.size()) {
    view_.dialect_ = &dialect;
    view_.frame_ = frame;
    view_.mti_ = {};
    view_.bits_ = {};
    view_.tpdu_ = view_.header_ = view_.bitmap_ = view_.body_ = {};
  }

  [[nodiscard]] DecodeStatus run() noexcept {
    if (left() > dialect_.framing().maximum)
      return refuse(Refusal::too_long, 0, begin_ + dialect_.framing().maximum);
    if (!envelope() || !mti() || !bitmap()) return status_;
    if (!fields(primary_ & ~kFirst, 0) || !fields(secondary_, 64)) return status_;
    view_.bits_.assign(primary_, secondary_);
    if (p_ != end_) return refuse(Refusal::trailing, 0, p_);
    return {};
  }

 private:
  static constexpr std::uint64_t kFirst = std::uint64_t{1} << 63;

  [[nodiscard]] std::size_t left() const noexcept { return static_cast<std::size_t>(end_ - p_); }
  [[nodiscard]] std::uint16_t offset(const std::uint8_t* at) const noexcept {
    return static_cast<std::uint16_t>(at - begin_);
  }
  DecodeStatus refuse(Refusal refusal, int field, const std::uint8_t* at) noexcept {
    status_ = {refusal, static_cast<std::uint8_t>(field), offset(at)};
    return status_;
  }
  bool fail(Refusal refusal, int field, const std::uint8_t* at) noexcept {
    refuse(refusal, field, at);
    return false;
  }

  bool envelope() noexcept {
    if (dialect_.tpdu_size() != 0) {
      if (left() != 0 && *p_ != 0x60) return fail(Refusal::bad_tpdu, 0, p_);
      if (!take(dialect_.tpdu_size(), view_.tpdu_)) return false;
    }
    // The header's twelve nibbles are free: terminals put letters of their program version there (cup
    // dialect, section 1).
    return dialect_.header_size() == 0 || take(dialect_.header_size(), view_.header_);
  }

  bool take(std::size_t size, MessageView::Slice& slice) noexcept {
    if (left() < size) return fail(Refusal::truncated, 0, end_);
    slice = {offset(p_), static_cast<std::uint16_t>(size)};
    p_ += size;
    return true;
  }

  bool mti() noexcept {
    view_.body_ = {offset(p_), static_cast<std::uint16_t>(left())};
    const std::size_t size = dialect_.bcd_mti() ? 2 : 4;
    if (left() < size) return fail(Refusal::truncated, 0, end_);
    if (dialect_.bcd_mti()) {
      if (!packing::bcd_ok(p_, 2)) return fail(Refusal::bad_mti, 0, p_);
      view_.mti_.bcd = load_be16(p_);
    } else {
      if (!packing::digits_ok(p_, 4)) return fail(Refusal::bad_mti, 0, p_);
      view_.mti_.bcd = static_cast<std::uint16_t>((p_[0] & 15) << 12 | (p_[1] & 15) << 8 | (p_[2] & 15) << 4 |
                                                  (p_[3] & 15));
    }
    p_ += size;
    return true;
  }

  bool bitmap() noexcept {
    const std::uint8_t* const start = p_;
    if (!bitmap_word(primary_)) return false;
    if ((primary_ & kFirst) != 0) {
      if (!dialect_.secondary_bitmap()) return fail(Refusal::bad_bitmap, 0, start);
      if (!bitmap_word(secondary_)) return false;
    }
    view_.bitmap_ = {offset(start), static_cast<std::uint16_t>(p_ - start)};
    return true;
  }

  bool bitmap_word(std::uint64_t& word) noexcept {
    const std::size_t size = dialect_.hex_bitmap() ? 16 : 8;
    if (left() < size) return fail(Refusal::truncated, 0, end_);
    if (dialect_.hex_bitmap()) {
      if (!packing::hex_ok(p_, 16)) {
        return fail(Refusal::bad_bitmap, 0, p_ + packing::first_bad(FieldOp::Code::hex, p_, 16, 8));
      }
      std::uint8_t bytes[8];
      packing::hex_to_bytes(p_, 16, bytes);
      word = load_be64(bytes);
    } else {
      word = load_be64(p_);
    }
    p_ += size;
    return true;
  }

  // The fields that `bits` names, bit 63 being field base + 1.
  bool fields(std::uint64_t bits, int base) noexcept {
    while (bits != 0) {
      const int bit = std::countl_zero(bits);
      const int number = base + bit + 1;
      if (!field(number)) [[unlikely]] {
        // What stands before this field was read; the caller may answer with it.
        const std::uint64_t before = ~(~std::uint64_t{0} >> bit);
        if (base == 0) {
          view_.bits_.assign(primary_ & ~kFirst & before, 0);
        } else {
          view_.bits_.assign(primary_, secondary_ & before);
        }
        return false;
      }
      bits &= ~(kFirst >> bit);
    }
    return true;
  }

  bool field(int number) noexcept {
    const FieldOp& op = dialect_.op(number);
    if (op.code == FieldOp::Code::none) return fail(Refusal::unknown_field, number, p_);
    std::size_t length = op.maximum;
    std::size_t size = op.fixed_size;
    if (op.prefix != 0) {
      if (!prefix(op, number, length)) return false;
      size = packing::raw_size(op.code, length);
    }
    if (left() < size) return fail(Refusal::truncated, number, end_);
    if (!packing::raw_ok(op.code, p_, size, length)) [[unlikely]] {
      return fail(Refusal::bad_character, number, p_ + packing::first_bad(op.code, p_, size, length));
    }
    if ((op.flags & FieldOp::kTlv) != 0 && !tlv(op, number, size, length)) return false;
    view_.at_[static_cast<std::size_t>(number)] = {offset(p_), static_cast<std::uint16_t>(size),
                                                   static_cast<std::uint16_t>(length)};
    p_ += size;
    return true;
  }

  bool prefix(const FieldOp& op, int number, std::size_t& length) noexcept {
    const std::uint8_t* const start = p_;
    if (left() < op.prefix) return fail(Refusal::truncated, number, end_);
    p_ += op.prefix;
    length = 0;
    if ((op.flags & FieldOp::kBcdLength) != 0) {
      if (!packing::bcd_ok(start, op.prefix)) return fail(Refusal::bad_length, number, start);
      for (const auto* q = start; q != p_; ++q) length = length * 100 + (*q >> 4) * 10U + (*q & 15U);
    } else {
      if (!packing::digits_ok(start, op.prefix)) return fail(Refusal::bad_length, number, start);
      for (const auto* q = start; q != p_; ++q) length = length * 10 + (*q & 15U);
    }
    if ((op.flags & FieldOp::kCountsHex) != 0) {
      if (length % 2 != 0) return fail(Refusal::bad_length, number, start);
      length /= 2;
    }
    return length <= op.maximum || fail(Refusal::too_long, number, start);
  }

  bool tlv(const FieldOp& op, int number, std::size_t size, std::size_t length) noexcept {
    if (op.code == FieldOp::Code::raw) {
      const auto broken = broken_tlv({p_, size});
      return !broken || fail(Refusal::bad_tlv, number, p_ + *broken);
    }
    std::uint8_t bytes[FieldOp::kTlvMaximum];
    packing::hex_to_bytes(p_, size, bytes);
    const auto broken = broken_tlv({bytes, length});
    return !broken || fail(Refusal::bad_tlv, number, p_ + 2 * *broken);
  }

  const Dialect& dialect_;
  MessageView& view_;
  const std::uint8_t* const begin_;
  const std::uint8_t* p_;
  const std::uint8_t* const end_;
  std::uint64_t primary_ = 0, secondary_ = 0;
  DecodeStatus status_;
};

DecodeStatus decode(const Dialect& dialect, ByteView frame, MessageView& view) noexcept {
  return Decoder(dialect, frame, view).run();
}

}  // namespace tollgate::iso
