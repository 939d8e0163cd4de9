// Receipts of random contents against the same messages filled field by field and written by protobuf.
#include <gtest/gtest.h>

#include "fees/program.h"
#include "fees/receipt.h"
#include "switch/base/bytes.h"
#include "tests/fees/generate.h"
#include "tests/proto/random_fields.h"
#include "tollgate/v1/fees.pb.h"

namespace tollgate::fees {
namespace {

using tollgate::testing::RandomFields;

void set(std::string* field, std::string_view value) {
  field->assign(value);
}

Event random_event(RandomFields& f) {
  Event event;
  event.amount_minor = f.signed64();
  event.tip_minor = f.signed64();
  event.cashback_minor = f.signed64();
  event.business_date = BusinessDate{f.signed32()};
  event.local_minute = static_cast<std::int32_t>(f.below(1440));
  event.facts.channel = static_cast<Channel>(f.below(8));
  event.facts.funding = static_cast<Funding>(f.below(4));
  event.facts.region = static_cast<Region>(f.below(4));
  event.facts.settlement = static_cast<Settlement>(f.below(4));
  event.facts.currency = Currency{static_cast<std::uint16_t>(f.below(1000))};
  event.facts.mcc = static_cast<std::int32_t>(f.below(10'001)) - 1;
  const auto code = [&] {
    std::string text(1 + f.below(Code::kMax), 'A');
    for (auto& c : text) c = static_cast<char>('A' + f.below(26));
    return *Code::of(text);
  };
  if (f.flag()) event.facts.brand = code();
  for (auto tags = f.below(kTagsMax + 1); tags > 0; --tags) EXPECT_TRUE(event.facts.tags.add(code()));
  return event;
}

void randomize(RandomFields& f, Assessment& out) {
  out.line_count = static_cast<std::uint16_t>(f.below(6));
  for (auto& line : out.lines()) {
    line.component = static_cast<std::uint16_t>(f.number32());
    line.rule = f.flag() ? kNoRule : static_cast<std::uint16_t>(f.below(1000));
    line.flags = static_cast<std::uint16_t>(f.number32());
    line.exact = Exact{f.signed64()} * Exact{f.signed64()};
    line.base_minor = f.signed64();
    line.cap_delta_minor = f.signed64();
    line.amount_minor = f.signed64();
  }
  out.split_count = static_cast<std::uint16_t>(f.below(4));
  for (auto& split : out.splits()) {
    split.split = static_cast<std::uint16_t>(f.number32());
    split.parties = static_cast<std::uint16_t>(f.below(kPartiesMax + 1));
    for (std::size_t i = 0; i < split.parties; ++i) split.party_minor[i] = f.signed64();
    split.house_minor = f.signed64();
    split.of_minor = f.signed64();
  }
  out.totals = {f.signed64(), f.signed64(), f.signed64(), f.signed64(),
                f.signed64(), f.signed64(), f.signed64()};
}

Standing random_standing(RandomFields& f) {
  Standing standing;
  standing.amount_minor = f.signed64();
  standing.refunded_minor = f.signed64();
  for (auto fees = f.below(4); fees > 0; --fees)
    standing.fees.push_back({static_cast<std::uint16_t>(f.number32()),
                             static_cast<std::uint16_t>(f.number32()), f.signed64(), f.signed64(),
                             f.signed64()});
  for (auto splits = f.below(3); splits > 0; --splits) {
    auto& shared = standing.splits.emplace_back();
    shared.split = static_cast<std::uint16_t>(f.number32());
    shared.of_minor = f.signed64();
    shared.of_returned_minor = f.signed64();
    shared.house_minor = f.signed64();
    shared.house_returned_minor = f.signed64();
    for (auto parties = f.below(20); parties > 0; --parties) shared.party_minor.push_back(f.signed64());
    for (auto parties = f.below(3); parties > 0; --parties)
      shared.party_returned_minor.push_back(f.signed64());
  }
  standing.taxable_minor = f.signed64();
  standing.tax_minor = f.signed64();
  standing.taxable_returned_minor = f.signed64();
  standing.tax_returned_minor = f.signed64();
  return standing;
}

void fill_inputs(const ReceiptInput& input, v1::Receipt& out) {
  const auto& schedule = *input.schedule;
  const auto& event = *input.event;
  out.set_schedule_id(schedule.text().schedule_id);
  out.set_version(static_cast<std::uint32_t>(schedule.text().version));
  out.set_schedule_hash(schedule.digest().data(), schedule.digest().size());
  out.set_kind(static_cast<v1::ReceiptKind>(input.kind));
  out.set_amount_minor(event.amount_minor);
  out.set_tip_minor(event.tip_minor);
  out.set_cashback_minor(event.cashback_minor);
  auto& facts = *out.mutable_facts();
  facts.set_channel(static_cast<std::uint32_t>(event.facts.channel));
  set(facts.mutable_brand(), event.facts.brand.text());
  facts.set_funding(static_cast<std::uint32_t>(event.facts.funding));
  facts.set_region(static_cast<std::uint32_t>(event.facts.region));
  facts.set_settlement(static_cast<std::uint32_t>(event.facts.settlement));
  facts.set_currency(event.facts.currency.number);
  facts.set_mcc(static_cast<std::uint32_t>(event.facts.mcc + 1));
  for (std::size_t i = 0; i < event.facts.tags.size(); ++i) set(facts.add_tags(), event.facts.tags[i].text());
  set(facts.mutable_terminal(), input.parties.terminal);
  set(facts.mutable_merchant(), input.parties.merchant);
  set(facts.mutable_agent(), input.parties.agent);
  out.set_business_date(event.business_date.days);
  out.set_local_minute(static_cast<std::uint32_t>(event.local_minute));
  for (const auto& component : schedule.program().components) {
    if (!component.reads_volume || component.index >= input.volumes.number.size()) continue;
    const auto number = input.volumes.number[component.index];
    if (number == 0) continue;
    auto& volume = *out.add_volumes();
    volume.set_component(component.index);
    volume.set_number(number);
  }
}

void fill_results(const Assessment& assessment, v1::Receipt& out) {
  for (const auto& line : assessment.lines()) {
    auto& l = *out.add_lines();
    l.set_component(line.component);
    l.set_rule(line.rule == kNoRule ? 0 : line.rule + 1U);
    l.set_flags(line.flags);
    l.set_exact_high(static_cast<std::uint64_t>(line.exact >> 64));
    l.set_exact_low(static_cast<std::uint64_t>(line.exact));
    l.set_base_minor(line.base_minor);
    l.set_cap_delta_minor(line.cap_delta_minor);
    l.set_amount_minor(line.amount_minor);
  }
  for (const auto& split : assessment.splits()) {
    auto& s = *out.add_splits();
    s.set_split(split.split);
    for (std::size_t i = 0; i < split.parties; ++i) s.add_party_minor(split.party_minor[i]);
    s.set_house_minor(split.house_minor);
    s.set_of_minor(split.of_minor);
  }
  auto& totals = *out.mutable_totals();
  totals.set_gross_minor(assessment.totals.gross_minor);
  totals.set_fee_minor(assessment.totals.fee_minor);
  totals.set_cardholder_fee_minor(assessment.totals.cardholder_fee_minor);
  totals.set_cost_minor(assessment.totals.cost_minor);
  totals.set_taxable_minor(assessment.totals.taxable_minor);
  totals.set_tax_minor(assessment.totals.tax_minor);
  totals.set_merchant_net_minor(assessment.totals.merchant_net_minor);
}

void fill_standing(const Standing& standing, v1::ReceiptStanding& out) {
  out.set_amount_minor(standing.amount_minor);
  out.set_refunded_minor(standing.refunded_minor);
  for (const auto& fee : standing.fees) {
    auto& f = *out.add_fees();
    f.set_component(fee.component);
    f.set_account(fee.account);
    f.set_amount_minor(fee.amount_minor);
    f.set_returned_minor(fee.returned_minor);
    f.set_base_minor(fee.base_minor);
  }
  for (const auto& shared : standing.splits) {
    auto& s = *out.add_splits();
    s.set_split(shared.split);
    s.set_of_minor(shared.of_minor);
    s.set_of_returned_minor(shared.of_returned_minor);
    for (const auto minor : shared.party_minor) s.add_party_minor(minor);
    for (const auto minor : shared.party_returned_minor) s.add_party_returned_minor(minor);
    s.set_house_minor(shared.house_minor);
    s.set_house_returned_minor(shared.house_returned_minor);
  }
  out.set_taxable_minor(standing.taxable_minor);
  out.set_tax_minor(standing.tax_minor);
  out.set_taxable_returned_minor(standing.taxable_returned_minor);
  out.set_tax_returned_minor(standing.tax_returned_minor);
}

TEST(Receipt, IsWrittenLikeTheLibraryWritesIt) {
  RandomFields f(6);
  testing::Generator generator(7);
  Assessment assessment;
  WireWriter out;
  std::size_t with_volumes = 0;
  for (int schedules = 0; schedules < 100;) {
    const auto schedule = testing::load_generated(generator.schedule({.overlap = true}));
    if (schedule == nullptr) continue;
    ++schedules;
    for (int round = 0; round < 50; ++round) {
      f.forget();
      const auto event = random_event(f);
      randomize(f, assessment);
      std::vector<std::int64_t> numbers(f.below(schedule->text().components.size() + 1));
      for (auto& number : numbers) number = f.signed64();
      const auto standing = random_standing(f);
      const ReceiptInput input{static_cast<ReceiptKind>(1 + f.below(9)),
                               schedule.get(),
                               &event,
                               {numbers},
                               {f.text(), f.text(), f.text()},
                               f.flag() ? &standing : nullptr,
                               &assessment};
      v1::Receipt expected;
      fill_inputs(input, expected);
      fill_results(assessment, expected);
      if (input.standing != nullptr) fill_standing(standing, *expected.mutable_standing());
      with_volumes += expected.volumes_size() > 0 ? 1 : 0;
      out.clear();
      write_receipt(input, out);
      ASSERT_EQ(out.text(), expected.SerializeAsString()) << expected.DebugString();
    }
  }
  EXPECT_GT(with_volumes, 50U);
}

}  // namespace
}  // namespace tollgate::fees
