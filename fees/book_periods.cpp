// The end of a month and the end of a window.
#include <algorithm>

#include "fees/book_state.h"
#include "fees/program.h"

namespace tollgate::fees {
namespace {

struct Retroactive {
  std::string component;
  SchedulePtr schedule;
  std::int64_t charged_minor = 0, due_minor = 0;
};

// One standing sale again, with the volume that its month turned out to have; the refunded part alike.
void price_retroactive(const Txn& sale,
                       const std::map<std::tuple<std::string, std::string, Month>, std::int64_t>& volumes,
                       std::vector<Retroactive>& out) {
  const CompiledSchedule& schedule = *sale.result.schedule;
  const Month month = Month::of(sale.stored.business_date);
  for (const auto& fee : sale.standing.fees) {
    const Component& component = schedule.text().components[fee.component];
    if (component.volume != VolumeMode::retroactive) continue;
    const auto counter = volumes.find({sale.merchant, component.id, month});
    const std::int64_t volume = counter == volumes.end() ? 0 : counter->second;
    const std::int64_t whole = price_alone(schedule, sale.stored, {fee.component, fee.base_minor, volume});
    auto it = std::ranges::find_if(out, [&](const Retroactive& r) {
      return r.component == component.id && r.schedule == sale.result.schedule;
    });
    if (it == out.end()) it = out.insert(out.end(), {component.id, sale.result.schedule, 0, 0});
    it->charged_minor += fee.amount_minor - fee.returned_minor;
    it->due_minor += whole - given_back(schedule, fee.component, whole, sale.standing);
  }
}

void add_adjustment(const Retroactive& part, std::vector<Adjustment>& out) {
  auto it = std::ranges::find(out, part.component, &Adjustment::component);
  if (it == out.end()) it = out.insert(out.end(), {part.component, 0, 0});
  it->charged_minor += part.charged_minor;
  it->due_minor += part.due_minor;
}

}  // namespace

Priced<PeriodResult> Book::close_period(Month month, const EventFacts& who, WallTime at) {
  State& s = *state_;
  Merchant& merchant = s.merchants[who.merchant];
  if (merchant.closed.contains(month)) return refuse(Reason::already_resolved, "the month is closed");
  PeriodResult out;

  std::vector<Retroactive> parts;
  for (const auto& id : merchant.sale_ids) {
    const Txn& sale = *s.find(id);
    if (!sale.resolved && Month::of(sale.stored.business_date) == month)
      price_retroactive(sale, s.volumes, parts);
  }
  for (const auto& part : parts) {
    add_adjustment(part, out.adjustments);
    const std::int64_t amount = part.due_minor - part.charged_minor;
    const bool exempt = part.schedule->component(part.component)->tax_exempt;
    merchant.fees.push_back(
        {part.schedule->moment(at).business_date, part.component, {}, amount, !exempt, part.schedule});
    s.window(who.merchant, *part.schedule).sums[static_cast<std::size_t>(LineKind::adjustment)] -= amount;
    out.merchant_net_minor -= amount;
  }

  std::vector<SchedulePtr> of;  // a schedule of each group, for its currency
  for (const auto& entry : merchant.fees) {
    const FeeSchedule& text = entry.schedule->text();
    if (Month::of(entry.date) != month || !entry.taxable || !text.tax || text.tax->level != TaxLevel::period)
      continue;
    std::size_t g = 0;
    while (g < of.size() &&
           !(out.taxes[g].tax.mode == text.tax->mode && out.taxes[g].tax.rate_nano == text.tax->rate_nano &&
             out.taxes[g].rounding == text.rounding && of[g]->text().currency == text.currency))
      ++g;
    if (g == of.size()) {
      of.push_back(entry.schedule);
      out.taxes.push_back({*text.tax, text.rounding, 0, 0});
    }
    out.taxes[g].base_minor += entry.amount_minor;
  }
  for (std::size_t g = 0; g < of.size(); ++g) {
    auto& group = out.taxes[g];
    group.tax_minor = period_tax(group.tax, group.base_minor, group.rounding);
    if (group.tax.mode != TaxMode::exclusive) continue;
    s.window(who.merchant, *of[g]).sums[static_cast<std::size_t>(LineKind::tax)] -= group.tax_minor;
    out.merchant_net_minor -= group.tax_minor;
  }
  merchant.closed.insert(month);
  return out;
}

Priced<SettleResult> Book::settle(const EventFacts& who, WallTime at) {
  State& s = *state_;
  auto schedule = s.in_force(who, at);
  if (!schedule) return std::unexpected(std::move(schedule.error()));
  const FeeSchedule& text = (*schedule)->text();
  Window& window = s.window(who.merchant, **schedule);
  SettleResult out;
  out.business_date = (*schedule)->moment(at).business_date;
  out.lines = window.sums;
  for (const auto sum : window.sums) out.in.net_minor += sum;
  out.in.instant_paid_minor = window.instant_minor;
  out.in.brought_forward_minor = window.debt_minor;
  out.in.rounding = text.rounding;
  if (text.reserve) out.in.reserve_nano = text.reserve->rate_nano;
  for (const auto& held : window.reserves)
    if (held.release <= out.business_date) out.in.released_minor += held.amount_minor;
  std::erase_if(window.reserves, [&](const Window::Held& held) { return held.release <= out.business_date; });
  out.out = settle_batch(out.in);

  ++window.number;
  window.sums = {};
  window.instant_minor = 0;
  window.debt_minor = out.out.carried_forward_minor;
  if (out.out.reserve_minor > 0)
    window.reserves.push_back(
        {BusinessDate{out.business_date.days + text.reserve->days}, out.out.reserve_minor});
  return out;
}

}  // namespace tollgate::fees
