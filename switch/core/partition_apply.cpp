// The fold. Each apply() looks at its record and the state before it, at nothing else: no clock, no reference data, no chance.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "switch/base/check.h"
#include "switch/core/partition.h"

namespace tollgate::core {
namespace {

template <class Bytes16>
void copy16(std::string_view from, Bytes16& to) {
  if (from.size() == to.bytes.size()) std::memcpy(to.bytes.data(), from.data(), sizeof(to.bytes));
}

constexpr std::uint64_t kRrnRange = 1'000'000'000;

}  // namespace

bool Partition::replay(const RecordView& record, GroupNo group) {
  const auto replay_as = [&](auto facts) {
    if (!read(record.body, facts)) return false;
    apply(facts, group, record.at_us);
    return true;
  };
  switch (record.kind) {
    case v1::Record::kIntent: return replay_as(IntentFacts{});
    case v1::Record::kRefusal: return replay_as(RefusalFacts{});
    case v1::Record::kTombstone: return replay_as(TombstoneFacts{});
    case v1::Record::kOutcome: {
      const auto* facts = replayed_.read(record.body);
      if (facts != nullptr) apply(*facts, group, record.at_us);
      return facts != nullptr;
    }
    default: break;
  }
  v1::Record message;
  if (!message.ParseFromArray(record.bytes.data(), static_cast<int>(record.bytes.size()))) return false;
  return apply(message, group);
}

// The rare ones. False: it is none of them, as of the house, of a newer release, or not as we write it.
bool Partition::apply(const v1::Record& record, GroupNo group) {
  switch (record.body_case()) {
    case v1::Record::kReversalOwed: apply(record.reversal_owed(), group, record.at_us()); break;
    case v1::Record::kReversalSent: apply(record.reversal_sent(), group, record.at_us()); break;
    case v1::Record::kReversalSettled: apply(record.reversal_settled(), group, record.at_us()); break;
    case v1::Record::kLateReply: apply(record.late_reply(), group, record.at_us()); break;
    case v1::Record::kSignedOn: apply(record.signed_on(), group, record.at_us()); break;
    case v1::Record::kSignedOff: apply(record.signed_off(), group, record.at_us()); break;
    case v1::Record::kServed: apply(record.served(), group, record.at_us()); break;
    case v1::Record::kMerchantSet: apply(record.merchant_set(), group, record.at_us()); break;
    case v1::Record::kTerminalSet: apply(record.terminal_set(), group, record.at_us()); break;
    case v1::Record::kTerminalActivated: apply(record.terminal_activated(), group, record.at_us()); break;
    case v1::Record::kHoldOpened: apply(record.hold_opened(), group, record.at_us()); break;
    case v1::Record::kHoldReleased: apply(record.hold_released(), group, record.at_us()); break;
    case v1::Record::kIdempotency: apply(record.idempotency(), group, record.at_us()); break;
    case v1::Record::kVaultChanged: break;
    default: return false;
  }
  return true;
}

// The table is full and forgets its oldest: its terminal's messages up to this STAN can no longer be told from repeats. The
// mark only moves forward, and never for what was refused: anybody can send that, with any STAN.
void Partition::note_leaving() {
  const auto* txn = txns_.leaving();
  if (txn == nullptr || txn->terminal == kNone || txn->state == TxnState::refused) return;
  auto& terminal = *terminals_[txn->terminal];
  const auto stan = TxnTable::stan_of(txn->key);
  if (TxnTable::batch_of(txn->key) != terminal.batch) return;
  if (terminal.forgotten_stan == 0 || stan_follows(stan, terminal.forgotten_stan)) terminal.forgotten_stan = stan;
}

TxnIndex Partition::insert_txn(const RequestFacts& request, TxnId id, std::int64_t at_us) {
  const auto it = terminal_by_id_.find(request.terminal.raw());
  const auto terminal = it == terminal_by_id_.end() ? kNone : it->second;
  const auto key = TxnTable::key_of(terminal, request.batch, request.stan);
  note_leaving();
  const auto index = txns_.insert(key, id, static_cast<std::uint16_t>(request.mti));
  TG_CHECK(index != kNoTxn);  // the gate asked for room before
  auto& txn = txns_[index];
  txn.terminal = terminal;
  txn.kind = rules_of_stored(request.kind).kind;
  txn.instant = request.instant;
  txn.amount_minor = request.amount_minor;
  txn.currency = static_cast<std::uint16_t>(request.currency);
  txn.processing_code = request.processing_code;
  txn.at_us = at_us;
  copy16(request.digest, txn.digest);
  copy16(request.pan_token, txn.token);
  txn.original = request.original;
  if (terminal != kNone) terminals_[terminal]->last_seen_us = at_us;
  return index;
}

void Partition::apply(const IntentFacts& intent, GroupNo group, std::int64_t at_us) {
  const auto index = insert_txn(intent.request, intent.txn, at_us);
  auto& txn = txns_[index];
  txn.state = TxnState::authorizing;
  txn.rrn = intent.rrn;
  next_rrn_ = std::max(next_rrn_, intent.rrn % kRrnRange + 1);
  txn.local.assign(intent.local);
  txn.business_date = intent.business_date;
  txn.host = intern(intent.routing.host);
  txn.host_stan = intent.routing.stan;
  txn.transmitted.assign(intent.routing.transmitted);
  if (!intent.request.pan_masked.empty()) {
    txn.pan_group = group.value;
    ++pan_open_[group.value];
  }
  if (const auto original = txns_.find_original_of(txn); original != kNoTxn) txns_[original].resolving = true;
  if (txn.terminal != kNone) terminals_[txn.terminal]->last_transaction_us = at_us;
}

void Partition::post_entries(Txn& txn, std::span<const ledger::EntryView> entries) {
  legs_scratch_.clear();
  std::uint8_t number = 0;
  for (const auto& entry : entries) {
    books_.post(entry);
    if (txn.first_entry == 0) txn.first_entry = entry.seq;
    ++txn.entry_seqs;
    if (!replaying_) ++w_.counters.entries;
    for (const auto& leg : entry.legs)
      legs_scratch_.push_back({leg.amount_minor, intern_sub(leg.sub), static_cast<std::uint16_t>(leg.account), leg.credit, number});
    ++number;
  }
  if (!legs_scratch_.empty()) txn.legs.assign(legs_scratch_.begin(), legs_scratch_.end());
}

// A void or reversal took effect (undone), or was itself taken back.
void Partition::undo_in_books(Txn& original, bool undone) {
  original.voided = undone;
  original.resolving = false;
  if (original.terminal == kNone) return;
  auto& terminal = *terminals_[original.terminal];
  const auto sign = undone ? -1 : 1;
  if (original.kind == iso::Kind::void_sale || original.kind == iso::Kind::qr_void) return;
  terminal.batch_count = static_cast<std::uint32_t>(static_cast<std::int64_t>(terminal.batch_count) + sign);
  terminal.batch_total_minor += sign * original.amount_minor;
}

// A sale adds its bases, a mirror takes back what its sale added; a void that is booked as a refund takes nothing back.
void Partition::count_volumes(Txn& txn, const OutcomeFacts& outcome) {
  if (txn.terminal == kNone) return;
  const auto merchant = terminals_[txn.terminal]->merchant;
  if (!outcome.resolves) {
    if (outcome.receipt_kind == v1::RECEIPT_SALE) txn.counted = volumes_.count(merchant, outcome.sold, txn.amount_minor);
    return;
  }
  const auto original = txns_.find_id(outcome.resolves);
  if (outcome.priced || original == kNoTxn || w_.config.test.keep_voided_volume) return;
  txn.counted = txns_[original].counted;
  txn.counted.taken_back = 1;
  volumes_.move(merchant, txn.counted, txns_[original].amount_minor, -1);
}

// It is undone: what it added goes, what it took back stands again.
void Partition::uncount_volumes(Txn& txn) {
  if (txn.terminal == kNone) return;
  volumes_.move(terminals_[txn.terminal]->merchant, txn.counted, txn.amount_minor, txn.counted.taken_back ? 1 : -1);
  txn.counted = {};
}

void Partition::apply(const OutcomeFacts& outcome, GroupNo, std::int64_t) {
  const auto index = txns_.find_id(outcome.txn);
  TG_CHECK(index != kNoTxn);
  auto& txn = txns_[index];
  txn.state = TxnState::completed;
  txn.approved = outcome.approved;
  txn.code.assign(outcome.response_code);
  txn.auth_code.assign(outcome.auth_code);
  const std::array<Extra, 6> extras{{{15, outcome.settlement_date},
                           {44, outcome.institutions},
                           {54, outcome.balances},
                           {55, outcome.chip},
                           {62, outcome.private_62},
                           {63, outcome.organisation}}};
  set_extras(txn.extras, extras);
  close_pan(txn);
  post_entries(txn, outcome.entries);
  if (const auto original = txns_.find_original_of(txn); original != kNoTxn) txns_[original].resolving = false;
  if (!txn.approved) return;
  count_volumes(txn, outcome);
  if (txn.instant && outcome.priced && rules_of(txn.kind).effect == Effect::sale) txn.receipt = std::make_unique<std::string>(outcome.receipt);
  if (outcome.resolves) {
    if (const auto original = txns_.find_id(outcome.resolves); original != kNoTxn) undo_in_books(txns_[original], true);
  } else if (rules_of(txn.kind).effect == Effect::sale && txn.terminal != kNone) {
    auto& terminal = *terminals_[txn.terminal];
    ++terminal.batch_count;
    terminal.batch_total_minor += txn.amount_minor;
  }
}

void Partition::apply(const RefusalFacts& refusal, GroupNo, std::int64_t at_us) {
  next_rrn_ = std::max(next_rrn_, refusal.rrn % kRrnRange + 1);
  if (!refusal.txn) {  // no terminal, no STAN, or one that is taken
    Refused refused;
    copy16(refusal.request.digest, refused.digest);
    refused.rrn = refusal.rrn;
    refused.local.assign(refusal.local);
    refused.code.assign(refusal.response_code);
    return refusals_.add(refused);
  }
  const auto index = insert_txn(refusal.request, refusal.txn, at_us);
  auto& txn = txns_[index];
  txn.state = refusal.binding ? TxnState::completed : TxnState::refused;
  txn.rrn = refusal.rrn;
  txn.local.assign(refusal.local);
  txn.code.assign(refusal.response_code);
}

void Partition::apply(const v1::ReversalOwed& owed, GroupNo, std::int64_t) {
  const auto index = txns_.find_id(TxnId(owed.txn()));
  TG_CHECK(index != kNoTxn);
  auto& txn = txns_[index];
  const bool was_approved = txn.approved;
  const bool was_open = txn.state == TxnState::authorizing;
  txn.state = TxnState::reversing;
  if (!owed.answered().empty()) txn.code.assign(owed.answered());
  if (was_open && txn.code.empty()) txn.code.assign("98");
  owed_[owed.txn()].cause = owed.cause();
  if (!replaying_) ++w_.counters.reversals_owed_total;
  if (const auto of = txns_.find_original_of(txn); of != kNoTxn) {
    auto& original = txns_[of];
    original.resolving = false;
    if (was_approved) undo_in_books(original, false);  // the void is taken back: what it undid stands again
  }
  if (!owed.entries().empty()) {
    Txn scratch;
    owed_entries_.clear();
    for (const auto& bytes : owed.entries()) TG_CHECK(owed_entries_.add(as_bytes(bytes)));
    post_entries(scratch, owed_entries_.entries());
  }
  if (was_approved) {
    uncount_volumes(txn);
    if (rules_of(txn.kind).effect == Effect::sale) undo_in_books(txn, true);
    txn.voided = true;
  }
}

void Partition::apply(const v1::ReversalSent& sent, GroupNo, std::int64_t) {
  if (const auto it = owed_.find(sent.txn()); it != owed_.end()) it->second.attempts = sent.attempt();
}

void Partition::apply(const v1::ReversalSettled& settled, GroupNo, std::int64_t) {
  owed_.erase(settled.txn());
  const auto index = txns_.find_id(TxnId(settled.txn()));
  TG_CHECK(index != kNoTxn);
  txns_[index].state = TxnState::reversed;
  close_pan(txns_[index]);
}

void Partition::apply(const v1::LateReply&, GroupNo, std::int64_t) {}  // kept for whoever reads the journal

void Partition::apply(const TombstoneFacts& tombstone, GroupNo, std::int64_t at_us) {
  next_rrn_ = std::max(next_rrn_, tombstone.rrn % kRrnRange + 1);
  auto& txn = txns_[insert_txn(tombstone.request, tombstone.txn, at_us)];
  txn.state = TxnState::completed;
  txn.rrn = tombstone.rrn;
  txn.local.assign(tombstone.local);
  txn.code.assign(tombstone.response_code);
}

void Partition::apply(const v1::SignedOn& signed_on, GroupNo, std::int64_t at_us) {
  const auto it = terminal_by_id_.find(signed_on.terminal());
  TG_CHECK(it != terminal_by_id_.end());
  auto& terminal = *terminals_[it->second];
  terminal.signed_on = true;
  terminal.batch = signed_on.batch();
  terminal.key_generation = signed_on.key_generation();
  terminal.sign_in_txn = TxnId(signed_on.txn());
  terminal.signed_on_us = terminal.last_seen_us = at_us;
}

void Partition::apply(const v1::SignedOff& signed_off, GroupNo, std::int64_t at_us) {
  const auto it = terminal_by_id_.find(signed_off.terminal());
  TG_CHECK(it != terminal_by_id_.end());
  terminals_[it->second]->signed_on = false;
  terminals_[it->second]->last_seen_us = at_us;
}

void Partition::apply(const v1::Served& served, GroupNo, std::int64_t at_us) {
  next_rrn_ = std::max(next_rrn_, served.rrn() % kRrnRange + 1);
  if (const auto it = terminal_by_id_.find(served.terminal()); it != terminal_by_id_.end()) terminals_[it->second]->last_seen_us = at_us;
}

void Partition::apply(const v1::MerchantSet& set, GroupNo, std::int64_t) {
  const auto& merchant = set.merchant();
  const auto [it, fresh] = merchant_by_code_.try_emplace(merchant.merchant_code(), static_cast<std::uint32_t>(merchants_.size()));
  if (fresh) {
    merchants_.push_back(std::make_unique<MerchantState>());
    merchant_by_id_.emplace(merchant.id(), it->second);
  }
  merchants_[it->second]->merchant = merchant;
  merchants_[it->second]->category.assign(fmt::format("{:04}", merchant.mcc()));
}

void Partition::apply(const v1::TerminalSet& set, GroupNo, std::int64_t) {
  const auto& terminal = set.terminal();
  const auto key = TerminalKey::of(terminal.tid(), terminal.merchant_code());
  TG_CHECK(key.has_value());
  const auto [it, fresh] = terminal_by_key_.try_emplace(*key, static_cast<std::uint32_t>(terminals_.size()));
  if (fresh) {
    terminals_.push_back(std::make_unique<Terminal>());
    terminal_by_id_.emplace(terminal.id(), it->second);
    const auto merchant = merchant_by_code_.find(terminal.merchant_code());
    TG_CHECK(merchant != merchant_by_code_.end());
    terminals_.back()->merchant = merchant->second;
    ++merchants_[merchant->second]->terminals;
    w_.directory->add(terminal.tid());
  }
  auto& state = *terminals_[it->second];
  if (state.terminal.serial_number() != terminal.serial_number()) state.forgotten_stan = 0;  // another device counts anew
  state.set(terminal);
}

void Partition::apply(const v1::TerminalActivated& activated, GroupNo, std::int64_t at_us) {
  auto* terminal = terminal_by(ObjectId(activated.terminal()));
  TG_CHECK(terminal != nullptr);
  terminal->activate();
  terminal->terminal.set_state_since_us(at_us);
  terminal->terminal.set_version(terminal->terminal.version() + 1);
}

void Partition::apply(const v1::HoldOpened& opened, GroupNo, std::int64_t at_us) {
  const auto& hold = opened.hold();
  holds_[hold.id()] = hold;
  if (hold.until_us() != 0 && (next_until_us_ == 0 || hold.until_us() < next_until_us_)) next_until_us_ = hold.until_us();
  if (hold.scope() == "merchant") {
    auto* merchant = merchant_by(ObjectId(hold.owner()));
    TG_CHECK(merchant != nullptr);
    merchant->holds.push_back(hold.id());
    merchant->merchant.set_version(merchant->merchant.version() + 1);
    return;
  }
  auto* terminal = terminal_by(ObjectId(hold.owner()));
  TG_CHECK(terminal != nullptr);
  if (terminal->holds.empty()) terminal->terminal.set_state_since_us(at_us);
  terminal->holds.push_back(hold.id());
  terminal->terminal.set_version(terminal->terminal.version() + 1);
}

void Partition::apply(const v1::HoldReleased& released, GroupNo, std::int64_t at_us) {
  const auto it = holds_.find(released.hold());
  TG_CHECK(it != holds_.end());
  const ObjectId owner(it->second.owner());
  if (auto* merchant = merchant_by(owner)) {
    std::erase(merchant->holds, released.hold());
    merchant->merchant.set_version(merchant->merchant.version() + 1);
  } else if (auto* terminal = terminal_by(owner)) {
    std::erase(terminal->holds, released.hold());
    if (terminal->holds.empty()) terminal->terminal.set_state_since_us(at_us);
    terminal->terminal.set_version(terminal->terminal.version() + 1);
  }
  holds_.erase(it);
}

void Partition::apply(const v1::Idempotency& idempotency, GroupNo, std::int64_t at_us) { idempotency_.add(idempotency, at_us); }

}  // namespace tollgate::core
