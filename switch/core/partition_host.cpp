// What hosts answer, or do not, and the reversal queue.
#include <fmt/format.h>

#include <algorithm>

#include "fees/receipt.h"
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

void Partition::send_request(Slot& slot) {
  const auto& txn = txns_[slot.txn];
  if (txn.state != TxnState::authorizing) return;
  const auto& rules = rules_of(txn.kind);
  const auto& terminal = *terminals_[txn.terminal];
  const auto& host = w_.reference->hosts()[slot.host];
  crypto::PinBlock pin;
  bool has_pin = false;
  if (slot.message.has(52)) {
    std::array<char, 16> control;
    const bool with_pan = slot.message.value(53, control).starts_with('2');
    const auto format = with_pan ? crypto::PinFormat::with_pan : crypto::PinFormat::without_pan;
    auto translated = host.zone_key == nullptr || terminal.keys == nullptr
                          ? std::unexpected(crypto::PinRefused{})
                          : crypto::pin_translate({.from = terminal.keys->pin, .from_format = format, .to = *host.zone_key, .block = slot.message.raw(52),
                                                   .pan = slot.pan.reveal().text()});
    if (!translated) {  // nothing went upstream: the answer is a plain refusal
      w_.links.release({slot.link, slot.host_stan, {}});
      return decline(slot, "99");
    }
    pin = std::move(*translated);
    has_pin = true;
  }
  const auto category_code = merchants_[terminal.merchant]->category.view();
  const auto undone = txns_.find_original_of(txn);
  const auto original = undone != kNoTxn ? original_data(txns_[undone], w_.config.acquirer_code) : std::string();
  build_request({.request = slot.message, .rules = rules, .rrn = txn.rrn, .local = txn.local.view(), .pan = slot.pan.reveal().text(),
                 .acquirer = w_.config.acquirer_code, .merchant_category = category_code, .pin = has_pin ? &pin : nullptr, .original_data = original},
                builder_);
  slot.was_sent = w_.links.send({slot.link, slot.host_stan, {}}, builder_, w_.now);
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

// An outcome without content, whose receipt's memory is kept for the next one.
v1::Outcome& Partition::fresh_outcome() {
  if (outcome_.has_receipt()) spare_receipt_.reset(outcome_.release_receipt());
  outcome_.Clear();
  return outcome_;
}

v1::Receipt* Partition::receipt_of(v1::Outcome& outcome) {
  if (spare_receipt_ == nullptr) return outcome.mutable_receipt();
  // Clear() of a message frees the messages inside it; these two every receipt has.
  auto* const facts = spare_receipt_->release_facts();
  auto* const totals = spare_receipt_->release_totals();
  spare_receipt_->Clear();
  if (facts != nullptr) {
    facts->Clear();
    spare_receipt_->set_allocated_facts(facts);
  }
  if (totals != nullptr) {
    totals->Clear();
    spare_receipt_->set_allocated_totals(totals);
  }
  outcome.set_allocated_receipt(spare_receipt_.release());
  return outcome.mutable_receipt();
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
  std::array<char, 1024> text;
  std::array<char, 8> code_text;
  const auto host_code = message.value(39, code_text);
  const auto code = terminal_code(host_code);
  if (code == "10") {  // partial approval: this terminal did not ask for one; undone upstream (cup dialect, section 11)
    owe(slot.txn, v1::ReversalOwed::PARTIAL, "51");
    return reply_from_slot(txns_[slot.txn].slot, txns_[slot.txn]);
  }
  auto& outcome = fresh_outcome();
  outcome.set_txn(txn.id.raw());
  const bool approved = approves(code);
  auto& host = w_.links.counters(slot.link);
  ++(approved ? host.approved : host.declined);
  host.response_codes.add(code);
  ++(approved ? w_.counters.approved : w_.counters.declined);
  outcome.set_response_code(code.data(), code.size());
  if (host_code != code) outcome.set_host_code(host_code.data(), host_code.size());
  outcome.set_approved(approved);
  if (approved) {
    // Each of them absent in most answers; what `text` holds is taken before the next one is read.
    const auto take = [&](int field, auto&& set) {
      if (const auto value = message.value(field, text); !value.empty()) set(value);
    };
    take(38, [&](std::string_view v) { outcome.set_auth_code(v.data(), v.size()); });
    take(44, [&](std::string_view v) { outcome.set_institutions(v.data(), v.size()); });
    take(54, [&](std::string_view v) { outcome.set_balances(v.data(), v.size()); });
    if (rules.effect != Effect::none) {
      const auto told = message.value(15, text);
      const auto date = told.size() == 4 ? told : settlement_date(txn.business_date);
      outcome.set_settlement_date(date.data(), date.size());
    }
    if (rules.qr) take(62, [&](std::string_view v) { outcome.set_private_62(v.data(), v.size()); });
    take(55, [&](std::string_view v) { outcome.set_chip(v.data(), v.size()); });
    outcome.set_organisation("CUP");  // domestic; an international scheme names its own in field 63 of its dialect
    if (rules.effect == Effect::sale) price_and_post(slot, txn, outcome);
    if (rules.effect == Effect::undo) price_and_post_undo(txn, outcome);
  }
  const auto slot_index = txn.slot;
  record(11, outcome);
  reply_from_slot(slot_index, txns_[slot.txn]);
}

void Partition::decline(Slot& slot, std::string_view code) {
  auto& txn = txns_[slot.txn];
  auto& outcome = fresh_outcome();
  outcome.set_txn(txn.id.raw());
  outcome.set_response_code(code.data(), code.size());
  const auto slot_index = txn.slot;
  ++w_.counters.declined;
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

void Partition::begin_entry(const Txn& txn, std::string_view type, std::uint32_t offset) {
  entry_.reset();
  auto& entry = entry_.entry();
  const auto& terminal = *terminals_[txn.terminal];
  entry.set_partition(id_.value);
  entry.set_seq(books_.last().value + 1 + offset);
  entry.set_id(take_id().raw());
  entry.set_at_us(w_.now.wall.us);
  entry.set_business_date(w_.day.date(w_.now.wall).days);
  entry.set_type(type.data(), type.size());
  entry.set_txn(txn.id.raw());
  entry.set_tid(terminal.terminal.tid());
  entry.set_merchant_code(terminal.terminal.merchant_code());
  entry.set_stan(static_cast<std::uint32_t>(txn.key & 0xFFFFF));
  entry.set_rrn(txn.rrn);
  entry.set_currency(txn.currency);
}

void Partition::price_and_post(const Slot& slot, Txn& txn, v1::Outcome& outcome) {
  const auto& schedule = *slot.schedule;
  const auto moment = schedule.moment(WallTime{txn.at_us});
  fees::Event event;
  event.amount_minor = txn.amount_minor;
  event.business_date = moment.business_date;
  event.local_minute = moment.local_minute;
  event.facts = slot.facts;
  const auto volumes = volumes_.numbers(terminals_[txn.terminal]->merchant, schedule, event.business_date, w_.reference->prices());
  fees::assess(schedule, event, volumes, assessment_);
  ++w_.counters.fee_evaluations;
  const auto& merchant_record = merchants_[terminals_[txn.terminal]->merchant]->merchant;
  fees::write_receipt(schedule, event, volumes, {terminals_[txn.terminal]->terminal.tid(), merchant_record.merchant_code(), merchant_record.sponsor()},
                      assessment_, receipt_of(outcome));

  const auto& rules = rules_of(txn.kind);
  const auto brand = lower(event.facts.brand.absent() ? std::string_view(hosts_[txn.host]) : event.facts.brand.text());
  const auto& merchant = terminals_[txn.terminal]->terminal.merchant_code();
  const ledger::SaleParties parties{rules.qr ? ledger::kQrClearing : ledger::kSchemeClearing, brand, merchant};
  std::uint32_t offset = 0;
  const auto close = [&] {
    if (entry_.empty()) return;
    entry_.build(*outcome.add_entries());
    ++offset;
  };
  begin_entry(txn, rules.label, offset);
  auto& reference = entry_.fee();
  reference.set_schedule(schedule.text().schedule_id);
  reference.set_version(static_cast<std::uint32_t>(schedule.text().version));
  if (assessment_.line_count > 0 && assessment_.lines()[0].rule != fees::kNoRule) {
    const auto& line = assessment_.lines()[0];
    reference.set_rule(schedule.text().components[line.component].rules[line.rule].id);
  }
  reference.set_hash(schedule.digest().data(), schedule.digest().size());
  ledger::sale_legs(parties, assessment_, schedule, entry_);
  close();
  begin_entry(txn, "cost", offset);
  ledger::cost_legs(parties, assessment_, entry_);
  close();
  begin_entry(txn, "agent_share", offset);
  ledger::split_legs(assessment_, schedule, entry_);
  close();
  if (txn.instant) {
    begin_entry(txn, "instant_payout", offset);
    ledger::instant_payout_legs(parties, format_id("txn_", txn.id), assessment_.totals.merchant_net_minor, entry_);
    close();
  }
}

// A void is the mirror of what stands; once the money was paid out it is a refund of all that is left instead (fees reference,
// section 3.3).
void Partition::price_and_post_undo(Txn& txn, v1::Outcome& outcome) {
  const auto index = txns_.find_original_of(txn);
  TG_CHECK(index != kNoTxn);  // it was not about to leave when this one came, and has waited for it since
  const auto& original = txns_[index];
  if (!original.instant || !refund_entries(original, txn, outcome))
    mirror_entries(original, txn, rules_of(txn.kind).label, outcome.mutable_entries());
  outcome.set_resolves(original.id.raw());
}

bool Partition::refund_entries(const Txn& original, const Txn& by, v1::Outcome& outcome) {
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
  fees::refund(*schedule, *sale, *event, volumes, assessment_);
  ++w_.counters.fee_evaluations;
  const auto& merchant = merchants_[terminal.merchant]->merchant;
  fees::write_receipt({.kind = fees::ReceiptKind::refund, .schedule = schedule.get(), .event = &*event, .volumes = volumes,
                       .parties = {terminal.terminal.tid(), merchant.merchant_code(), merchant.sponsor()}, .standing = &*sale, .assessment = &assessment_},
                      receipt_of(outcome));
  // Clearing of the original's first leg: the scheme or channel that owed the sale.
  const auto& first = original.legs.at(0);
  const ledger::SaleParties parties{{first.account}, subs_[first.sub], merchant.merchant_code()};
  std::uint32_t offset = 0;
  begin_entry(by, "void_refund", offset);
  entry_.entry().set_mirrors(0);
  ledger::sale_legs(parties, assessment_, *schedule, entry_);
  if (!entry_.empty()) {
    entry_.build(*outcome.add_entries());
    ++offset;
  }
  begin_entry(by, "agent_share", offset);
  ledger::split_legs(assessment_, *schedule, entry_);
  if (!entry_.empty()) entry_.build(*outcome.add_entries());
  return true;
}

// Every entry of the original once more with its sides exchanged (fees reference, "void", "reversal").
void Partition::mirror_entries(const Txn& original, const Txn& by, std::string_view type, google::protobuf::RepeatedPtrField<std::string>* entries) {
  std::uint32_t offset = 0;
  for (std::size_t i = 0; i < original.legs.size();) {
    const auto number = original.legs[i].entry;
    begin_entry(by, type, offset);
    entry_.entry().set_mirrors(original.first_entry + number);
    for (; i < original.legs.size() && original.legs[i].entry == number; ++i) {
      const auto& leg = original.legs[i];
      entry_.add(leg.credit ? ledger::Side::debit : ledger::Side::credit, {leg.account}, subs_[leg.sub], leg.amount_minor);
    }
    entry_.build(*entries->Add());
    ++offset;
  }
}

// ---- the reversal queue ----------------------------------------------------------------------------------------------

void Partition::owe(TxnIndex index, v1::ReversalOwed::Cause cause, std::string_view answered, std::string_view pan) {
  auto& txn = txns_[index];
  v1::ReversalOwed owed;
  owed.set_txn(txn.id.raw());
  owed.set_cause(cause);
  owed.set_answered(answered.data(), answered.size());
  if (txn.approved) mirror_entries(txn, txn, "reversal", owed.mutable_entries());
  auto& queued = owed_[txn.id.raw()];
  if (!pan.empty()) queued.pan.reveal().assign(as_bytes(pan));
  if (txn.slot != kNone) {
    auto& slot = slots_[txn.slot];
    queued.pan.reveal().assign(slot.pan.reveal().view());
    if (slot.host_stan != 0 && !slot.was_sent) w_.links.release({slot.link, slot.host_stan, {}});
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
  const auto& terminal = terminals_[txn.terminal]->terminal;
  const auto host = w_.reference->host_index(hosts_[txn.host]);
  const auto passage = host ? w_.links.reserve(*host, waiter, terminal.tid(), w_.now) : std::nullopt;
  if (!passage) return queue_reversal(index, owed, w_.config.reversal_retry);  // links are down or full; kick_reversals() may come first
  ++owed.attempts;
  owed.in_flight = true;
  build_reversal({.txn = txn, .pan = owed.pan.reveal().text(), .acquirer = w_.config.acquirer_code, .tid = terminal.tid(),
                  .merchant_code = terminal.merchant_code(), .reason = txn.code.view() == "98" ? std::string_view("98") : std::string_view("06"),
                  .rrn = txn.rrn},
                 builder_);
  (void)w_.links.send(*passage, builder_, w_.now);
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
