#include "fees/engine.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "fees/program.h"
#include "switch/base/check.h"

namespace tollgate::fees {
namespace {

std::int64_t base_of(const CompiledComponent& component, const Event& event, std::uint64_t priced,
                     const Assessment& out, const std::uint8_t* line_at) noexcept {
  switch (component.base) {
    case Base::amount:
      return event.amount_minor;
    case Base::goods:
      return event.amount_minor - event.tip_minor - event.cashback_minor;
    case Base::tip:
      return event.tip_minor;
    case Base::cashback:
      return event.cashback_minor;
    case Base::fees:
      break;
  }
  std::int64_t sum = 0;
  for (auto left = component.base_of & priced; left != 0; left &= left - 1)
    sum += out.line_store[line_at[std::countr_zero(left)]].amount_minor;
  return sum;
}

// Σ rate × part: without tiers the base is one part; with them each part of [S, S + base] has the rate of its
// tier.
Int128 proportional(const Program& program, const CompiledRule& rule, std::int64_t start,
                    std::int64_t base) noexcept {
  if (rule.tier_count == 0) return Int128{rule.rate_nano} * base;
  Int128 sum = 0;
  std::int64_t below = 0;
  for (std::uint32_t k = 0; k < rule.tier_count; ++k) {
    const Tier& tier = program.tiers[rule.tier_at + k];
    const std::int64_t part = std::min(start + base, tier.up_to) - std::max(start, below);
    if (part > 0) sum += Int128{tier.rate_nano} * part;
    below = tier.up_to;
  }
  return sum;
}

// Exact value of a line after discount and clamp.
void evaluate(const Program& program, const CompiledComponent& component, const CompiledRule& rule,
              Line& line) noexcept {
  const std::int64_t start = component.running ? line.volume : 0;
  line.exact = (proportional(program, rule, start, line.base_minor) + Int128{rule.fixed_minor} * kNano) *
               rule.keep_nano;
  if (rule.max_minor >= 0 && line.exact > Exact{rule.max_minor} * kExactOne) {
    line.exact = Exact{rule.max_minor} * kExactOne;
    line.flags |= flag::kMax;
  } else if (rule.min_minor >= 0 && line.base_minor > 0 && line.exact < Exact{rule.min_minor} * kExactOne) {
    line.exact = Exact{rule.min_minor} * kExactOne;
    line.flags |= flag::kMin;
  }
}

// Hands out `units` one each to the largest remainders, ties to the earlier one; at most one for each place.
void hand_out(std::int64_t units, std::span<const std::int64_t> remainders,
              std::span<std::int64_t> shares) noexcept {
  std::uint64_t served = 0;
  TG_CHECK(units >= 0 && units <= static_cast<std::int64_t>(remainders.size()) && remainders.size() <= 64);
  for (; units > 0; --units) {
    std::size_t best = 64;
    for (std::size_t i = 0; i < remainders.size(); ++i)
      if ((served >> i & 1U) == 0 && (best == 64 || remainders[i] > remainders[best])) best = i;
    served |= std::uint64_t{1} << best;
    ++shares[best];
  }
}

// round_at TOTAL: each payer's sum is rounded once and shared out.
void round_totals(const Program& program, Assessment& out) noexcept {
  for (std::uint8_t p = 0; p < 4; ++p) {
    std::array<std::int64_t, kComponentsMax> remainders, shares;
    std::array<std::uint16_t, kComponentsMax> places;
    std::size_t count = 0;
    Exact sum = 0;
    std::int64_t floors = 0;
    for (std::uint16_t i = 0; i < out.line_count; ++i) {
      const Line& line = out.line_store[i];
      if (line.payer != static_cast<Payer>(p)) continue;
      places[count] = i;
      shares[count] = static_cast<std::int64_t>(line.exact / kExactOne);
      remainders[count] = static_cast<std::int64_t>(line.exact % kExactOne);
      sum += line.exact;
      floors += shares[count++];
    }
    if (count == 0) continue;
    const Rounded total = round_exact(sum, program.rounding);
    hand_out(total.units - floors, {remainders.data(), count}, {shares.data(), count});
    for (std::size_t i = 0; i < count; ++i) {
      Line& line = out.line_store[places[i]];
      line.amount_minor = shares[i];
      if (total.tie) line.flags |= flag::kTie;
    }
  }
}

void apply_cap(const CompiledCap& cap, std::int64_t amount, std::uint64_t priced, const std::uint8_t* line_at,
               Assessment& out) noexcept {
  std::int64_t sum = 0;
  Line* last = nullptr;
  for (const auto m : cap.members)
    if ((priced >> m & 1U) != 0) {
      last = &out.line_store[line_at[m]];
      sum += last->amount_minor;
    }
  if (last == nullptr) return;
  if (cap.max_minor >= 0 && sum > cap.max_minor) {
    std::int64_t excess = sum - cap.max_minor;
    for (const auto m : cap.members) {
      if ((priced >> m & 1U) == 0) continue;
      Line& line = out.line_store[line_at[m]];
      const std::int64_t cut = std::min(excess, line.amount_minor);
      if (cut == 0) continue;
      line.amount_minor -= cut;
      line.cap_delta_minor -= cut;
      line.flags |= flag::kGroupMax;
      excess -= cut;
    }
  } else if (cap.min_minor >= 0 && sum < cap.min_minor && amount > 0) {
    last->amount_minor += cap.min_minor - sum;
    last->cap_delta_minor += cap.min_minor - sum;
    last->flags |= flag::kGroupMin;
  }
}

// Shares the gross of one node (−1: the house) among its children; returns nothing to the parties that are
// not its children.
void share_node(const CompiledSplit& split, std::int16_t node, std::int64_t gross,
                std::int64_t* party_gross) noexcept {
  std::array<std::int64_t, kPartiesMax + 1> remainders, shares;
  std::array<std::size_t, kPartiesMax> children;
  std::size_t count = 0;
  std::int64_t left_nano = kNano, floors = 0;
  for (std::size_t i = 0; i < split.nodes.size(); ++i) {
    if (split.nodes[i].from != node) continue;
    const Int128 exact = Int128{split.nodes[i].share_nano} * gross;
    children[count] = i;
    shares[count] = static_cast<std::int64_t>(exact / kNano);
    remainders[count] = static_cast<std::int64_t>(exact % kNano);
    left_nano -= split.nodes[i].share_nano;
    floors += shares[count++];
  }
  if (split.method == SplitMethod::largest_remainder && count > 0) {
    const Int128 own = Int128{left_nano} * gross;
    shares[count] = static_cast<std::int64_t>(own / kNano);
    remainders[count] = static_cast<std::int64_t>(own % kNano);
    hand_out(gross - floors - shares[count], {remainders.data(), count + 1}, {shares.data(), count + 1});
  }
  for (std::size_t i = 0; i < count; ++i) party_gross[children[i]] = shares[i];
}

void apply_split(const CompiledSplit& split, std::uint16_t index, std::uint64_t priced,
                 const std::uint8_t* line_at, Assessment& out) noexcept {
  std::int64_t of = 0, less = 0;
  bool any = false;
  for (const auto c : split.of)
    if ((priced >> c & 1U) != 0) {
      any = true;
      of += out.line_store[line_at[c]].amount_minor;
    }
  if (!any) return;
  for (const auto c : split.less)
    if ((priced >> c & 1U) != 0) less += out.line_store[line_at[c]].amount_minor;

  SplitLine& line = out.split_store[out.split_count++];
  line.split = index;
  line.parties = static_cast<std::uint16_t>(split.nodes.size());
  line.of_minor = of;
  line.house_minor = of - less;
  std::array<std::int64_t, kPartiesMax> gross;
  share_node(split, -1, std::max<std::int64_t>(0, of - less), gross.data());
  for (std::size_t i = 0; i < split.nodes.size(); ++i)
    share_node(split, static_cast<std::int16_t>(i), gross[i], gross.data());
  for (std::size_t i = 0; i < split.nodes.size(); ++i) line.party_minor[i] = gross[i];
  for (std::size_t i = 0; i < split.nodes.size(); ++i)
    if (split.nodes[i].from >= 0) line.party_minor[static_cast<std::size_t>(split.nodes[i].from)] -= gross[i];
  for (std::size_t i = 0; i < split.nodes.size(); ++i) line.house_minor -= line.party_minor[i];
}

void sum_up(const Program& program, const Event& event, Assessment& out) noexcept {
  Totals& totals = out.totals;
  totals = {};
  for (const Line& line : out.lines()) {
    switch (line.payer) {
      case Payer::merchant:
        totals.fee_minor += line.amount_minor;
        break;
      case Payer::cardholder:
        totals.cardholder_fee_minor += line.amount_minor;
        break;
      case Payer::house:
        totals.cost_minor += line.amount_minor;
        break;
      case Payer::none:
        break;
    }
    if (program.taxed && line.taxable) totals.taxable_minor += line.amount_minor;
  }
  if (program.taxed) totals.tax_minor = transaction_tax(program, totals.taxable_minor);
  const std::int64_t paid = event.kind == PricedEvent::sale ? event.amount_minor : 0;
  totals.gross_minor = paid + totals.cardholder_fee_minor;
  totals.merchant_net_minor =
      paid - totals.fee_minor - (program.tax_mode == TaxMode::exclusive ? totals.tax_minor : 0);
}

}  // namespace

Assessment& Assessment::operator=(const Assessment& other) noexcept {
  if (this == &other) return *this;
  line_count = other.line_count;
  split_count = other.split_count;
  totals = other.totals;
  std::copy_n(other.line_store.begin(), line_count, line_store.begin());
  std::copy_n(other.split_store.begin(), split_count, split_store.begin());
  return *this;
}

std::int64_t transaction_tax(const Program& program, std::int64_t taxable_minor) noexcept {
  const std::int64_t divisor = program.tax_mode == TaxMode::inclusive ? kNano + program.tax_nano : kNano;
  return divide_rounded(Int128{taxable_minor} * program.tax_nano, divisor, program.rounding);
}

void assess(const CompiledSchedule& schedule, const Event& event, const Volumes& volumes,
            Assessment& out) noexcept {
  TG_CHECK(event.amount_minor >= 0 && event.amount_minor <= kAmountMax && event.tip_minor >= 0 &&
           event.cashback_minor >= 0 && event.tip_minor + event.cashback_minor <= event.amount_minor);
  const Program& program = schedule.program();
  Matcher matcher(program, event);
  std::uint8_t line_at[kComponentsMax];
  std::uint64_t priced = 0;
  out.line_count = 0;
  out.split_count = 0;
  for (const auto index : program.priced_by[static_cast<std::size_t>(event.kind)]) {
    const CompiledComponent& component = program.components[index];
    const std::int64_t volume = index < volumes.number.size() ? volumes.number[index] : 0;
    const std::uint16_t rule_index = matcher.first(component, volume);
    if (rule_index == kNoRule) continue;
    const CompiledRule& rule = program.rules[component.rules_at + rule_index];
    Line& line = out.line_store[out.line_count];
    line = {};
    line.component = index;
    line.rule = rule_index;
    line.payer = component.payer;
    line.taxable = component.taxable;
    line.account = component.payer == Payer::none ? 0 : rule.account;
    line.contra = component.contra;
    line.volume = volume;
    line.base_minor = base_of(component, event, priced, out, line_at);
    evaluate(program, component, rule, line);
    if (program.round_at == RoundAt::component) {
      const Rounded rounded = round_exact(line.exact, component.rounding);
      line.amount_minor = rounded.units;
      if (rounded.tie) line.flags |= flag::kTie;
    }
    line_at[index] = static_cast<std::uint8_t>(out.line_count++);
    priced |= std::uint64_t{1} << index;
  }
  if (program.round_at == RoundAt::total) round_totals(program, out);
  for (const auto& cap : program.caps) apply_cap(cap, event.amount_minor, priced, line_at, out);
  for (std::uint16_t i = 0; i < program.splits.size(); ++i)
    apply_split(program.splits[i], i, priced, line_at, out);
  sum_up(program, event, out);
}

std::uint16_t matching_rule(const CompiledSchedule& schedule, std::uint16_t component, const Event& event,
                            std::int64_t volume) noexcept {
  const Program& program = schedule.program();
  return Matcher(program, event).first(program.components[component], volume);
}

std::int64_t price_alone(const CompiledSchedule& schedule, const Event& event, const Alone& alone) noexcept {
  const Program& program = schedule.program();
  const CompiledComponent& component = program.components[alone.component];
  const auto rule = Matcher(program, event).first(component, alone.volume);
  if (rule == kNoRule) return 0;
  Line line;
  line.volume = alone.volume;
  line.base_minor = alone.base_minor;
  evaluate(program, component, program.rules[component.rules_at + rule], line);
  return round_exact(line.exact, component.rounding).units;
}

}  // namespace tollgate::fees
