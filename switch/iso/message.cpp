#include "switch/iso/message.h"

#include <cstring>

#include "switch/iso/dialect.h"
#include "switch/iso/packing.h"

namespace tollgate::iso {

std::string_view MessageView::value(int field, std::span<char> out) const noexcept {
  if (!bits_.has(field) || field < 2) return {};
  const Place at = at_[static_cast<std::size_t>(field)];
  if (out.size() < at.length) return {};
  packing::unpack(dialect_->op(field), frame_.data() + at.offset, at.length, out.data());
  return {out.data(), at.length};
}

std::optional<std::uint64_t> MessageView::number(int field) const noexcept {
  if (!bits_.has(field) || field < 2) return std::nullopt;
  if (dialect_->op(field).code ==
      FieldOp::Code::bcd_right) {  // most numbers; the decoder has checked the nibbles
    const Place at = at_[static_cast<std::size_t>(field)];
    if (at.length == 0 || at.length > 18) return std::nullopt;
    std::uint64_t result = 0;
    for (const std::uint8_t byte : frame_.subspan(at.offset, at.size))
      result = result * 100 + (byte >> 4) * 10U + (byte & 15U);
    return result;
  }
  std::array<char, 18> text;
  const std::size_t size = length(field);
  if (size == 0 || size > text.size()) return std::nullopt;
  std::uint64_t result = 0;
  for (const char c : value(field, text)) {
    if (c < '0' || c > '9') return std::nullopt;
    result = result * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return result;
}

bool MessageView::equals(int field, std::string_view text) const noexcept {
  if (!bits_.has(field) || field < 2 || length(field) != text.size()) return false;
  const FieldOp& op = dialect_->op(field);
  const ByteView bytes = raw(field);
  switch (op.code) {
    case FieldOp::Code::ascii_digits:
    case FieldOp::Code::text:
    case FieldOp::Code::raw:
      return as_text(bytes) == text;
    case FieldOp::Code::bcd_right:
    case FieldOp::Code::bcd_left:
    case FieldOp::Code::track_bcd: {
      const std::size_t skip = op.code == FieldOp::Code::bcd_right ? text.size() % 2 : 0;
      for (std::size_t i = 0; i < text.size(); ++i) {
        if (packing::nibble_char(bytes.data(), i + skip) != text[i]) return false;
      }
      return true;
    }
    default:
      break;
  }
  for (std::size_t i = 0; i < text.size(); ++i) {
    char one = 0;
    packing::unpack(op, bytes.data() + packing::raw_size(op.code, i), 1, &one);
    if (one != text[i]) return false;
  }
  return true;
}

ByteView MessageView::mac_range() const noexcept {
  const ByteView body = slice(body_);
  const int field = dialect_ == nullptr ? 0 : dialect_->mac_field(bits_);
  if (field == 0 || !bits_.has(field)) return body;
  return body.first(static_cast<std::size_t>(at_[static_cast<std::size_t>(field)].offset - body_.offset));
}

void MessageBuilder::reset() noexcept {
  mti_ = {};
  tpdu_ = header_ = bitmap_ = {};
  bits_ = {};
  bitmap_dialect_ = nullptr;
  wipe(store_.data(), stored_);
  stored_ = 0;
}

char* MessageBuilder::store(std::size_t size) noexcept {
  TG_CHECK(size <= store_.size() - stored_);
  char* const at = store_.data() + stored_;
  stored_ = static_cast<std::uint16_t>(stored_ + size);
  return at;
}

void MessageBuilder::set_copy(int field, std::string_view canonical) noexcept {
  char* const at = store(canonical.size());
  if (!canonical.empty()) std::memcpy(at, canonical.data(), canonical.size());
  set(field, std::string_view(at, canonical.size()));
}

void MessageBuilder::set_number(int field, std::uint64_t value, int digits) noexcept {
  TG_CHECK(digits > 0 && digits <= 20);
  char* const at = store(static_cast<std::size_t>(digits));
  for (int i = digits; i-- > 0; value /= 10) at[i] = static_cast<char>('0' + value % 10);
  TG_CHECK(value == 0);  // a number cut on the left would be another number
  set(field, std::string_view(at, static_cast<std::size_t>(digits)));
}

void MessageBuilder::copy(int field, const MessageView& from) noexcept {
  if (field < 2 || field > kFieldMax || !from.has(field)) return;
  const auto at = from.at_[static_cast<std::size_t>(field)];
  const auto* data = reinterpret_cast<const char*>(from.frame_.data() + at.offset);
  hold(field, {data, &from.dialect_->op(field), at.size, at.length});
}

void MessageBuilder::copy_all(const MessageView& from) noexcept {
  mti_ = from.mti();
  tpdu_ = from.tpdu();
  header_ = from.header();
  for (int field = 2; field <= kFieldMax; ++field) copy(field, from);
  if (from.has(1)) bits_.set(1);  // a secondary bitmap that names nothing
  bitmap_ = from.slice(from.bitmap_);
  bitmap_dialect_ = from.dialect();
  bitmap_bits_ = from.fields();
}

}  // namespace tollgate::iso
