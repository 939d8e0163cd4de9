// What hosts answer, or do not, and the reversal queue.
#include <fmt/format.h>

#include <algorithm>

#include "switch/base/check.h"
#include "switch/core/host_request.h"
#include "switch/core/partition.h"
#include "switch/iso/private_fields.h"

namespace tollgate::core {
namespace {

constexpr Duration kRetryMax = std::chrono::seconds(60);

// Towards the terminal a code of two letters or digits; anything else is a bad reply of the host (20).
std::string_view terminal_code(std::string_view host_code) noexcept {
  const auto known = [](char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); };
  return host_code.size() == 2 && std::ranges::all_of(host_code, known) ? host_code : std::string_view("20");
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](unsigned char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : static_cast<char>(c); });
  return out;
}

}  // namespace

// First its slot, then what that names, then the keys for its answer's MAC.
void Partition::expect(const Waiter& waiter, int step) const noexcept {
  if (waiter.reversal) return;
  if (step == 0) return slots_.expect(waiter.slot);
  const auto* slot = slots_.get(waiter.slot, waiter.generation);
  if (slot == nullptr || slot->txn == kNoTxn) return;
  step == 1 ? expect(*slot) : expect(slot->terminal, false);
}

void Partition::expect(const Slot& slot) const noexcept {
  txns_.expect_at(slot.txn);
  prefetch_for_writing(slot.frame.data(), slot.frame.size());
  terminals_[slot.terminal]->expect();
}

void Partition::on_answer(const Waiter& waiter, const iso::MessageView& message) {
  std::array<char, 8> code;
  const auto host_code = message.value(39, code);
  if (waiter.reversal) return settle_reversal(txns_.find_id(waiter.txn), host_code);
  auto* slot = slots_.get(waiter.slot, waiter.generation);
  if (slot == nullptr) {  // the terminal took it back meanwhile
    ++w_.counters.late_replies;
    return;
  }
  finish(*slot, message);
}

// Field 15 where the host names none: the business date, MMDD.
std::string_view Partition::settlement_date(BusinessDate day) {
  if (day != settlement_day_ || settlement_text_.empty()) {
    const auto date = calendar(day);
    settlement_text_.assign(fmt::format("{:02}{:02}", date.month, date.day));
    settlement_day_ = day;
  }
  return settlement_text_.view();
}

// An answer for a request whose terminal is still waiting.
void Partition::finish(Slot& slot, const iso::MessageView& message) {
  auto& txn = txns_[slot.txn];
  const auto& rules = rules_of(txn.kind);
  std::array<char, 6 * 1024> text;  // six fields, each at its longest
  std::array<char, 8> code_text;
  const auto host_code = message.value(39, code_text);
  const auto code = terminal_code(host_code);
  if (code == "10") {  // partial approval: this terminal did not ask for one; undone upstream (cup dialect, section 11)
    owe(slot.txn, v1::ReversalOwed::PARTIAL, "51");
    return reply_from_slot(txns_[slot.txn].slot, txns_[slot.txn]);
  }
  OutcomeFacts outcome;
  outcome.txn = txn.id;
  outcome.approved = approves(code);
  auto& host = w_.links.counters(slot.place.link);
  ++(outcome.approved ? host.approved : host.declined);
  host.response_codes.add(code);
  ++(outcome.approved ? w_.counters.approved : w_.counters.declined);
  outcome.response_code = code;
  if (host_code != code) outcome.host_code = host_code;
  if (outcome.approved) {
    std::span<char> room(text);
    const auto take = [&](int field) {
      const auto value = message.value(field, room);
      room = room.subspan(value.size());
      return value;
    };
    outcome.auth_code = take(38);
    outcome.institutions = take(44);
    outcome.balances = take(54);
    if (rules.effect != Effect::none) {
      const auto told = take(15);
      outcome.settlement_date = told.size() == 4 ? told : settlement_date(txn.business_date);
    }
    if (rules.qr) outcome.private_62 = take(62);
    outcome.chip = take(55);
    outcome.organisation = "CUP";  // domestic; an international scheme names its own in field 63 of its dialect
    if (rules.effect == Effect::sale) price_and_post(slot, txn, outcome);
    if (rules.effect == Effect::undo) price_and_post_undo(txn, outcome);
  }
  const auto slot_index = txn.slot;
  txns_.remember(slot.txn);
  record(11, outcome);
  reply_from_slot(slot_index, txns_[slot.txn]);
}

