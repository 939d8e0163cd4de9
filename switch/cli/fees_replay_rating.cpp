#include "switch/cli/fees_replay_rating.h"

#include <fmt/format.h>

#include <algorithm>

#include "storage/group.h"
#include "switch/base/ids.h"

namespace tollgate::cli {
namespace {

using fees::Assessment;
using fees::CompiledSchedule;

// What the merchant pays: fees, and tax where it comes on top.
std::int64_t paid(const Assessment& a, const CompiledSchedule& schedule) {
  const auto& tax = schedule.text().tax;
  const bool on_top = tax && tax->mode == fees::TaxMode::exclusive;
  return a.totals.fee_minor + (on_top ? a.totals.tax_minor : 0);
}

// Ready to be merged into, with the sub-messages and strings that it has grown: Clear alone frees what every
// receipt holds, and the next one would allocate it again.
void empty(v1::Receipt& receipt) {
  auto* facts = receipt.release_facts();
  auto* totals = receipt.release_totals();
  receipt.Clear();
  if (facts != nullptr) {
    facts->Clear();
    receipt.set_allocated_facts(facts);
  }
  if (totals != nullptr) {
    totals->Clear();
    receipt.set_allocated_totals(totals);
  }
}

}  // namespace

Rating::Rating(const ReplayOptions& options, const Published& published, const Undone& undone,
               ReplayTotals totals)
    : options_(options), published_(published), undone_(undone), totals_(std::move(totals)) {}

bool Rating::read(ByteView receipt) {
  empty(receipt_);
  const google::protobuf::StringPiece text(reinterpret_cast<const char*>(receipt.data()), receipt.size());
  if (!receipt_.ParseFrom<google::protobuf::MessageLite::kMerge>(text)) return false;
  if (own_ != nullptr && receipt_.schedule_hash() == last_hash_) return true;
  const auto it = published_.find(receipt_.schedule_hash());
  own_ = it == published_.end() ? nullptr : it->second;
  last_hash_ = receipt_.schedule_hash();
  return true;
}

bool Rating::asked_for() const {
  const auto date = receipt_.business_date();
  if (date < options_.from.days || date > options_.to.days) return false;
  const auto& list = options_.merchants;
  return list.empty() || std::ranges::find(list, receipt_.facts().merchant()) != list.end();
}

void Rating::differs(const OutcomeBytes& outcome, const storage::Group& group, const std::string& what) {
  ++totals_.differ;
  if (totals_.differences.size() >= kDifferencesShown) return;
  totals_.differences.push_back(fmt::format("{} offset {} {}: {}",
                                            storage::group_place(group.partition, group.group),
                                            outcome.offset, format_id("txn_", TxnId(outcome.txn)), what));
}

void Rating::rate(const OutcomeBytes& outcome, const storage::Group& group) {
  if (outcome.receipt.empty()) return;
  if (!read(outcome.receipt)) return differs(outcome, group, "the receipt does not parse");
  if (options_.candidate != nullptr) keep(outcome.txn);
  if (!asked_for()) return;
  if (own_ == nullptr) {
    ++totals_.rated;
    return differs(outcome, group,
                   fmt::format("schedule {}@{} with that hash was never published", receipt_.schedule_id(),
                               receipt_.version()));
  }
  if (options_.candidate == nullptr) return under_own(outcome, group);
  under_candidate(outcome, group);
}

void Rating::recollect(const OutcomeBytes& outcome) {
  if (!outcome.receipt.empty() && undone_.referred(outcome.txn) && read(outcome.receipt)) keep(outcome.txn);
}

void Rating::keep(std::uint64_t txn) {
  if (own_ == nullptr || !undone_.referred(txn)) return;
  if (auto sale = fees::past_sale(receipt_, *own_, *options_.candidate)) sales_[txn] = std::move(*sale);
}

void Rating::under_own(const OutcomeBytes& outcome, const storage::Group& group) {
  ++totals_.rated;
  const auto difference = fees::recompute(receipt_, *own_);
  if (!difference) return;
  differs(outcome, group, *difference);
  const auto before = fees::assessment_of(receipt_, *own_);
  const auto after = fees::priced_again(receipt_, *own_);
  if (before && after) add(*before, *after, *own_);
}

void Rating::under_candidate(const OutcomeBytes& outcome, const storage::Group& group) {
  if (undone_.undone(outcome.txn)) return static_cast<void>(++totals_.undone);
  if (own_->text().currency != options_.candidate->text().currency)
    return static_cast<void>(++totals_.other_currency);
  ++totals_.rated;
  const fees::PastSale* sale = nullptr;
  if (const auto it = sales_.find(undone_.original_of(outcome.txn)); it != sales_.end()) sale = &it->second;
  const auto before = fees::assessment_of(receipt_, *own_);
  const auto after = fees::what_if(receipt_, *own_, *options_.candidate, sale);
  if (!before || !after) return differs(outcome, group, "a receipt that does not read");
  add(*before, *after, *options_.candidate);
}

void Rating::add(const Assessment& before, const Assessment& after, const CompiledSchedule& priced_by) {
  const auto currency = own_->text().currency.number;
  auto& merchant = totals_.merchants[{receipt_.facts().merchant(), currency}];
  ++merchant.receipts;
  merchant.before += paid(before, *own_);
  merchant.after += paid(after, priced_by);
  merchant.net_before += before.totals.merchant_net_minor;
  merchant.net_after += after.totals.merchant_net_minor;
  const auto component = [&](const CompiledSchedule& schedule, const fees::Line& line) -> ReplaySums& {
    return totals_.components[{schedule.text().components[line.component].id, currency}];
  };
  for (const auto& line : after.lines()) {
    auto& sums = component(priced_by, line);
    ++sums.receipts;
    sums.after += line.amount_minor;
  }
  for (const auto& line : before.lines()) {
    auto& sums = component(*own_, line);
    sums.before += line.amount_minor;
    const auto& id = own_->text().components[line.component].id;
    if (priced_by.component(id) == nullptr) ++sums.receipts;  // the candidate dropped it
  }
}

}  // namespace tollgate::cli
