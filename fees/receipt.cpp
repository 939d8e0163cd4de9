#include "fees/receipt.h"

#include <fmt/format.h>

#include <algorithm>

#include "fees/program.h"
#include "switch/base/bytes.h"
#include "switch/base/check.h"
#include "tollgate/v1/fees.pb.h"

namespace tollgate::fees {
namespace {

void write_facts(const Facts& facts, const Parties& parties, v1::ReceiptFacts* out) {
  out->set_channel(static_cast<std::uint32_t>(facts.channel));
  if (!facts.brand.absent()) out->set_brand(facts.brand.text().data(), facts.brand.text().size());
  out->set_funding(static_cast<std::uint32_t>(facts.funding));
  out->set_region(static_cast<std::uint32_t>(facts.region));
  out->set_settlement(static_cast<std::uint32_t>(facts.settlement));
  out->set_currency(facts.currency.number);
  out->set_mcc(static_cast<std::uint32_t>(facts.mcc + 1));
  for (std::size_t i = 0; i < facts.tags.size(); ++i)
    out->add_tags(facts.tags[i].text().data(), facts.tags[i].text().size());
  out->set_terminal(parties.terminal.data(), parties.terminal.size());
  out->set_merchant(parties.merchant.data(), parties.merchant.size());
  out->set_agent(parties.agent.data(), parties.agent.size());
}

void write_standing(const Standing& standing, v1::ReceiptStanding* out) {
  out->set_amount_minor(standing.amount_minor);
  out->set_refunded_minor(standing.refunded_minor);
  for (const auto& fee : standing.fees) {
    auto* f = out->add_fees();
    f->set_component(fee.component);
    f->set_account(fee.account);
    f->set_amount_minor(fee.amount_minor);
    f->set_returned_minor(fee.returned_minor);
    f->set_base_minor(fee.base_minor);
  }
  for (const auto& shared : standing.splits) {
    auto* s = out->add_splits();
    s->set_split(shared.split);
    s->set_of_minor(shared.of_minor);
    s->set_of_returned_minor(shared.of_returned_minor);
    s->mutable_party_minor()->Add(shared.party_minor.begin(), shared.party_minor.end());
    s->mutable_party_returned_minor()->Add(shared.party_returned_minor.begin(),
                                           shared.party_returned_minor.end());
    s->set_house_minor(shared.house_minor);
    s->set_house_returned_minor(shared.house_returned_minor);
  }
  out->set_taxable_minor(standing.taxable_minor);
  out->set_tax_minor(standing.tax_minor);
  out->set_taxable_returned_minor(standing.taxable_returned_minor);
  out->set_tax_returned_minor(standing.tax_returned_minor);
}

void write_results(const Assessment& assessment, v1::Receipt* out) {
  out->mutable_lines()->Reserve(assessment.line_count);
  for (const Line& line : assessment.lines()) {
    auto* l = out->add_lines();
    l->set_component(line.component);
    l->set_rule(line.rule == kNoRule ? 0 : line.rule + 1U);
    l->set_flags(line.flags);
    l->set_exact_high(static_cast<std::uint64_t>(line.exact >> 64));
    l->set_exact_low(static_cast<std::uint64_t>(line.exact));
    l->set_base_minor(line.base_minor);
    l->set_cap_delta_minor(line.cap_delta_minor);
    l->set_amount_minor(line.amount_minor);
  }
  for (const SplitLine& line : assessment.splits()) {
    auto* s = out->add_splits();
    s->set_split(line.split);
    s->mutable_party_minor()->Add(line.party_minor.begin(), line.party_minor.begin() + line.parties);
    s->set_house_minor(line.house_minor);
    s->set_of_minor(line.of_minor);
  }
  auto* t = out->mutable_totals();
  t->set_gross_minor(assessment.totals.gross_minor);
  t->set_fee_minor(assessment.totals.fee_minor);
  t->set_cardholder_fee_minor(assessment.totals.cardholder_fee_minor);
  t->set_cost_minor(assessment.totals.cost_minor);
  t->set_taxable_minor(assessment.totals.taxable_minor);
  t->set_tax_minor(assessment.totals.tax_minor);
  t->set_merchant_net_minor(assessment.totals.merchant_net_minor);
}

}  // namespace

void write_receipt(const ReceiptInput& input, v1::Receipt* out) {
  TG_CHECK(input.schedule != nullptr && input.event != nullptr && input.assessment != nullptr);
  const CompiledSchedule& schedule = *input.schedule;
  const Event& event = *input.event;
  out->set_schedule_id(schedule.text().schedule_id);
  out->set_version(static_cast<std::uint32_t>(schedule.text().version));
  out->set_schedule_hash(schedule.digest().data(), schedule.digest().size());
  out->set_kind(static_cast<v1::ReceiptKind>(input.kind));
  out->set_amount_minor(event.amount_minor);
  out->set_tip_minor(event.tip_minor);
  out->set_cashback_minor(event.cashback_minor);
  write_facts(event.facts, input.parties, out->mutable_facts());
  out->set_business_date(event.business_date.days);
  out->set_local_minute(static_cast<std::uint32_t>(event.local_minute));
  for (const auto& component : schedule.program().components) {
    if (!component.reads_volume || component.index >= input.volumes.number.size()) continue;
    const auto number = input.volumes.number[component.index];
    if (number == 0) continue;
    auto* v = out->add_volumes();
    v->set_component(component.index);
    v->set_number(number);
  }
  write_results(*input.assessment, out);
  if (input.standing != nullptr) write_standing(*input.standing, out->mutable_standing());
}

void write_receipt(const CompiledSchedule& schedule, const Event& event, const Volumes& volumes,
                   const Parties& parties, const Assessment& assessment, v1::Receipt* out) {
  const auto kind = event.kind == PricedEvent::verify    ? ReceiptKind::verify
                    : event.kind == PricedEvent::decline ? ReceiptKind::decline
                                                         : ReceiptKind::sale;
  write_receipt({kind, &schedule, &event, volumes, parties, nullptr, &assessment}, out);
}

}  // namespace tollgate::fees