void Partition::decline(Slot& slot, std::string_view code) {
  auto& txn = txns_[slot.txn];
  OutcomeFacts outcome;
  outcome.txn = txn.id;
  outcome.response_code = code;
  const auto slot_index = txn.slot;
  ++w_.counters.declined;
  txns_.remember(slot.txn);
  record(11, outcome);
  reply_from_slot(slot_index, txns_[slot.txn]);
}

// The answer joins the group of its record; the slot is free again.
void Partition::reply_from_slot(std::uint32_t slot_index, const Txn& txn) {
  auto& slot = slots_[slot_index];
  auto answer = reply_of(txn, slot.row, slot.message);
  answer.pan = slot.pan.reveal().text();
  reply(slot.connection, *w_.config.listeners[slot.listener].dialect, slot.message, answer, slot.received);
  txns_[slot.txn].slot = kNone;
  slots_.release(slot_index);
}

void Partition::on_timeout(const Waiter& waiter) {
  if (waiter.reversal) return retry_reversal(txns_.find_id(waiter.txn));
  auto* slot = slots_.get(waiter.slot, waiter.generation);
  if (slot == nullptr) return;
  ++w_.counters.timeouts;
  const auto index = slot->txn;
  const auto slot_index = txns_[index].slot;
  owe(index, v1::ReversalOwed::TIMEOUT, "98");
  reply_from_slot(slot_index, txns_[index]);
}

void Partition::on_lost(const Waiter& waiter, bool sent) {
  if (waiter.reversal) return retry_reversal(txns_.find_id(waiter.txn));
  auto* slot = slots_.get(waiter.slot, waiter.generation);
  if (slot == nullptr || slot->txn == kNoTxn) return;
  if (!sent) return decline(*slot, "91");  // nothing left this machine: nothing to undo
  const auto index = slot->txn;
  const auto slot_index = txns_[index].slot;
  owe(index, v1::ReversalOwed::LINK_LOST, "98");
  reply_from_slot(slot_index, txns_[index]);
}

void Partition::on_late(const Waiter& waiter, const iso::MessageView& message, bool duplicate) {
  ++(duplicate ? w_.counters.duplicate_replies : w_.counters.late_replies);
  if (waiter.reversal || duplicate) return;
  v1::LateReply late;
  late.set_txn(waiter.txn.raw());
  std::array<char, 8> code;
  const auto text = message.value(39, code);
  late.set_host_code(text.data(), text.size());
  record(16, late);
}

// ---- prices and entries ----------------------------------------------------------------------------------------------

// The next entry of `txn`, without its legs.
ledger::EntryFacts Partition::entry_facts(const Txn& txn, std::string_view type) {
  const auto& terminal = *terminals_[txn.terminal];
  ledger::EntryFacts entry;
  entry.partition = id_;
  entry.seq = EntrySeq{books_.last().value + 1 + scratch_.entry.count()};
  entry.id = take_id();
  entry.at = w_.now.wall;
  entry.business_date = today();
  entry.type = type;
  entry.txn = txn.id;
  entry.tid = terminal.tid.view();
  entry.merchant_code = terminal.merchant_code.view();
  entry.stan = static_cast<std::uint32_t>(txn.key & 0xFFFFF);
  entry.rrn = txn.rrn;
  entry.currency = Currency{txn.currency};
  return entry;
}

