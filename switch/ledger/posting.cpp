#include "switch/ledger/posting.h"

#include <algorithm>

#include "switch/base/check.h"

namespace tollgate::ledger {
namespace {

// Tax inside the fees comes out of the income that carries it: taxable lines in order, none below zero.
std::int64_t take_included_tax(const fees::Line& line, std::int64_t& tax_left) {
  if (!line.taxable || tax_left == 0) return 0;
  const auto sign = line.amount_minor < 0 ? -1 : 1;
  const auto part = std::min(tax_left * sign, line.amount_minor * sign) * sign;
  tax_left -= part;
  return part;
}

}  // namespace

void sale_legs(const SaleParties& parties, const fees::Assessment& assessment,
               const fees::CompiledSchedule& schedule, EntryBuilder& out) {
  const auto& totals = assessment.totals;
  const auto& tax = schedule.text().tax;
  const bool included = tax && tax->mode == fees::TaxMode::inclusive;
  std::int64_t tax_left = included ? totals.tax_minor : 0;
  out.credit_signed(parties.clearing, parties.clearing_sub, -totals.gross_minor);
  out.credit_signed(kPayablePending, parties.merchant, totals.merchant_net_minor);
  for (const auto& line : assessment.lines()) {
    if (line.payer != fees::Payer::merchant && line.payer != fees::Payer::cardholder) continue;
    const auto income =
        line.amount_minor - (line.payer == fees::Payer::merchant ? take_included_tax(line, tax_left) : 0);
    out.credit_signed({line.account}, {}, income);
  }
  TG_CHECK(tax_left == 0);
  out.credit_signed(kVat, {}, totals.tax_minor);
}

void cost_legs(const SaleParties& parties, const fees::Assessment& assessment, EntryBuilder& out) {
  for (const auto& line : assessment.lines()) {
    if (line.payer != fees::Payer::house) continue;
    out.credit_signed({line.account}, {}, -line.amount_minor);
    out.credit_signed({line.contra}, parties.clearing_sub, line.amount_minor);
  }
}

void split_legs(const fees::Assessment& assessment, const fees::CompiledSchedule& schedule,
                EntryBuilder& out) {
  for (const auto& split : assessment.splits()) {
    std::int64_t shared = 0;
    for (std::size_t i = 0; i < split.parties; ++i) shared += split.party_minor[i];
    out.credit_signed(kAgentExpense, {}, -shared);
    const auto& parties = schedule.text().splits[split.split].parties;
    for (std::size_t i = 0; i < split.parties; ++i)
      out.credit_signed(kAgents, parties[i].party, split.party_minor[i]);
  }
}

void instant_payout_legs(const SaleParties& parties, std::string_view payout, std::int64_t net_minor,
                         EntryBuilder& out) {
  if (net_minor <= 0) return;
  out.debit(kPayablePending, parties.merchant, net_minor);
  out.credit(kPayoutInTransit, payout, net_minor);
}

}  // namespace tollgate::ledger
