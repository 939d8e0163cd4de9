#include "switch/ledger/entry.h"

#include "proto/records.h"
#include "switch/base/check.h"

namespace tollgate::ledger {
namespace {

// `legs` gives the number of legs; `leg(i)` one of them.
template <class Leg>
std::string_view broken(std::size_t legs, Leg&& leg) noexcept {
  if (legs < 2) return "fewer than two legs";
  Int128 sum = 0;
  const bool memo = is_memo({static_cast<std::uint16_t>(leg(0).account)});
  for (std::size_t i = 0; i < legs; ++i) {
    const LegView& one = leg(i);
    if (!is_account(one.account)) return "not an account";
    if (one.amount_minor <= 0) return "a leg that is not above zero";
    if (is_memo({static_cast<std::uint16_t>(one.account)}) != memo)
      return "memo and real accounts in one entry";
    sum += one.credit ? -Int128{one.amount_minor} : Int128{one.amount_minor};
  }
  return sum == 0 ? std::string_view{} : "debits are not credits";
}

// Each entry knows how many legs it has; where they lie changes while they grow.
void hand_out(std::span<const LegView> legs, std::span<EntryView> entries) noexcept {
  for (auto& entry : entries) {
    entry.legs = legs.first(entry.legs.size());
    legs = legs.subspan(entry.legs.size());
  }
}

}  // namespace

void EntryBuilder::reset() noexcept {
  out_.clear();
  legs_.clear();
  sub_ends_.clear();
  first_leg_ = 0;
  built_.clear();
  ends_.clear();
  facts_ = {};
}

void EntryBuilder::begin(const EntryFacts& facts) {
  TG_CHECK(empty());  // the one before was built
  facts_ = facts;
}

// With the first leg, so that an entry that stays empty costs nothing.
void EntryBuilder::write_head() {
  out_.number(v1::LedgerEntry::kPartitionFieldNumber, facts_.partition.value);
  out_.number(v1::LedgerEntry::kSeqFieldNumber, facts_.seq.value);
  out_.number(v1::LedgerEntry::kIdFieldNumber, facts_.id.raw());
  out_.integer(v1::LedgerEntry::kAtUsFieldNumber, facts_.at.us);
  out_.integer(v1::LedgerEntry::kBusinessDateFieldNumber, facts_.business_date.days);
  out_.text(v1::LedgerEntry::kTypeFieldNumber, facts_.type);
  out_.number(v1::LedgerEntry::kTxnFieldNumber, facts_.txn.raw());
  out_.text(v1::LedgerEntry::kTidFieldNumber, facts_.tid);
  out_.text(v1::LedgerEntry::kMerchantCodeFieldNumber, facts_.merchant_code);
  out_.number(v1::LedgerEntry::kStanFieldNumber, facts_.stan);
  out_.number(v1::LedgerEntry::kRrnFieldNumber, facts_.rrn);
  out_.number(v1::LedgerEntry::kCurrencyFieldNumber, facts_.currency.number);
}

void EntryBuilder::write_tail() {
  if (facts_.fee) {
    const auto fee = out_.open(v1::LedgerEntry::kFeeFieldNumber);
    out_.text(v1::FeeReference::kScheduleFieldNumber, facts_.fee->schedule);
    out_.number(v1::FeeReference::kVersionFieldNumber, facts_.fee->version);
    out_.text(v1::FeeReference::kRuleFieldNumber, facts_.fee->rule);
    out_.text(v1::FeeReference::kHashFieldNumber, facts_.fee->hash);
    out_.close(fee);
  }
  out_.number(v1::LedgerEntry::kMirrorsFieldNumber, facts_.mirrors.value);
}

void EntryBuilder::add(Side side, Account account, std::string_view sub, std::int64_t amount_minor) {
  TG_CHECK(amount_minor >= 0);
  if (amount_minor == 0) return;
  if (empty()) write_head();
  const bool credit = side == Side::credit;
  const auto leg = out_.open(v1::LedgerEntry::kLegsFieldNumber);
  out_.number(v1::Leg::kAccountFieldNumber, account.value);
  out_.text(v1::Leg::kSubFieldNumber, sub);
  const auto sub_end = out_.size();
  out_.flag(v1::Leg::kCreditFieldNumber, credit);
  out_.integer(v1::Leg::kAmountMinorFieldNumber, amount_minor);
  const auto end = out_.size();
  out_.close(leg);  // moves the leg when its length takes two bytes
  legs_.push_back({account.value, sub, credit, amount_minor});  // of the sub only its size counts until built()
  sub_ends_.push_back(sub_end + (out_.size() - end));
}

void EntryBuilder::credit_signed(Account account, std::string_view sub, std::int64_t amount_minor) {
  if (amount_minor >= 0)
    credit(account, sub, amount_minor);
  else
    debit(account, sub, -amount_minor);
}

void EntryBuilder::build() {
  TG_CHECK(broken(legs_.size() - first_leg_, [&](std::size_t i) -> const LegView& {
             return legs_[first_leg_ + i];
           }).empty());
  write_tail();
  built_.push_back({.bytes = {},
                    .seq = facts_.seq.value,
                    .currency = facts_.currency.number,
                    .legs = std::span(legs_).subspan(first_leg_)});
  first_leg_ = legs_.size();
  ends_.push_back(out_.size());
}

std::span<const EntryView> EntryBuilder::built() noexcept {
  const auto text = out_.text();
  for (std::size_t i = 0; i < first_leg_; ++i) {
    const auto size = legs_[i].sub.size();
    legs_[i].sub = text.substr(sub_ends_[i] - size, size);
  }
  std::size_t begin = 0;
  for (std::size_t i = 0; i < built_.size(); ++i) {
    built_[i].bytes = as_bytes(text.substr(begin, ends_[i] - begin));
    begin = ends_[i];
  }
  hand_out(legs_, built_);
  return built_;
}

bool read_leg(ByteView bytes, LegView& leg) {
  WireReader wire(bytes);
  while (wire.next()) {
    switch (wire.number()) {
      case v1::Leg::kAccountFieldNumber:
        leg.account = static_cast<std::uint32_t>(wire.value());
        break;
      case v1::Leg::kSubFieldNumber:
        leg.sub = wire.text();
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

void EntryReader::clear() noexcept {
  entries_.clear();
  legs_.clear();
}

bool EntryReader::add(ByteView bytes) {
  const auto first = legs_.size();
  EntryView entry{bytes, 0, 0, {}};
  WireReader wire(bytes);
  bool ok = true;
  while (ok && wire.next()) {
    switch (wire.number()) {
      case v1::LedgerEntry::kSeqFieldNumber:
        entry.seq = wire.value();
        break;
      case v1::LedgerEntry::kCurrencyFieldNumber:
        entry.currency = static_cast<std::uint32_t>(wire.value());
        break;
      case v1::LedgerEntry::kLegsFieldNumber:
        ok = read_leg(wire.bytes(), legs_.emplace_back());
        break;
      default:
        break;
    }
  }
  if (!ok || !wire.ok()) {
    legs_.resize(first);
    return false;
  }
  entry.legs = std::span(legs_).subspan(first);
  entries_.push_back(entry);
  return true;
}

std::span<const EntryView> EntryReader::entries() noexcept {
  hand_out(legs_, entries_);
  return entries_;
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
