#include "switch/ledger/entry.h"

#include "switch/base/check.h"

namespace tollgate::ledger {

// Clear() would free the fee reference; its memory is kept.
void EntryBuilder::reset() {
  if (entry_.has_fee()) spare_fee_.reset(entry_.release_fee());
  entry_.Clear();
}

v1::FeeReference& EntryBuilder::fee() {
  if (!entry_.has_fee() && spare_fee_ != nullptr) {
    spare_fee_->Clear();
    entry_.set_allocated_fee(spare_fee_.release());
  }
  return *entry_.mutable_fee();
}

void EntryBuilder::add(Side side, Account account, std::string_view sub, std::int64_t amount_minor) {
  TG_CHECK(amount_minor >= 0);
  if (amount_minor == 0) return;
  auto* leg = entry_.add_legs();
  leg->set_account(account.value);
  leg->set_sub(sub.data(), sub.size());
  leg->set_credit(side == Side::credit);
  leg->set_amount_minor(amount_minor);
}

void EntryBuilder::credit_signed(Account account, std::string_view sub, std::int64_t amount_minor) {
  if (amount_minor >= 0)
    credit(account, sub, amount_minor);
  else
    debit(account, sub, -amount_minor);
}

void EntryBuilder::build(std::string& out) {
  TG_CHECK(broken_invariant(entry_).empty());
  TG_CHECK(entry_.SerializeToString(&out));
}

namespace {

// `legs` gives the number of legs; `leg(i)` one of them.
template <class Leg>
std::string_view broken(std::size_t legs, Leg&& leg) noexcept {
  if (legs < 2) return "fewer than two legs";
  Int128 sum = 0;
  const bool memo = is_memo({static_cast<std::uint16_t>(leg(0).account)});
  for (std::size_t i = 0; i < legs; ++i) {
    const LegView one = leg(i);
    if (!is_account(one.account)) return "not an account";
    if (one.amount_minor <= 0) return "a leg that is not above zero";
    if (is_memo({static_cast<std::uint16_t>(one.account)}) != memo)
      return "memo and real accounts in one entry";
    sum += one.credit ? -Int128{one.amount_minor} : Int128{one.amount_minor};
  }
  return sum == 0 ? std::string_view{} : "debits are not credits";
}

// The protobuf wire format: a key (number << 3 | type), then a varint (type 0), 8 bytes (1), a length and so
// many bytes (2), or 4 bytes (5). Reading stops at the first byte that does not fit.
class Wire {
 public:
  explicit Wire(ByteView bytes) : p_(bytes.data()), end_(bytes.data() + bytes.size()) {}

  // The next field; false at the end, and when the bytes are broken (ok() tells which).
  [[nodiscard]] bool next() {
    if (p_ == end_ || !ok_) return false;
    const auto key = varint();
    number_ = static_cast<std::uint32_t>(key >> 3);
    value_ = 0;
    text_ = {};
    switch (key & 7) {
      case 0:
        value_ = varint();
        break;
      case 1:
        take(8);
        break;
      case 2:
        text_ = take(varint());
        break;
      case 5:
        take(4);
        break;
      default:
        ok_ = false;
    }
    return ok_;
  }
  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] std::uint32_t number() const { return number_; }
  [[nodiscard]] std::uint64_t value() const { return value_; }
  [[nodiscard]] ByteView bytes() const { return text_; }

 private:
  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 64 && p_ != end_; shift += 7) {
      const auto byte = *p_++;
      value |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
      if (byte < 0x80) return value;
    }
    ok_ = false;
    return 0;
  }
  ByteView take(std::uint64_t size) {
    if (size > static_cast<std::uint64_t>(end_ - p_)) {
      ok_ = false;
      return {};
    }
    const ByteView taken(p_, static_cast<std::size_t>(size));
    p_ += size;
    return taken;
  }

  const std::uint8_t* p_;
  const std::uint8_t* end_;
  bool ok_ = true;
  std::uint32_t number_ = 0;
  std::uint64_t value_ = 0;
  ByteView text_;
};

bool parse_leg(ByteView bytes, LegView& leg) {
  Wire wire(bytes);
  while (wire.next()) {
    switch (wire.number()) {
      case v1::Leg::kAccountFieldNumber:
        leg.account = static_cast<std::uint32_t>(wire.value());
        break;
      case v1::Leg::kSubFieldNumber:
        leg.sub = as_text(wire.bytes());
        break;
      case v1::Leg::kCreditFieldNumber:
        leg.credit = wire.value() != 0;
        break;
      case v1::Leg::kAmountMinorFieldNumber:
        leg.amount_minor = static_cast<std::int64_t>(wire.value());
        break;
      default:
        break;
    }
  }
  return wire.ok();
}

}  // namespace

bool EntryView::parse(ByteView bytes) {
  seq = 0;
  currency = 0;
  legs.clear();
  Wire wire(bytes);
  while (wire.next()) {
    switch (wire.number()) {
      case v1::LedgerEntry::kSeqFieldNumber:
        seq = wire.value();
        break;
      case v1::LedgerEntry::kCurrencyFieldNumber:
        currency = static_cast<std::uint32_t>(wire.value());
        break;
      case v1::LedgerEntry::kLegsFieldNumber:
        if (!parse_leg(wire.bytes(), legs.emplace_back())) return false;
        break;
      default:
        break;
    }
  }
  return wire.ok();
}

std::string_view broken_invariant(const EntryView& entry) noexcept {
  return broken(entry.legs.size(), [&](std::size_t i) -> const LegView& { return entry.legs[i]; });
}

std::string_view broken_invariant(const v1::LedgerEntry& entry) noexcept {
  return broken(static_cast<std::size_t>(entry.legs_size()), [&](std::size_t i) {
    const auto& leg = entry.legs(static_cast<int>(i));
    return LegView{leg.account(), leg.sub(), leg.credit(), leg.amount_minor()};
  });
}

void mirror(const v1::LedgerEntry& original, EntryBuilder& out) {
  for (const auto& leg : original.legs())
    out.add(leg.credit() ? Side::debit : Side::credit, {static_cast<std::uint16_t>(leg.account())}, leg.sub(),
            leg.amount_minor());
}

}  // namespace tollgate::ledger