// The receipt of what was priced becomes a part of the outcome.
void Partition::take_receipt(const fees::ReceiptInput& input, OutcomeFacts& outcome) {
  const auto& schedule = *input.schedule;
  scratch_.receipt.clear();
  fees::write_receipt(input, scratch_.receipt);
  scratch_.bases.clear();
  for (const auto& line : input.assessment->lines()) scratch_.bases.push_back({line.component, line.base_minor});
  outcome.priced = true;
  outcome.receipt = scratch_.receipt.text();
  outcome.receipt_kind = static_cast<v1::ReceiptKind>(input.kind);
  if (input.kind != fees::ReceiptKind::sale) return;  // a refund takes nothing back from the volumes
  outcome.sold = {.schedule_id = schedule.text().schedule_id,
                  .version = static_cast<std::uint32_t>(schedule.text().version),
                  .schedule_hash = as_text(schedule.digest()),
                  .business_date = input.event->business_date,
                  .bases = scratch_.bases};
}

void Partition::price_and_post(const Slot& slot, Txn& txn, OutcomeFacts& outcome) {
  const auto& schedule = *slot.schedule;
  const auto& terminal = *terminals_[txn.terminal];
  const auto& merchant = merchants_[terminal.merchant]->merchant;
  const auto moment = schedule.moment(WallTime{txn.at_us});
  fees::Event event;
  event.amount_minor = txn.amount_minor;
  event.business_date = moment.business_date;
  event.local_minute = moment.local_minute;
  event.facts = slot.facts;
  const auto volumes = volumes_.numbers(terminal.merchant, schedule, event.business_date, w_.reference->prices());
  fees::assess(schedule, event, volumes, scratch_.assessment);
  ++w_.counters.fee_evaluations;
  take_receipt({.kind = fees::ReceiptKind::sale, .schedule = &schedule, .event = &event, .volumes = volumes,
                .parties = {terminal.tid.view(), terminal.merchant_code.view(), merchant.sponsor()}, .assessment = &scratch_.assessment},
               outcome);

  const auto& rules = rules_of(txn.kind);
  const auto brand = lower(event.facts.brand.absent() ? std::string_view(hosts_[txn.host]) : event.facts.brand.text());
  const ledger::SaleParties parties{rules.qr ? ledger::kQrClearing : ledger::kSchemeClearing, brand, terminal.merchant_code.view()};
  scratch_.entry.reset();
  const auto close = [&] {
    if (!scratch_.entry.empty()) scratch_.entry.build();
  };
  auto sale = entry_facts(txn, rules.label);
  auto& fee = sale.fee.emplace();
  fee.schedule = schedule.text().schedule_id;
  fee.version = static_cast<std::uint32_t>(schedule.text().version);
  if (scratch_.assessment.line_count > 0 && scratch_.assessment.lines()[0].rule != fees::kNoRule) {
    const auto& line = scratch_.assessment.lines()[0];
    fee.rule = schedule.text().components[line.component].rules[line.rule].id;
  }
  fee.hash = schedule.digest();
  scratch_.entry.begin(sale);
  ledger::sale_legs(parties, scratch_.assessment, schedule, scratch_.entry);
  close();
  scratch_.entry.begin(entry_facts(txn, "cost"));
  ledger::cost_legs(parties, scratch_.assessment, scratch_.entry);
  close();
  scratch_.entry.begin(entry_facts(txn, "agent_share"));
  ledger::split_legs(scratch_.assessment, schedule, scratch_.entry);
  close();
  if (txn.instant) {
    scratch_.entry.begin(entry_facts(txn, "instant_payout"));
    ledger::instant_payout_legs(parties, format_id("txn_", txn.id), scratch_.assessment.totals.merchant_net_minor, scratch_.entry);
    close();
  }
  outcome.entries = scratch_.entry.built();
}

