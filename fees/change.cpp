#include "fees/change.h"

#include <algorithm>

#include "fees/program.h"
#include "switch/base/check.h"

namespace tollgate::fees {
namespace {

void start(Assessment& out) noexcept {
  out.line_count = 0;
  out.split_count = 0;
  out.totals = {};
}

Line& add_line(Assessment& out) noexcept {
  TG_CHECK(out.line_count < kComponentsMax);
  Line& line = out.line_store[out.line_count++];
  line = {};
  return line;
}

// Whatever stands in the line but its amount and flag.
void describe(const CompiledSchedule& schedule, const Standing::Fee& fee, Line& line) noexcept {
  const Component& component = schedule.text().components[fee.component];
  line.component = fee.component;
  line.payer = component.payer;
  line.taxable = component.payer == Payer::merchant && !component.tax_exempt;
  line.account = fee.account;
  line.contra = component.contra;
}

void count(const Line& line, std::int64_t amount_minor, Totals& totals) noexcept {
  switch (line.payer) {
    case Payer::merchant:
      totals.fee_minor += amount_minor;
      break;
    case Payer::cardholder:
      totals.cardholder_fee_minor += amount_minor;
      break;
    case Payer::house:
      totals.cost_minor += amount_minor;
      break;
    case Payer::none:
      break;
  }
}

// paid: the change of the sale's own amount.
void finish(const CompiledSchedule& schedule, std::int64_t paid, Totals& totals) noexcept {
  const Program& program = schedule.program();
  totals.gross_minor = paid + totals.cardholder_fee_minor;
  totals.merchant_net_minor =
      paid - totals.fee_minor - (program.tax_mode == TaxMode::exclusive ? totals.tax_minor : 0);
}

// What of a line is given back once `refunded` of the sale's amount is.
std::int64_t returned_after(const CompiledSchedule& schedule, std::uint16_t index, std::int64_t line_minor,
                            std::int64_t refunded, std::int64_t amount) noexcept {
  const Component& component = schedule.text().components[index];
  switch (component.refund) {
    case RefundPolicy::keep:
      return 0;
    case RefundPolicy::full_only:
      return refunded == amount ? line_minor : 0;
    case RefundPolicy::proportional:
      break;
  }
  return give_back({line_minor, refunded, amount, component.rounding.value_or(schedule.text().rounding)});
}

// done stays inside the whole, also when a reversed refund left more returned than its share.
std::int64_t part_back(std::int64_t value, std::int64_t done, std::int64_t whole, Rounding mode) noexcept {
  return give_back({value, std::clamp<std::int64_t>(done, 0, whole), whole, mode});
}

std::int64_t change_of(const CompiledSchedule& schedule, const std::vector<std::string>& ids,
                       const Assessment& change) noexcept {
  std::int64_t sum = 0;
  for (const Line& line : change.lines())
    if ((line.flags & flag::kReturned) != 0 &&
        std::ranges::find(ids, schedule.text().components[line.component].id) != ids.end())
      sum += line.amount_minor;
  return sum;
}

// Party back = T(net, returned `of`, `of`, DOWN); the house takes the rest.
void return_split(const CompiledSchedule& schedule, const Standing::Shared& shared, Assessment& out) {
  const Split& split = schedule.text().splits[shared.split];
  const std::int64_t of = change_of(schedule, split.of, out);
  SplitLine& line = out.split_store[out.split_count++];
  line.split = shared.split;
  line.parties = static_cast<std::uint16_t>(shared.party_minor.size());
  line.of_minor = of;
  line.house_minor = of - change_of(schedule, split.less, out);
  for (std::size_t p = 0; p < shared.party_minor.size(); ++p) {
    const auto back =
        part_back(shared.party_minor[p], shared.of_returned_minor - of, shared.of_minor, Rounding::down);
    line.party_minor[p] = shared.party_returned_minor[p] - back;
    line.house_minor -= line.party_minor[p];
  }
}

void add_split(const SplitLine& more, Assessment& out) noexcept {
  for (SplitLine& line : out.splits())
    if (line.split == more.split) {
      line.of_minor += more.of_minor;
      line.house_minor += more.house_minor;
      for (std::size_t p = 0; p < more.parties; ++p) line.party_minor[p] += more.party_minor[p];
      return;
    }
  out.split_store[out.split_count++] = more;
}

void sort_splits(Assessment& out) noexcept {
  std::ranges::sort(out.splits(), {}, &SplitLine::split);
}

}  // namespace

Standing standing_of(const Assessment& sale, std::int64_t amount_minor) {
  Standing standing;
  standing.amount_minor = amount_minor;
  for (const Line& line : sale.lines())
    standing.fees.push_back({line.component, line.account, line.base_minor, line.amount_minor, 0});
  for (const SplitLine& line : sale.splits()) {
    Standing::Shared shared{line.split, line.of_minor, 0, line.house_minor, 0, {}, {}};
    shared.party_minor.assign(line.party_minor.begin(), line.party_minor.begin() + line.parties);
    shared.party_returned_minor.assign(line.parties, 0);
    standing.splits.push_back(std::move(shared));
  }
  standing.taxable_minor = sale.totals.taxable_minor;
  standing.tax_minor = sale.totals.tax_minor;
  return standing;
}

void refund(const CompiledSchedule& schedule, const Standing& sale, const Event& event,
            const Volumes& volumes, Assessment& out) {
  TG_CHECK(event.kind == PricedEvent::refund && event.amount_minor > 0 &&
           event.amount_minor <= sale.left_minor());
  const Program& program = schedule.program();
  start(out);
  const std::int64_t refunded = sale.refunded_minor + event.amount_minor;
  std::int64_t taxable = 0;
  for (const auto& fee : sale.fees) {
    const std::int64_t back =
        returned_after(schedule, fee.component, fee.amount_minor, refunded, sale.amount_minor) -
        fee.returned_minor;
    if (back == 0) continue;
    Line& line = add_line(out);
    describe(schedule, fee, line);
    line.flags = flag::kReturned;
    line.amount_minor = -back;
    count(line, -back, out.totals);
    if (program.taxed && line.taxable) taxable += back;
  }
  for (const auto& shared : sale.splits) return_split(schedule, shared, out);
  out.totals.taxable_minor = -taxable;
  out.totals.tax_minor =
      sale.tax_returned_minor -
      part_back(sale.tax_minor, sale.taxable_returned_minor + taxable, sale.taxable_minor, program.rounding);
  Assessment own;
  assess(schedule, event, volumes, own);
  for (const Line& line : own.lines()) {
    add_line(out) = line;
    count(line, line.amount_minor, out.totals);
  }
  for (const SplitLine& line : own.splits()) add_split(line, out);
  sort_splits(out);
  out.totals.taxable_minor += own.totals.taxable_minor;
  out.totals.tax_minor += own.totals.tax_minor;
  finish(schedule, -event.amount_minor, out.totals);
}

void refund_unlinked(const CompiledSchedule& schedule, const Event& event, const Volumes& volumes,
                     Assessment& out) noexcept {
  assess(schedule, event, volumes, out);
  finish(schedule, -event.amount_minor, out.totals);
}

void mirror(const CompiledSchedule& schedule, const Standing& sale, Assessment& out) {
  start(out);
  for (const auto& fee : sale.fees) {
    const std::int64_t stands = fee.amount_minor - fee.returned_minor;
    if (stands == 0) continue;
    Line& line = add_line(out);
    describe(schedule, fee, line);
    line.flags = flag::kMirror;
    line.amount_minor = -stands;
    count(line, -stands, out.totals);
  }
  for (const auto& shared : sale.splits) {
    SplitLine& line = out.split_store[out.split_count++];
    line.split = shared.split;
    line.parties = static_cast<std::uint16_t>(shared.party_minor.size());
    line.of_minor = shared.of_returned_minor - shared.of_minor;
    line.house_minor = shared.house_returned_minor - shared.house_minor;
    for (std::size_t p = 0; p < shared.party_minor.size(); ++p)
      line.party_minor[p] = shared.party_returned_minor[p] - shared.party_minor[p];
  }
  out.totals.taxable_minor = sale.taxable_returned_minor - sale.taxable_minor;
  out.totals.tax_minor = sale.tax_returned_minor - sale.tax_minor;
  finish(schedule, sale.refunded_minor - sale.amount_minor, out.totals);
}

void reprice(const CompiledSchedule& schedule, const Standing& sale, const Event& stored,
             const Volumes& volumes, Assessment& fresh, Assessment& out) {
  assess(schedule, stored, volumes, fresh);
  start(out);
  const auto old_amount = [&](std::uint16_t component) {
    const auto it = std::ranges::find(sale.fees, component, &Standing::Fee::component);
    return it == sale.fees.end() ? 0 : it->amount_minor;
  };
  const auto add = [&](const Line& now, std::int64_t amount) {
    Line& line = add_line(out);
    line = now;
    line.flags |= flag::kRepriced;
    line.amount_minor = amount;
    count(line, amount, out.totals);
  };
  std::size_t next = 0;
  const auto gone =
      [&](std::uint16_t before) {  // old lines that the new amount does not price, in component order
        for (; next < sale.fees.size() && sale.fees[next].component < before; ++next) {
          if (sale.fees[next].amount_minor == 0) continue;
          Line line;
          describe(schedule, sale.fees[next], line);
          add(line, -sale.fees[next].amount_minor);
        }
        if (next < sale.fees.size() && sale.fees[next].component == before) ++next;
      };
  for (const Line& line : fresh.lines()) {
    gone(line.component);
    add(line, line.amount_minor - old_amount(line.component));
  }
  gone(kComponentsMax);
  for (const SplitLine& line : fresh.splits()) add_split(line, out);
  for (const auto& shared : sale.splits) {
    SplitLine line{shared.split,
                   static_cast<std::uint16_t>(shared.party_minor.size()),
                   -shared.of_minor,
                   -shared.house_minor,
                   {}};
    for (std::size_t p = 0; p < shared.party_minor.size(); ++p) line.party_minor[p] = -shared.party_minor[p];
    add_split(line, out);
  }
  sort_splits(out);
  out.totals.taxable_minor = fresh.totals.taxable_minor - sale.taxable_minor;
  out.totals.tax_minor = fresh.totals.tax_minor - sale.tax_minor;
  finish(schedule, stored.amount_minor - sale.amount_minor, out.totals);
}

std::int64_t given_back(const CompiledSchedule& schedule, std::uint16_t component, std::int64_t whole_minor,
                        const Standing& sale) noexcept {
  if (sale.refunded_minor == 0) return 0;
  return returned_after(schedule, component, whole_minor, sale.refunded_minor, sale.amount_minor);
}

void chargeback(const CompiledSchedule& schedule, const Event& event, const Volumes& volumes,
                Assessment& out) noexcept {
  TG_CHECK(event.kind == PricedEvent::chargeback);
  assess(schedule, event, volumes, out);
  finish(schedule, -event.amount_minor, out.totals);
}

void representment(std::int64_t amount_minor, Assessment& out) noexcept {
  start(out);
  out.totals.gross_minor = amount_minor;
  out.totals.merchant_net_minor = amount_minor;
}

void negate(const Assessment& change, Assessment& out) noexcept {
  start(out);
  for (const Line& from : change.lines()) {
    if (from.amount_minor == 0) continue;
    Line& line = add_line(out);
    line.component = from.component;
    line.payer = from.payer;
    line.taxable = from.taxable;
    line.account = from.account;
    line.contra = from.contra;
    line.flags = flag::kMirror;
    line.amount_minor = -from.amount_minor;
  }
  for (const SplitLine& from : change.splits()) {
    SplitLine& line = out.split_store[out.split_count++];
    line = {from.split, from.parties, -from.of_minor, -from.house_minor, {}};
    for (std::size_t p = 0; p < from.parties; ++p) line.party_minor[p] = -from.party_minor[p];
  }
  const Totals& t = change.totals;
  out.totals = {-t.gross_minor,   -t.fee_minor, -t.cardholder_fee_minor, -t.cost_minor,
                -t.taxable_minor, -t.tax_minor, -t.merchant_net_minor};
}

void apply_refund(const CompiledSchedule& schedule, const Assessment& change, std::int64_t amount_minor,
                  int direction, Standing& sale) {
  const Program& program = schedule.program();
  sale.refunded_minor += direction * amount_minor;
  std::int64_t taxable = 0, own_taxable = 0;
  for (const Line& line : change.lines()) {
    const bool taxed = program.taxed && line.taxable;
    if ((line.flags & flag::kReturned) == 0) {
      own_taxable += taxed ? line.amount_minor : 0;
      continue;
    }
    const auto fee = std::ranges::find(sale.fees, line.component, &Standing::Fee::component);
    TG_CHECK(fee != sale.fees.end());
    fee->returned_minor -= direction * line.amount_minor;
    taxable -= taxed ? line.amount_minor : 0;
  }
  // The refund's own priced lines carry tax of their own, which is not the sale's.
  const std::int64_t own_tax = program.taxed ? transaction_tax(program, own_taxable) : 0;
  sale.taxable_returned_minor += direction * taxable;
  sale.tax_returned_minor -= direction * (change.totals.tax_minor - own_tax);
  for (auto& shared : sale.splits) {
    const Split& split = schedule.text().splits[shared.split];
    const std::int64_t of = change_of(schedule, split.of, change);
    std::int64_t house = of - change_of(schedule, split.less, change);
    const std::int64_t returned = shared.of_returned_minor;
    for (std::size_t p = 0; p < shared.party_minor.size(); ++p) {
      const auto back =
          direction > 0 ? part_back(shared.party_minor[p], returned - of, shared.of_minor, Rounding::down) -
                              shared.party_returned_minor[p]
                        : shared.party_returned_minor[p] - part_back(shared.party_minor[p], returned + of,
                                                                     shared.of_minor, Rounding::down);
      shared.party_returned_minor[p] += direction * back;
      house += back;
    }
    shared.of_returned_minor -= direction * of;
    shared.house_returned_minor -= direction * house;
  }
}

void apply_reprice(const Assessment& fresh, std::int64_t amount_minor, Standing& sale) {
  const auto disputed = sale.disputed_minor;
  sale = standing_of(fresh, amount_minor);
  sale.disputed_minor = disputed;
}

}  // namespace tollgate::fees
