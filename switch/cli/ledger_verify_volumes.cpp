#include "switch/cli/ledger_verify_volumes.h"

#include <fmt/format.h>

#include <algorithm>

#include "fees/number.h"
#include "fees/receipt.h"
#include "switch/base/ids.h"

namespace tollgate::cli {

void VolumeSums::add(const Sale& sale, int direction) {
  if (sale.month < newest_[sale.merchant].before()) return;
  for (const auto& [component, base] : sale.bases)
    sums_[{sale.merchant, component, sale.month}] += direction * base;
}

std::int64_t VolumeSums::sum(const std::string& merchant, const std::string& component,
                             fees::Month month) const {
  const auto newest = newest_.find(merchant);
  if (newest == newest_.end() || month < newest->second.before()) return 0;
  const auto it = sums_.find({merchant, component, month});
  return it == sums_.end() ? 0 : std::clamp<std::int64_t>(it->second, 0, fees::kVolumeMax);
}

std::optional<std::string> VolumeSums::on_receipt(std::uint64_t txn, const v1::Receipt& receipt,
                                                  const fees::CompiledSchedule& schedule) {
  const auto numbers = fees::volumes_of(receipt);
  const auto& components = schedule.text().components;
  const auto month = fees::Month::of(BusinessDate{receipt.business_date()});
  const auto& merchant = receipt.facts().merchant();
  std::optional<std::string> broken;
  if (!numbers) broken = "volume numbers that do not read";
  for (std::size_t i = 0; numbers && i < components.size() && !broken; ++i) {
    const bool reads = std::ranges::find(schedule.volume_readers(), i) != schedule.volume_readers().end();
    const bool running = components[i].volume == fees::VolumeMode::running;
    const auto expected = reads ? sum(merchant, components[i].id, running ? month : month.before()) : 0;
    const auto stored = i < numbers->size() ? (*numbers)[i] : 0;
    if (stored != expected)
      broken = fmt::format("{}: the volume of {} is {} in the receipt, {} by sequence",
                           format_id("txn_", TxnId(txn)), components[i].id, stored, expected);
  }
  if (receipt.kind() != v1::RECEIPT_SALE) return broken;
  Sale sale{merchant, month, {}};
  for (const auto& line : receipt.lines())
    if (line.component() < components.size())
      sale.bases.emplace_back(components[line.component()].id, line.base_minor());
  if (auto& newest = newest_[merchant]; newest < month) {
    newest = month;
    std::erase_if(sums_, [&](const auto& entry) {
      return std::get<0>(entry.first) == merchant && std::get<2>(entry.first) < month.before();
    });
  }
  add(sale, 1);
  sales_[txn] = std::move(sale);
  return broken;
}

void VolumeSums::on_mirror(std::uint64_t txn, std::uint64_t original) {
  const auto it = sales_.find(original);
  if (it == sales_.end()) return;
  mirrors_[txn] = original;
  add(it->second, -1);
  it->second.standing = false;
}

void VolumeSums::on_reversal(std::uint64_t txn) {
  if (const auto it = sales_.find(txn); it != sales_.end()) {
    if (it->second.standing) add(it->second, -1);
    it->second.standing = false;
  } else if (const auto voided = mirrors_.find(txn); voided != mirrors_.end()) {
    if (const auto sale = sales_.find(voided->second); sale != sales_.end()) {
      add(sale->second, 1);
      sale->second.standing = true;
    }
    mirrors_.erase(voided);
  }
}

}  // namespace tollgate::cli