// A void is the mirror of what stands; once the money was paid out it is a refund of all that is left instead (fees reference,
// section 3.3).
void Partition::price_and_post_undo(Txn& txn, OutcomeFacts& outcome) {
  const auto index = txns_.find_original_of(txn);
  TG_CHECK(index != kNoTxn);  // it was not about to leave when this one came, and has waited for it since
  const auto& original = txns_[index];
  if (!original.instant || !refund_entries(original, txn, outcome)) mirror_entries(original, txn, rules_of(txn.kind).label);
  outcome.entries = scratch_.entry.built();
  outcome.resolves = original.id;
}

bool Partition::refund_entries(const Txn& original, const Txn& by, OutcomeFacts& outcome) {
  v1::Receipt receipt;
  if (original.receipt == nullptr || !receipt.ParseFromString(*original.receipt)) return false;
  const auto schedule = w_.reference->prices().find(receipt.schedule_id(), static_cast<std::int32_t>(receipt.version()));
  if (schedule == nullptr) return false;
  const auto sale = fees::standing_of(receipt, *schedule);
  auto event = fees::event_of(receipt);
  if (!sale || !event) return false;
  event->kind = fees::PricedEvent::refund;
  event->amount_minor = sale->left_minor();
  const auto moment = schedule->moment(w_.now.wall);
  event->business_date = moment.business_date;
  event->local_minute = moment.local_minute;
  const auto& terminal = *terminals_[original.terminal];
  const auto volumes = volumes_.numbers(terminal.merchant, *schedule, event->business_date, w_.reference->prices());
  fees::refund(*schedule, *sale, *event, volumes, scratch_.assessment);
  ++w_.counters.fee_evaluations;
  const auto& merchant = merchants_[terminal.merchant]->merchant;
  take_receipt({.kind = fees::ReceiptKind::refund, .schedule = schedule.get(), .event = &*event, .volumes = volumes,
                .parties = {terminal.tid.view(), terminal.merchant_code.view(), merchant.sponsor()}, .standing = &*sale, .assessment = &scratch_.assessment},
               outcome);
  // Clearing of the original's first leg: the scheme or channel that owed the sale.
  const auto& first = original.legs.at(0);
  const ledger::SaleParties parties{{first.account}, subs_[first.sub], merchant.merchant_code()};
  scratch_.entry.reset();
  scratch_.entry.begin(entry_facts(by, "void_refund"));
  ledger::sale_legs(parties, scratch_.assessment, *schedule, scratch_.entry);
  if (!scratch_.entry.empty()) scratch_.entry.build();
  scratch_.entry.begin(entry_facts(by, "agent_share"));
  ledger::split_legs(scratch_.assessment, *schedule, scratch_.entry);
  if (!scratch_.entry.empty()) scratch_.entry.build();
  return true;
}

// Every entry of the original once more with its sides exchanged (fees reference, "void", "reversal").
void Partition::mirror_entries(const Txn& original, const Txn& by, std::string_view type) {
  scratch_.entry.reset();
  for (std::size_t i = 0; i < original.legs.size();) {
    const auto number = original.legs[i].entry;
    auto facts = entry_facts(by, type);
    facts.mirrors = EntrySeq{original.first_entry + number};
    scratch_.entry.begin(facts);
    for (; i < original.legs.size() && original.legs[i].entry == number; ++i) {
      const auto& leg = original.legs[i];
      scratch_.entry.add(leg.credit ? ledger::Side::debit : ledger::Side::credit, {leg.account}, subs_[leg.sub], leg.amount_minor);
    }
    scratch_.entry.build();
  }
}

// ---- the reversal queue ----------------------------------------------------------------------------------------------

