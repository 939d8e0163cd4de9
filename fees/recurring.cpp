#include "fees/recurring.h"

#include <algorithm>

#include "fees/number.h"

namespace tollgate::fees {
namespace {

int days_in_month(int year, int month) noexcept {
  const CalendarFields next =
      month == 12 ? CalendarFields{year + 1, 1, 1} : CalendarFields{year, month + 1, 1};
  return from_calendar(next).days - from_calendar({year, month, 1}).days;
}

Period calendar_period(Cycle cycle, BusinessDate start, std::int32_t k) noexcept {
  const auto fields = calendar(start);
  const std::int32_t months = cycle == Cycle::year ? 12 : 1;
  const BusinessDate first = from_calendar({fields.year, cycle == Cycle::year ? 1 : fields.month, 1});
  const BusinessDate whole_from = add_months(first, k * months);
  Period period;
  period.from = k == 0 ? start : whole_from;
  period.to = add_months(first, (k + 1) * months);
  period.days = period.to.days - whole_from.days;
  period.month_anchor = period.from;
  while (add_months(period.from, period.months) < period.to)
    ++period.months;  // a part of a month counts as one
  return period;
}

}  // namespace

BusinessDate add_months(BusinessDate anchor, std::int32_t months) noexcept {
  const auto f = calendar(anchor);
  const std::int32_t index = f.year * 12 + (f.month - 1) + months;
  const int year = index / 12, month = index % 12 + 1;
  return from_calendar({year, month, std::min(f.day, days_in_month(year, month))});
}

Month Month::of(BusinessDate date) noexcept {
  const auto f = calendar(date);
  return {f.year * 12 + f.month - 1};
}

Period period_of(const RecurringFee& fee, BusinessDate activated, std::int32_t k) noexcept {
  const BusinessDate start{activated.days + fee.free_days};
  if (fee.anchor == Anchor::calendar) return calendar_period(fee.cycle, start, k);
  const std::int32_t months = fee.cycle == Cycle::year ? 12 : 1;
  Period period;
  period.from = add_months(start, k * months);
  period.to = add_months(start, (k + 1) * months);
  period.days = period.used();
  period.months = months;
  period.month_anchor = start;
  period.month_skip = k * months;
  return period;
}

std::int64_t due(const Due& fee, std::int32_t used, std::int32_t days) noexcept {
  if (fee.proration == Proration::none || days == 0) return fee.amount_minor;
  return divide_rounded(Int128{fee.amount_minor} * used, days, fee.rounding);
}

std::int64_t earned(std::int64_t amount_minor, const Period& period, BusinessDate on,
                    Rounding mode) noexcept {
  std::int32_t whole = 0;
  while (whole < period.months && add_months(period.month_anchor, period.month_skip + whole + 1) <= on)
    ++whole;
  return divide_rounded(Int128{amount_minor} * whole, std::max(period.months, 1), mode);
}

BatchOut settle_batch(const BatchIn& in) noexcept {
  const std::int64_t due = in.net_minor - in.instant_paid_minor - in.brought_forward_minor;
  BatchOut out;
  if (due > 0) out.reserve_minor = divide_rounded(Int128{due} * in.reserve_nano, kNano, in.rounding);
  const std::int64_t payout = due - out.reserve_minor + in.released_minor;
  out.payout_minor = std::max<std::int64_t>(0, payout);
  out.carried_forward_minor = std::max<std::int64_t>(0, -payout);
  return out;
}

std::int64_t period_tax(const Tax& tax, std::int64_t base_minor, Rounding mode) noexcept {
  const std::int64_t magnitude = base_minor < 0 ? -base_minor : base_minor;
  const std::int64_t divisor = tax.mode == TaxMode::inclusive ? kNano + tax.rate_nano : kNano;
  const std::int64_t amount = divide_rounded(Int128{magnitude} * tax.rate_nano, divisor, mode);
  return base_minor < 0 ? -amount : amount;
}

}  // namespace tollgate::fees
