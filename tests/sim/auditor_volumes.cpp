// The auditor's own sums of what each merchant sold in a month, held against the number in every receipt. The
// schedule of the simulated world has one component that reads it (the third, whose base is the amount).
#include <fmt/format.h>

#include <chrono>

#include "tests/sim/auditor.h"

namespace tollgate::test {
namespace {

constexpr std::uint32_t kReader = 2;  // place of the component

int month_of(std::int32_t business_date) {
  const std::chrono::year_month_day day{std::chrono::sys_days{std::chrono::days{business_date}}};
  return static_cast<int>(day.year()) * 12 + static_cast<int>(static_cast<unsigned>(day.month()));
}

}  // namespace

void Auditor::count_sale(Partition& p, Txn& txn, const v1::Receipt& receipt) {
  std::int64_t number = 0;
  for (const auto& volume : receipt.volumes())
    if (volume.component() == kReader) number = volume.number();
  txn.month = month_of(receipt.business_date());
  auto& sum = p.volumes[{txn.merchant, txn.month}];
  ++seen_.volumes_checked;
  if (number != 0) ++seen_.volumes_not_zero;
  if (number != sum)
    violated("P9",
             fmt::format("the receipt of a sale of {} has volume {}, {} were sold before it in that month",
                         txn.amount_minor, number, sum));
  txn.counted = receipt.amount_minor();
  sum += txn.counted;
}

// A void (not of an instant sale, which is a refund) or a reversal takes a sale back; a void that is reversed
// gives it again.
void Auditor::count_again(Partition& p, const Txn& sale, int direction) {
  if (sale.month != 0) p.volumes[{sale.merchant, sale.month}] += direction * sale.counted;
}

}  // namespace tollgate::test