void Partition::owe(TxnIndex index, v1::ReversalOwed::Cause cause, std::string_view answered, std::string_view pan) {
  auto& txn = txns_[index];
  v1::ReversalOwed owed;
  owed.set_txn(txn.id.raw());
  owed.set_cause(cause);
  owed.set_answered(answered.data(), answered.size());
  if (txn.approved) {
    mirror_entries(txn, txn, "reversal");
    for (const auto& entry : scratch_.entry.built()) owed.add_entries(entry.bytes.data(), entry.bytes.size());
  }
  auto& queued = owed_[txn.id.raw()];
  if (!pan.empty()) queued.pan.reveal().assign(as_bytes(pan));
  if (txn.slot != kNone) {
    auto& slot = slots_[txn.slot];
    queued.pan.reveal().assign(slot.pan.reveal().view());
    w_.links.release(slot.place);  // if nothing was sent there, nothing will be
  }
  ++w_.counters.reversal_causes[v1::ReversalOwed::Cause_Name(cause)];
  record(13, owed);
  After after;
  after.kind = After::Kind::send_reversal;
  after.txn = index;
  gathering_.after.push_back(after);
}

void Partition::send_reversal(TxnIndex index) {
  const auto& txn = txns_[index];
  const auto it = owed_.find(txn.id.raw());
  if (txn.state != TxnState::reversing || it == owed_.end()) return;
  auto& owed = it->second;
  owed.durable = true;
  if (owed.in_flight) return;
  const Waiter waiter{position_, true, 0, 0, txn.id};
  const auto& terminal = *terminals_[txn.terminal];
  const auto host = w_.reference->host_index(hosts_[txn.host]);
  const auto passage = host ? w_.links.reserve(*host, waiter, terminal.tid.view(), w_.now) : std::nullopt;
  if (!passage) return queue_reversal(index, owed, w_.config.reversal_retry);  // links are down or full; kick_reversals() may come first
  ++owed.attempts;
  owed.in_flight = true;
  build_reversal({.txn = txn, .pan = owed.pan.reveal().text(), .acquirer = w_.config.acquirer_code, .tid = terminal.tid.view(),
                  .merchant_code = terminal.merchant_code.view(), .reason = txn.code.view() == "98" ? std::string_view("98") : std::string_view("06"),
                  .rrn = txn.rrn},
                 scratch_.builder);
  const auto frame = w_.links.encode(*passage, scratch_.builder, scratch_.reversal);
  if (!frame) {
    wipe(scratch_.reversal.data(), scratch_.reversal.size());
    w_.links.release(passage->place);
    return retry_reversal(index);
  }
  w_.links.send(passage->place, *frame, w_.now);
  wipe(scratch_.reversal.data(), frame->size());
}

void Partition::retry_reversal(TxnIndex index) {
  if (index == kNoTxn) return;
  const auto it = owed_.find(txns_[index].id.raw());
  if (it == owed_.end()) return;
  it->second.in_flight = false;
  const auto pause = std::min<Duration>(w_.config.reversal_retry * (1 << std::min<std::uint32_t>(it->second.attempts, 6)), kRetryMax);
  queue_reversal(index, it->second, pause);
}

void Partition::queue_reversal(TxnIndex index, Owed& owed, Duration pause) {
  if (std::exchange(owed.queued, true)) return;
  retries_.emplace_back(w_.now.instant + pause, index);
}

void Partition::settle_reversal(TxnIndex index, std::string_view code) {
  if (index == kNoTxn || !owed_.contains(txns_[index].id.raw())) return;
  const bool unknown = code == "25" || code == "12";
  if (code != "00" && !unknown) return retry_reversal(index);
  v1::ReversalSettled settled;
  settled.set_txn(txns_[index].id.raw());
  settled.set_host_code(code.data(), code.size());
  settled.set_outcome(unknown ? "unknown_to_host" : "acknowledged");
  record(15, settled);
}

void Partition::kick_reversals() {
  std::vector<TxnIndex> waiting;
  for (const auto& [raw, owed] : owed_)
    if (owed.durable && !owed.in_flight) waiting.push_back(txns_.find_id(TxnId(raw)));
  std::ranges::sort(waiting);  // oldest first, and the same order in every run
  for (const auto index : waiting)
    if (index != kNoTxn) send_reversal(index);
}

}  // namespace tollgate::core
