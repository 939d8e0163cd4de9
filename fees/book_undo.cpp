// Events that refer to a sale: refund, void, reversal, chargeback, representment.
#include <algorithm>

#include "fees/book_state.h"

namespace tollgate::fees {
namespace {

bool is_sale(const Txn* txn) {
  return txn != nullptr && (txn->body.type == EventType::sale || txn->body.type == EventType::completion);
}

bool on_top(const CompiledSchedule& schedule) {
  return schedule.text().tax && schedule.text().tax->mode == TaxMode::exclusive;
}

std::int64_t& at(LineSums& sums, LineKind kind) {
  return sums[static_cast<std::size_t>(kind)];
}

// What a change puts into the window: the amount under its own kind, fees by direction.
LineSums sums_of(const TxnResult& result, LineKind kind, std::int64_t amount, LineKind back) {
  LineSums sums{};
  at(sums, kind) = amount;
  for (const Line& line : result.lines)
    if (line.payer == Payer::merchant)
      at(sums, (line.flags & flag::kReturned) != 0 ? back : LineKind::fee) -= line.amount_minor;
  if (on_top(*result.schedule)) at(sums, LineKind::tax) -= result.totals.tax_minor;
  return sums;
}

// An event on the books of a transaction: its schedule is pinned, date and time are its own.
Txn follow(const SchedulePtr& schedule, const std::string& merchant, WallTime time, const EventFacts& who) {
  Txn txn;
  const auto moment = schedule->moment(time);
  txn.result.schedule = schedule;
  txn.result.business_date = moment.business_date;
  txn.stored.business_date = moment.business_date;
  txn.stored.local_minute = moment.local_minute;
  txn.stored.facts = who.facts;
  txn.merchant = merchant;
  return txn;
}

}  // namespace

Priced<Txn> Book::State::refund(const TxnEvent& event, const EventFacts& who) {
  if (!event.ref.empty()) {
    Txn* sale = find(event.ref);
    if (!is_sale(sale)) return refuse(Reason::unknown_ref, "no sale " + event.ref);
    if (sale->resolved) return refuse(Reason::already_resolved, "the sale is voided or reversed");
    if (event.amount_minor > sale->standing.left_minor())
      return refuse(Reason::over_refund, "more than is left of the sale");
    return refund_of(event, who, *sale, event.amount_minor);
  }
  auto schedule = in_force(who, event.at);
  if (!schedule) return std::unexpected(std::move(schedule.error()));
  Txn txn = follow(*schedule, who.merchant, event.at, who);
  txn.stored.kind = PricedEvent::refund;
  txn.stored.amount_minor = event.amount_minor;
  txn.volumes = numbers(**schedule, who.merchant, txn.result.business_date);
  Assessment change;
  refund_unlinked(**schedule, txn.stored, {txn.volumes}, change);
  take(change, txn.result);
  const auto sums = sums_of(txn.result, LineKind::refund, -event.amount_minor, LineKind::fee_returned);
  book({*schedule, txn.result.business_date, &who, sums}, txn.result, txn);
  return txn;
}

Priced<Txn> Book::State::refund_of(const TxnEvent& event, const EventFacts& who, Txn& sale,
                                   std::int64_t amount_minor) {
  const SchedulePtr schedule = sale.result.schedule;
  Txn txn = follow(schedule, sale.merchant, event.at, who);
  txn.stored.kind = PricedEvent::refund;
  txn.stored.amount_minor = amount_minor;
  txn.original = event.ref;
  txn.volumes = numbers(*schedule, sale.merchant, txn.result.business_date);
  Assessment change;
  fees::refund(*schedule, sale.standing, txn.stored, {txn.volumes}, change);
  take(change, txn.result);
  apply_refund(*schedule, change, amount_minor, 1, sale.standing);
  const auto sums = sums_of(txn.result, LineKind::refund, -amount_minor, LineKind::fee_returned);
  book({schedule, txn.result.business_date, &who, sums}, txn.result, txn);
  return txn;
}

Priced<Txn> Book::State::chargeback(const TxnEvent& event, const EventFacts& who) {
  Txn* sale = find(event.ref);
  if (!is_sale(sale)) return refuse(Reason::unknown_ref, "no sale " + event.ref);
  if (sale->resolved) return refuse(Reason::already_resolved, "the sale is voided or reversed");
  if (event.amount_minor > sale->standing.left_minor())
    return refuse(Reason::over_refund, "more than is left of the sale");
  const SchedulePtr schedule = sale->result.schedule;
  Txn txn = follow(schedule, sale->merchant, event.at, who);
  txn.stored.kind = PricedEvent::chargeback;
  txn.stored.amount_minor = event.amount_minor;
  txn.original = event.ref;
  txn.volumes = numbers(*schedule, sale->merchant, txn.result.business_date);
  Assessment change;
  fees::chargeback(*schedule, txn.stored, {txn.volumes}, change);
  take(change, txn.result);
  sale->standing.disputed_minor += event.amount_minor;
  const auto sums = sums_of(txn.result, LineKind::chargeback, -event.amount_minor, LineKind::fee_returned);
  book({schedule, txn.result.business_date, &who, sums}, txn.result, txn);
  return txn;
}

Priced<Txn> Book::State::representment(const TxnEvent& event, const EventFacts& who) {
  Txn* lost = find(event.ref);
  if (lost == nullptr || lost->body.type != EventType::chargeback)
    return refuse(Reason::unknown_ref, "no chargeback " + event.ref);
  if (lost->resolved) return refuse(Reason::already_resolved, "the chargeback was won before");
  const SchedulePtr schedule = lost->result.schedule;
  const std::int64_t amount = lost->stored.amount_minor;
  Txn txn = follow(schedule, lost->merchant, event.at, who);
  Assessment change;
  fees::representment(amount, change);
  take(change, txn.result);
  lost->resolved = true;
  find(lost->original)->standing.disputed_minor -= amount;
  const auto sums = sums_of(txn.result, LineKind::representment, amount, LineKind::fee_returned);
  book({schedule, txn.result.business_date, &who, sums}, txn.result, txn);
  return txn;
}

Priced<Txn> Book::State::void_sale(const TxnEvent& event, const EventFacts& who) {
  Txn* sale = find(event.ref);
  if (!is_sale(sale)) return refuse(Reason::unknown_ref, "no sale " + event.ref);
  if (sale->resolved) return refuse(Reason::already_resolved, "the sale is voided or reversed");
  const Standing& standing = sale->standing;
  if (standing.refunded_minor > 0) return refuse(Reason::has_refunds, "the sale has refunds");
  if (!paid_out(*sale)) {
    if (standing.disputed_minor > 0) return refuse(Reason::has_refunds, "the sale has an open chargeback");
    return mirror_of(event, who, *sale);
  }
  if (standing.left_minor() == 0 && standing.amount_minor > 0)
    return refuse(Reason::over_refund, "nothing is left of the sale");
  auto txn = refund_of(event, who, *sale, standing.left_minor());
  txn->result.flags |= txn_flag::kAsRefund;
  if (sale->standing.amount_minor == 0) sale->resolved = true;  // no amount tells that it was given back
  return txn;
}

Priced<Txn> Book::State::mirror_of(const TxnEvent& event, const EventFacts& who, Txn& sale) {
  Txn txn = follow(sale.result.schedule, sale.merchant, event.at, who);
  txn.original = event.ref;
  Assessment change;
  mirror(*sale.result.schedule, sale.standing, change);
  take(change, txn.result);
  sale.resolved = true;
  add_volume(sale, sale.standing, -1);
  const std::int64_t amount = sale.standing.amount_minor - sale.standing.refunded_minor;
  merchants[sale.merchant].sales.push_back({sale.stored.business_date, sale.body.facts.terminal, -amount});
  const auto sums = sums_of(txn.result, LineKind::sale, -amount, LineKind::fee);
  book({sale.result.schedule, txn.result.business_date, &who, sums}, txn.result, txn);
  return txn;
}

Priced<Txn> Book::State::reprice_of(const TxnEvent& event, const EventFacts& who, Txn& sale) {
  const std::int64_t replacement = *event.replacement_minor;
  if (replacement >= sale.standing.amount_minor ||
      replacement < sale.stored.tip_minor + sale.stored.cashback_minor)
    return refuse(Reason::amount_range, "the replacement is not below the amount, or below tip and cashback");
  Txn txn = follow(sale.result.schedule, sale.merchant, event.at, who);
  txn.original = event.ref;
  Event stored = sale.stored;
  stored.amount_minor = replacement;
  Assessment fresh, change;
  reprice(*sale.result.schedule, sale.standing, stored, {sale.volumes}, fresh, change);
  take(change, txn.result);
  const std::int64_t less = sale.standing.amount_minor - replacement;
  add_volume(sale, sale.standing, -1);
  apply_reprice(fresh, replacement, sale.standing);
  add_volume(sale, sale.standing, 1);
  sale.stored = stored;
  merchants[sale.merchant].sales.push_back({sale.stored.business_date, sale.body.facts.terminal, -less});
  const auto sums = sums_of(txn.result, LineKind::sale, -less, LineKind::fee);
  book({sale.result.schedule, txn.result.business_date, &who, sums}, txn.result, txn);
  return txn;
}

// The reversal of a void or a refund: its mirror, and the sale stands again as far as that went.
Priced<Txn> Book::State::undo(const TxnEvent& event, const EventFacts& who, Txn& booked) {
  if (booked.resolved) return refuse(Reason::already_resolved, "it was reversed before");
  if (event.replacement_minor) return refuse(Reason::amount_range, "only a sale has a replacement amount");
  const SchedulePtr schedule = booked.result.schedule;
  Txn txn = follow(schedule, booked.merchant, event.at, who);
  txn.original = event.ref;
  const Assessment before = assessment_of(booked.result);
  Assessment change;
  negate(before, change);
  take(change, txn.result);
  booked.resolved = true;
  if (Txn* sale = booked.original.empty() ? nullptr : find(booked.original); sale != nullptr) {
    if (booked.stored.kind == PricedEvent::refund) {
      apply_refund(*schedule, before, booked.stored.amount_minor, -1, sale->standing);
      if (sale->standing.amount_minor == 0) sale->resolved = false;
    } else {
      sale->resolved = false;
      add_volume(*sale, sale->standing, 1);
      merchants[sale->merchant].sales.push_back(
          {sale->stored.business_date, sale->body.facts.terminal, sale->standing.amount_minor});
    }
  }
  LineSums sums{};
  for (std::size_t i = 0; i < kLineKinds; ++i) sums[i] = -booked.sums[i];
  book({schedule, txn.result.business_date, &who, sums}, txn.result, txn);
  return txn;
}

Priced<Txn> Book::State::reversal(const TxnEvent& event, const EventFacts& who) {
  Txn* original = event.ref.empty() ? nullptr : find(event.ref);
  if (original == nullptr) {
    if (event.ref.empty()) return refuse(Reason::unknown_ref, "a reversal names its original");
    auto schedule = in_force(who, event.at);
    if (!schedule) return std::unexpected(std::move(schedule.error()));
    Txn txn;
    txn.merchant = who.merchant;
    txn.result.business_date = (*schedule)->moment(event.at).business_date;
    txn.result.flags = txn_flag::kTombstone;
    tombstones.insert(event.ref);
    return txn;
  }
  switch (original->body.type) {
    case EventType::sale:
    case EventType::completion:
      if (original->resolved) return refuse(Reason::already_resolved, "the sale is voided or reversed");
      if (original->standing.refunded_minor > 0 || original->standing.disputed_minor > 0)
        return refuse(Reason::has_refunds, "the sale has refunds or an open chargeback");
      return event.replacement_minor ? reprice_of(event, who, *original) : mirror_of(event, who, *original);
    case EventType::preauth:
      return release_hold(event, *original, false);
    case EventType::refund:
    case EventType::void_sale:
      return undo(event, who, *original);
    default:
      return refuse(Reason::unknown_ref, event.ref + " cannot be reversed");
  }
}

}  // namespace tollgate::fees
