#include "switch/ledger/entry.h"

#include "switch/base/check.h"

namespace tollgate::ledger {

void EntryBuilder::reset() { entry_.Clear(); }

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

std::string_view broken_invariant(const v1::LedgerEntry& entry) noexcept {
  if (entry.legs_size() < 2) return "fewer than two legs";
  Int128 sum = 0;
  const bool memo = is_memo({static_cast<std::uint16_t>(entry.legs(0).account())});
  for (const auto& leg : entry.legs()) {
    if (!is_account(leg.account())) return "not an account";
    if (leg.amount_minor() <= 0) return "a leg that is not above zero";
    if (is_memo({static_cast<std::uint16_t>(leg.account())}) != memo) return "memo and real accounts in one entry";
    sum += leg.credit() ? -Int128{leg.amount_minor()} : Int128{leg.amount_minor()};
  }
  return sum == 0 ? std::string_view{} : "debits are not credits";
}

void mirror(const v1::LedgerEntry& original, EntryBuilder& out) {
  for (const auto& leg : original.legs())
    out.add(leg.credit() ? Side::debit : Side::credit, {static_cast<std::uint16_t>(leg.account())}, leg.sub(), leg.amount_minor());
}

}  // namespace tollgate::ledger
