#include "fees/receipt.h"

#include "switch/base/check.h"
#include "tollgate/v1/fees.pb.h"

namespace tollgate::fees {
namespace {

void write_facts(const Facts& facts, const Parties& parties, WireWriter& out) {
  using V = v1::ReceiptFacts;
  const auto mark = out.open(v1::Receipt::kFactsFieldNumber);
  out.number(V::kChannelFieldNumber, static_cast<std::uint32_t>(facts.channel));
  out.text(V::kBrandFieldNumber, facts.brand.text());
  out.number(V::kFundingFieldNumber, static_cast<std::uint32_t>(facts.funding));
  out.number(V::kRegionFieldNumber, static_cast<std::uint32_t>(facts.region));
  out.number(V::kSettlementFieldNumber, static_cast<std::uint32_t>(facts.settlement));
  out.number(V::kCurrencyFieldNumber, facts.currency.number);
  out.number(V::kMccFieldNumber, static_cast<std::uint32_t>(facts.mcc + 1));
  for (std::size_t i = 0; i < facts.tags.size(); ++i) out.member(V::kTagsFieldNumber, facts.tags[i].text());
  out.text(V::kTerminalFieldNumber, parties.terminal);
  out.text(V::kMerchantFieldNumber, parties.merchant);
  out.text(V::kAgentFieldNumber, parties.agent);
  out.close(mark);
}

void write_packed(std::uint32_t field, std::span<const std::int64_t> numbers, WireWriter& out) {
  if (numbers.empty()) return;
  const auto mark = out.open(field);
  for (const auto number : numbers) out.packed(number);
  out.close(mark);
}

// Components whose rules read a volume, in their order; zeros left out.
void write_volumes(const CompiledSchedule& schedule, const Volumes& volumes, WireWriter& out) {
  for (const auto reader : schedule.volume_readers()) {
    if (reader >= volumes.number.size() || volumes.number[reader] == 0) continue;
    const auto mark = out.open(v1::Receipt::kVolumesFieldNumber);
    out.number(v1::ReceiptVolume::kComponentFieldNumber, reader);
    out.integer(v1::ReceiptVolume::kNumberFieldNumber, volumes.number[reader]);
    out.close(mark);
  }
}

void write_line(const Line& line, WireWriter& out) {
  using V = v1::ReceiptLine;
  const auto mark = out.open(v1::Receipt::kLinesFieldNumber);
  out.number(V::kComponentFieldNumber, line.component);
  out.number(V::kRuleFieldNumber, line.rule == kNoRule ? 0 : line.rule + 1U);
  out.number(V::kFlagsFieldNumber, line.flags);
  out.number(V::kExactHighFieldNumber, static_cast<std::uint64_t>(line.exact >> 64));
  out.number(V::kExactLowFieldNumber, static_cast<std::uint64_t>(line.exact));
  out.integer(V::kBaseMinorFieldNumber, line.base_minor);
  out.integer(V::kCapDeltaMinorFieldNumber, line.cap_delta_minor);
  out.integer(V::kAmountMinorFieldNumber, line.amount_minor);
  out.close(mark);
}

void write_split(const SplitLine& line, WireWriter& out) {
  using V = v1::ReceiptSplit;
  const auto mark = out.open(v1::Receipt::kSplitsFieldNumber);
  out.number(V::kSplitFieldNumber, line.split);
  write_packed(V::kPartyMinorFieldNumber, {line.party_minor.data(), line.parties}, out);
  out.integer(V::kHouseMinorFieldNumber, line.house_minor);
  out.integer(V::kOfMinorFieldNumber, line.of_minor);
  out.close(mark);
}

void write_totals(const Totals& totals, WireWriter& out) {
  using V = v1::ReceiptTotals;
  const auto mark = out.open(v1::Receipt::kTotalsFieldNumber);
  out.integer(V::kGrossMinorFieldNumber, totals.gross_minor);
  out.integer(V::kFeeMinorFieldNumber, totals.fee_minor);
  out.integer(V::kCardholderFeeMinorFieldNumber, totals.cardholder_fee_minor);
  out.integer(V::kCostMinorFieldNumber, totals.cost_minor);
  out.integer(V::kTaxableMinorFieldNumber, totals.taxable_minor);
  out.integer(V::kTaxMinorFieldNumber, totals.tax_minor);
  out.integer(V::kMerchantNetMinorFieldNumber, totals.merchant_net_minor);
  out.close(mark);
}

void write_standing_fee(const Standing::Fee& fee, WireWriter& out) {
  using V = v1::StandingFee;
  const auto mark = out.open(v1::ReceiptStanding::kFeesFieldNumber);
  out.number(V::kComponentFieldNumber, fee.component);
  out.number(V::kAccountFieldNumber, fee.account);
  out.integer(V::kAmountMinorFieldNumber, fee.amount_minor);
  out.integer(V::kReturnedMinorFieldNumber, fee.returned_minor);
  out.integer(V::kBaseMinorFieldNumber, fee.base_minor);
  out.close(mark);
}

void write_standing_split(const Standing::Shared& shared, WireWriter& out) {
  using V = v1::StandingSplit;
  const auto mark = out.open(v1::ReceiptStanding::kSplitsFieldNumber);
  out.number(V::kSplitFieldNumber, shared.split);
  out.integer(V::kOfMinorFieldNumber, shared.of_minor);
  out.integer(V::kOfReturnedMinorFieldNumber, shared.of_returned_minor);
  write_packed(V::kPartyMinorFieldNumber, shared.party_minor, out);
  write_packed(V::kPartyReturnedMinorFieldNumber, shared.party_returned_minor, out);
  out.integer(V::kHouseMinorFieldNumber, shared.house_minor);
  out.integer(V::kHouseReturnedMinorFieldNumber, shared.house_returned_minor);
  out.close(mark);
}

void write_standing(const Standing& standing, WireWriter& out) {
  using V = v1::ReceiptStanding;
  const auto mark = out.open(v1::Receipt::kStandingFieldNumber);
  out.integer(V::kAmountMinorFieldNumber, standing.amount_minor);
  out.integer(V::kRefundedMinorFieldNumber, standing.refunded_minor);
  for (const auto& fee : standing.fees) write_standing_fee(fee, out);
  for (const auto& shared : standing.splits) write_standing_split(shared, out);
  out.integer(V::kTaxableMinorFieldNumber, standing.taxable_minor);
  out.integer(V::kTaxMinorFieldNumber, standing.tax_minor);
  out.integer(V::kTaxableReturnedMinorFieldNumber, standing.taxable_returned_minor);
  out.integer(V::kTaxReturnedMinorFieldNumber, standing.tax_returned_minor);
  out.close(mark);
}

}  // namespace

void write_receipt(const ReceiptInput& input, WireWriter& out) {
  using V = v1::Receipt;
  TG_CHECK(input.schedule != nullptr && input.event != nullptr && input.assessment != nullptr);
  const CompiledSchedule& schedule = *input.schedule;
  const Event& event = *input.event;
  out.text(V::kScheduleIdFieldNumber, schedule.text().schedule_id);
  out.number(V::kVersionFieldNumber, static_cast<std::uint32_t>(schedule.text().version));
  out.text(V::kScheduleHashFieldNumber, schedule.digest());
  out.number(V::kKindFieldNumber, static_cast<std::uint32_t>(input.kind));
  out.integer(V::kAmountMinorFieldNumber, event.amount_minor);
  out.integer(V::kTipMinorFieldNumber, event.tip_minor);
  out.integer(V::kCashbackMinorFieldNumber, event.cashback_minor);
  write_facts(event.facts, input.parties, out);
  out.integer(V::kBusinessDateFieldNumber, event.business_date.days);
  out.number(V::kLocalMinuteFieldNumber, static_cast<std::uint32_t>(event.local_minute));
  write_volumes(schedule, input.volumes, out);
  for (const Line& line : input.assessment->lines()) write_line(line, out);
  for (const SplitLine& line : input.assessment->splits()) write_split(line, out);
  write_totals(input.assessment->totals, out);
  if (input.standing != nullptr) write_standing(*input.standing, out);
}

void write_receipt(const CompiledSchedule& schedule, const Event& event, const Volumes& volumes,
                   const Parties& parties, const Assessment& assessment, WireWriter& out) {
  const auto kind = event.kind == PricedEvent::verify    ? ReceiptKind::verify
                    : event.kind == PricedEvent::decline ? ReceiptKind::decline
                                                         : ReceiptKind::sale;
  write_receipt({kind, &schedule, &event, volumes, parties, nullptr, &assessment}, out);
}

}  // namespace tollgate::fees
