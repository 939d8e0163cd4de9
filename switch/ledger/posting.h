// From an assessment to ledger entries: which account each fen goes to. The rules are the flows of the fees
// reference, section 6; amounts come from the assessment alone, so what is booked is what the receipt says.
//
// One transaction makes up to four entries: the sale, the costs of the house, the agents' shares, the instant
// payout. Each is balanced by itself. Changes (refund, void as refund) have the same shape with negative
// amounts.
#pragma once

#include <cstdint>
#include <string_view>

#include "fees/engine.h"
#include "fees/schedule.h"
#include "switch/ledger/entry.h"

namespace tollgate::ledger {

struct SaleParties {
  Account clearing = kSchemeClearing;  // kQrClearing for wallets
  std::string_view clearing_sub;       // scheme or channel: "unionpay", "wechat"
  std::string_view merchant;           // merchant code
};

// Dr clearing gross / Cr payable net, fees by line, tax.
void sale_legs(const SaleParties& parties, const fees::Assessment& assessment,
               const fees::CompiledSchedule& schedule, EntryBuilder& out);
// Dr expense / Cr contra for each HOUSE line. Empty when there is none.
void cost_legs(const SaleParties& parties, const fees::Assessment& assessment, EntryBuilder& out);
// Dr 5200 / Cr 2300 per party. Empty when nobody shares.
void split_legs(const fees::Assessment& assessment, const fees::CompiledSchedule& schedule,
                EntryBuilder& out);
// Dr payable / Cr payout in transit: what an instant sale pays at once, max(0, net).
void instant_payout_legs(const SaleParties& parties, std::string_view payout, std::int64_t net_minor,
                         EntryBuilder& out);

}  // namespace tollgate::ledger
