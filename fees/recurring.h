// Recurring fees: which periods there are, what falls due in one, what of it is earned (reference
// "fees", 3.4). Pure date and money arithmetic; who was charged what is kept by the books. Dates are business
// dates, periods half-open.
#pragma once

#include <cstdint>

#include "fees/model.h"
#include "switch/base/time.h"

namespace tollgate::fees {

// k months after the anchor, clamped to the end of the month: 31 Jan, 28 Feb, 31 Mar; 29 Feb, 28 Feb, …, 29
// Feb.
[[nodiscard]] BusinessDate add_months(BusinessDate anchor, std::int32_t months) noexcept;

// Months since year 0, for counters by month.
struct Month {
  std::int32_t index = 0;
  [[nodiscard]] static Month of(BusinessDate date) noexcept;
  [[nodiscard]] Month before() const noexcept { return {index - 1}; }
  friend constexpr auto operator<=>(Month, Month) noexcept = default;
};

struct Period {
  BusinessDate from, to;        // served: [from, to)
  std::int32_t days = 0;        // of the whole period, also when it is cut
  std::int32_t months = 0;      // of the whole period
  BusinessDate month_anchor;    // months of this period begin here and are counted from it
  std::int32_t month_skip = 0;  // months between the anchor and `from`
  [[nodiscard]] std::int32_t used() const noexcept { return to.days - from.days; }
};

// Period number k (from 0) of a fee whose subject was activated on that date. CALENDAR: months or years of
// the calendar, the first one from the start on.
[[nodiscard]] Period period_of(const RecurringFee& fee, BusinessDate activated, std::int32_t k) noexcept;

// What is due for `used` of `days`: the amount, or its share by DAILY.
struct Due {
  std::int64_t amount_minor = 0;
  Proration proration = Proration::none;
  Rounding rounding = Rounding::half_up;
};
[[nodiscard]] std::int64_t due(const Due& fee, std::int32_t used, std::int32_t days) noexcept;

// What of a charge in advance is earned on a date: round(amount × whole months since the first day / months
// in all).
[[nodiscard]] std::int64_t earned(std::int64_t amount_minor, const Period& period, BusinessDate on,
                                  Rounding mode) noexcept;

// One settlement batch of a merchant. Amounts are sums of booked postings; nothing is a rate on totals but
// the reserve.
struct BatchIn {
  std::int64_t net_minor = 0;  // Σ merchant_net since the last barrier
  std::int64_t instant_paid_minor = 0;
  std::int64_t brought_forward_minor = 0;  // debt, ≥ 0
  std::int64_t released_minor = 0;         // reserves whose days are over
  std::int64_t reserve_nano = 0;
  Rounding rounding = Rounding::half_up;
};
struct BatchOut {
  std::int64_t reserve_minor = 0;
  std::int64_t payout_minor = 0;
  std::int64_t carried_forward_minor = 0;  // debt, ≥ 0
};
[[nodiscard]] BatchOut settle_batch(const BatchIn& in) noexcept;

// Tax on a sum of fees of a period, which may be negative: rounded by magnitude.
[[nodiscard]] std::int64_t period_tax(const Tax& tax, std::int64_t base_minor, Rounding mode) noexcept;

}  // namespace tollgate::fees
