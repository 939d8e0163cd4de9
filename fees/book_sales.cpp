// Events that begin something: sale, hold, completion, verification, decline.
#include <algorithm>

#include "fees/book_state.h"

namespace tollgate::fees {
namespace {

LineSums& add(LineSums& sums, LineKind kind, std::int64_t minor) {
  sums[static_cast<std::size_t>(kind)] += minor;
  return sums;
}

bool on_top(const CompiledSchedule& schedule) {
  return schedule.text().tax && schedule.text().tax->mode == TaxMode::exclusive;
}

// Prices a sale with a schedule that is already chosen.
void price_sale(const CompiledSchedule& schedule, const TxnEvent& event, const EventFacts& who,
                std::int64_t amount, Txn& txn, const std::vector<std::int64_t>& numbers) {
  txn.stored.amount_minor = amount;
  txn.stored.tip_minor = event.tip_minor;
  txn.stored.cashback_minor = event.cashback_minor;
  txn.stored.facts = who.facts;
  txn.volumes = numbers;
  Assessment assessment;
  assess(schedule, txn.stored, {txn.volumes}, assessment);
  take(assessment, txn.result);
  txn.standing = standing_of(assessment, amount);
  if (txn.result.totals.merchant_net_minor < 0) txn.result.flags |= txn_flag::kNegativeNet;
}

Txn begin(SchedulePtr schedule, WallTime at, const EventFacts& who) {
  Txn txn;
  const auto moment = schedule->moment(at);
  txn.result.schedule = std::move(schedule);
  txn.result.business_date = moment.business_date;
  txn.stored.business_date = moment.business_date;
  txn.stored.local_minute = moment.local_minute;
  txn.merchant = who.merchant;
  return txn;
}

LineSums sale_sums(const CompiledSchedule& schedule, const TxnResult& result, std::int64_t amount) {
  LineSums sums{};
  add(sums, LineKind::sale, amount);
  add(sums, LineKind::fee, -result.totals.fee_minor);
  if (on_top(schedule)) add(sums, LineKind::tax, -result.totals.tax_minor);
  return sums;
}

}  // namespace

Priced<Txn> Book::State::sale(const TxnEvent& event, const EventFacts& who) {
  auto schedule = in_force(who, event.at);
  if (!schedule) return std::unexpected(std::move(schedule.error()));
  Txn txn = begin(*schedule, event.at, who);
  price_sale(**schedule, event, who, event.amount_minor, txn,
             numbers(**schedule, who.merchant, txn.result.business_date));
  if (who.facts.settlement == Settlement::instant)
    txn.result.instant_payout_minor = std::max<std::int64_t>(0, txn.result.totals.merchant_net_minor);
  add_volume(txn, txn.standing, 1);
  auto& merchant = merchants[who.merchant];
  merchant.sales.push_back({txn.result.business_date, who.terminal, event.amount_minor});
  merchant.sale_ids.push_back(event.id);
  const auto sums = sale_sums(**schedule, txn.result, event.amount_minor);
  book({*schedule, txn.result.business_date, &who, sums, txn.result.instant_payout_minor}, txn.result, txn);
  return txn;
}

Priced<Txn> Book::State::completion(const TxnEvent& event, const EventFacts& who) {
  Txn* named = find(event.ref);
  if (named == nullptr || named->body.type != EventType::preauth)
    return refuse(Reason::unknown_ref, "no pre-authorisation " + event.ref);
  Txn& hold = *find(named->root);
  if (hold.resolved || named->resolved)
    return refuse(Reason::already_resolved, "the hold is completed or released");
  const SchedulePtr schedule = hold.result.schedule;
  Txn txn = begin(schedule, event.at, who);
  price_sale(*schedule, event, who, event.amount_minor, txn,
             numbers(*schedule, who.merchant, txn.result.business_date));
  if (who.facts.settlement == Settlement::instant)
    txn.result.instant_payout_minor = std::max<std::int64_t>(0, txn.result.totals.merchant_net_minor);
  txn.result.hold_minor = -hold.hold_minor;
  hold.resolved = true;
  add_volume(txn, txn.standing, 1);
  auto& merchant = merchants[who.merchant];
  merchant.sales.push_back({txn.result.business_date, who.terminal, event.amount_minor});
  merchant.sale_ids.push_back(event.id);
  const auto sums = sale_sums(*schedule, txn.result, event.amount_minor);
  book({schedule, txn.result.business_date, &who, sums, txn.result.instant_payout_minor}, txn.result, txn);
  return txn;
}

Priced<Txn> Book::State::preauth(const TxnEvent& event, const EventFacts& who) {
  Txn* root = nullptr;
  SchedulePtr schedule;
  std::int64_t whole = event.amount_minor;
  if (!event.ref.empty()) {
    Txn* named = find(event.ref);
    if (named == nullptr || named->body.type != EventType::preauth)
      return refuse(Reason::unknown_ref, "no pre-authorisation " + event.ref);
    root = find(named->root);
    if (root->resolved || named->resolved)
      return refuse(Reason::already_resolved, "the hold is completed or released");
    whole += root->hold_minor;
    if (whole > kAmountMax) return refuse(Reason::amount_range, "the hold would grow beyond its bounds");
    schedule = root->result.schedule;
  } else {
    auto found = in_force(who, event.at);
    if (!found) return std::unexpected(std::move(found.error()));
    schedule = *found;
  }
  Txn txn = begin(schedule, event.at, who);
  price_sale(*schedule, event, who, whole, txn, numbers(*schedule, who.merchant, txn.result.business_date));
  txn.result.flags |= txn_flag::kMemo;
  txn.result.hold_minor = event.amount_minor;
  txn.root = root == nullptr ? event.id : find(event.ref)->root;
  txn.hold_minor = event.amount_minor;
  if (root != nullptr) root->hold_minor = whole;
  return txn;
}

Priced<Txn> Book::State::release(const TxnEvent& event, const EventFacts& who) {
  (void)who;
  Txn* named = find(event.ref);
  if (named == nullptr || named->body.type != EventType::preauth)
    return refuse(Reason::unknown_ref, "no pre-authorisation " + event.ref);
  return release_hold(event, *named, true);
}

// A reversed increment takes back itself alone; everything else ends the hold.
Priced<Txn> Book::State::release_hold(const TxnEvent& event, Txn& named, bool whole) {
  Txn& root = *find(named.root);
  if (root.resolved || named.resolved)
    return refuse(Reason::already_resolved, "the hold is completed or released");
  const bool part = !whole && &named != &root;
  const std::int64_t back = part ? named.hold_minor : root.hold_minor;
  std::int64_t left = root.hold_minor - back;
  if (event.replacement_minor) {
    if (*event.replacement_minor >= back)
      return refuse(Reason::amount_range, "the replacement is not below the hold");
    left += *event.replacement_minor;
  }
  Txn txn = begin(root.result.schedule, event.at, named.body.facts);
  txn.result.hold_minor = left - root.hold_minor;
  txn.result.flags = txn_flag::kMemo;
  root.hold_minor = left;
  if (event.replacement_minor) {
    if (part) named.hold_minor = *event.replacement_minor;
  } else {
    (part ? named : root).resolved = true;
  }
  return txn;
}

Priced<Txn> Book::State::attempt(const TxnEvent& event, const EventFacts& who) {
  auto schedule = in_force(who, event.at);
  if (!schedule) return std::unexpected(std::move(schedule.error()));
  Txn txn = begin(*schedule, event.at, who);
  txn.stored.kind = event.type == EventType::verify ? PricedEvent::verify : PricedEvent::decline;
  txn.stored.amount_minor = event.type == EventType::verify ? 0 : event.amount_minor;
  txn.stored.facts = who.facts;
  txn.volumes = numbers(**schedule, who.merchant, txn.result.business_date);
  Assessment assessment;
  assess(**schedule, txn.stored, {txn.volumes}, assessment);
  take(assessment, txn.result);
  if (event.type == EventType::decline && txn.result.lines.empty()) txn.result.flags |= txn_flag::kNoReceipt;
  const auto sums = sale_sums(**schedule, txn.result, 0);
  book({*schedule, txn.result.business_date, &who, sums}, txn.result, txn);
  return txn;
}

}  // namespace tollgate::fees
