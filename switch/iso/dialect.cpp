#include "switch/iso/dialect.h"

#include <algorithm>
#include <array>
#include <mutex>

#include "switch/base/check.h"
#include "switch/iso/builtin.h"
#include "switch/iso/packing.h"
#include "switch/iso/private_fields.h"

namespace tollgate::iso {
namespace {

// `count` characters of the canonical value from `offset` on, as a word; 0 when the value is shorter.
std::uint64_t characters(const MessageView& message, const KindIndex::Part& part) noexcept {
  const std::size_t end = std::size_t{part.offset} + part.count;
  if (message.length(part.field) < end) return 0;
  const FieldOp& op = message.dialect()->op(part.field);
  const ByteView raw = message.raw(part.field);
  std::array<char, 8> text{};
  switch (op.code) {
    case FieldOp::Code::bcd_right:
    case FieldOp::Code::bcd_left:
    case FieldOp::Code::track_bcd: {
      const std::size_t skip = op.code == FieldOp::Code::bcd_right ? message.length(part.field) % 2 : 0;
      for (std::size_t i = 0; i < part.count; ++i)
        text[i] = packing::nibble_char(raw.data(), part.offset + i + skip);
      break;
    }
    case FieldOp::Code::hex:
      packing::hex_to_bytes(raw.data() + 2 * part.offset, 2U * part.count,
                            reinterpret_cast<std::uint8_t*>(text.data()));
      break;
    default:
      std::memcpy(text.data(), raw.data() + part.offset, part.count);
  }
  return packing::load<8>(text.data());
}

std::uint64_t characters_of_tag(const MessageView& message, const KindIndex::Part& part) noexcept {
  const auto value = text_tlv(message, part.field, {part.tag.data(), part.tag.size()});
  if (!value || value->size() < std::size_t{part.offset} + part.count) return 0;
  std::uint64_t word = 0;
  std::memcpy(&word, value->data() + part.offset, part.count);
  return word;
}

// The parts that rows asked for so far; each is read from the message once.
class Parts {
 public:
  Parts(const KindIndex& index, const MessageView& message) noexcept : index_(index), message_(message) {}
  [[nodiscard]] std::uint64_t get(std::uint16_t i) noexcept {
    if ((known_ >> i & 1) == 0) {
      const auto& part = index_.parts[i];
      values_[i] = part.tag[0] == 0 ? characters(message_, part) : characters_of_tag(message_, part);
      known_ |= std::uint64_t{1} << i;
    }
    return values_[i];
  }

 private:
  const KindIndex& index_;
  const MessageView& message_;
  std::uint64_t known_ = 0;
  std::array<std::uint64_t, KindIndex::kPartsMax> values_;
};

bool holds(const FieldBits& fields, const FieldBits& all) noexcept {
  return (fields.primary() & all.primary()) == all.primary() &&
         (fields.secondary() & all.secondary()) == all.secondary();
}
bool meets(const FieldBits& fields, const FieldBits& some) noexcept {
  return ((fields.primary() & some.primary()) | (fields.secondary() & some.secondary())) != 0;
}

bool passes(const KindIndex& index, const KindIndex::Test& test, Parts& parts) noexcept {
  const std::uint64_t word = parts.get(test.part);
  if (word == 0) return false;
  for (std::size_t i = test.first; i < test.last; ++i) {
    if ((word & index.values[i].mask) == index.values[i].value) return true;
  }
  return false;
}

}  // namespace

int KindRow::missing(const MessageView& message) const noexcept {
  for (const auto field : required) {
    if (!message.has(field)) return field;
  }
  const bool any = std::ranges::any_of(required_any, [&](int field) { return message.has(field); });
  return any || required_any.empty() ? 0 : required_any.front();
}

const KindRow* Dialect::classify(const MessageView& message) const noexcept {
  const auto group = std::ranges::find(index_.groups, message.mti(), &KindIndex::Group::mti);
  if (group == index_.groups.end()) return nullptr;
  Parts parts(index_, message);
  for (std::size_t r = group->first; r < group->last; ++r) {
    const auto& row = index_.rows[r];
    if (!holds(message.fields(), row.present) || meets(message.fields(), row.absent)) continue;
    bool fits = true;
    for (std::size_t t = row.first; fits && t < row.last; ++t) fits = passes(index_, index_.tests[t], parts);
    if (fits) return &kinds_[row.row];
  }
  return nullptr;
}

int Dialect::mac_field(const FieldBits& fields) const noexcept {
  return mac_field_ == 64 && (fields.has(1) || fields.secondary() != 0) ? 128 : mac_field_;
}

std::shared_ptr<const Dialect> Dialect::without_envelope() const {
  std::shared_ptr<Dialect> copy(new Dialect(*this));
  copy->tpdu_size_ = 0;
  copy->header_size_ = 0;
  return copy;
}

std::span<const std::string_view> Dialect::builtin_names() noexcept {
  return builtin::kNames;
}

std::shared_ptr<const Dialect> Dialect::builtin(std::string_view name) {
  // Loaded once each and kept: the text is part of the binary, so a text that is refused is a defect of the
  // build.
  static std::mutex mutex;
  static std::array<std::shared_ptr<const Dialect>, std::size(builtin::kNames)> loaded;
  const std::scoped_lock lock(mutex);
  for (std::size_t i = 0; i < loaded.size(); ++i) {
    if (builtin::kNames[i] != name) continue;
    if (!loaded[i]) {
      auto dialect = load(builtin::kTexts[i], std::string(name) + ".toml");
      TG_CHECK(dialect.has_value());
      loaded[i] = *std::move(dialect);
    }
    return loaded[i];
  }
  return nullptr;
}

}  // namespace tollgate::iso
