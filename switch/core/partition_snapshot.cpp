// A partition's whole state as bytes, and back: what replay from the first record would give.
#include <algorithm>

#include "switch/core/partition.h"

namespace tollgate::core {
namespace {

template <class Bytes16>
void load16(std::string_view from, Bytes16& to) {
  if (from.size() == to.bytes.size()) std::ranges::copy(as_bytes(from), to.bytes.begin());
}

}  // namespace

void Partition::save_txn(const Txn& txn, v1::TxnSnapshot& t) const {
  t.set_id(txn.id.raw());
  t.set_key(txn.key);
  t.set_terminal(txn.terminal == kNone ? 0 : txn.terminal + 1);
  t.set_original(txn.original.raw());
  t.set_kind(rules_of(txn.kind).stored);
  t.set_mti(txn.mti);
  t.set_state(static_cast<std::uint32_t>(txn.state));
  t.set_approved(txn.approved);
  t.set_voided(txn.voided);
  t.set_resolving(txn.resolving);
  t.set_instant(txn.instant);
  t.set_currency(txn.currency);
  t.set_host(hosts_[txn.host]);
  for (const auto& leg : txn.legs) {
    auto& l = *t.add_legs();
    l.set_account(leg.account | std::uint32_t{leg.entry} << 16);
    l.set_sub(subs_[leg.sub]);
    l.set_credit(leg.credit);
    l.set_amount_minor(leg.amount_minor);
  }
  t.set_amount_minor(txn.amount_minor);
  t.set_rrn(txn.rrn);
  t.set_at_us(txn.at_us);
  t.set_business_date(txn.business_date.days);
  t.set_processing_code(txn.processing_code);
  t.set_first_entry(txn.first_entry);
  t.set_entries(txn.entry_seqs);
  t.set_host_stan(txn.host_stan);
  t.set_pan_group(txn.pan_group);
  t.set_digest(txn.digest.bytes.data(), txn.digest.bytes.size());
  t.set_token(txn.token.bytes.data(), txn.token.bytes.size());
  const auto text = [](auto view) { return std::string(view); };
  t.set_code(text(txn.code.view()));
  t.set_auth_code(text(txn.auth_code.view()));
  t.set_local(text(txn.local.view()));
  t.set_transmitted(text(txn.transmitted.view()));
  t.set_extras(txn.extras);
  if (txn.receipt != nullptr) t.set_receipt(*txn.receipt);
}

bool Partition::load_txn(const v1::TxnSnapshot& t) {
  const auto index = txns_.insert(t.key(), TxnId(t.id()), static_cast<std::uint16_t>(t.mti()));
  if (index == kNoTxn) return false;
  auto& txn = txns_[index];
  txn.terminal = t.terminal() == 0 ? kNone : t.terminal() - 1;
  txn.original = TxnId(t.original());
  txn.kind = rules_of_stored(t.kind()).kind;
  txn.state = static_cast<TxnState>(t.state());
  txn.approved = t.approved();
  txn.voided = t.voided();
  txn.resolving = t.resolving();
  txn.instant = t.instant();
  txn.currency = static_cast<std::uint16_t>(t.currency());
  txn.host = intern(t.host());
  for (const auto& leg : t.legs())
    txn.legs.push_back({leg.amount_minor(), intern_sub(leg.sub()), static_cast<std::uint16_t>(leg.account()), leg.credit(),
                        static_cast<std::uint8_t>(leg.account() >> 16)});
  txn.amount_minor = t.amount_minor();
  txn.rrn = t.rrn();
  txn.at_us = t.at_us();
  txn.business_date = BusinessDate{t.business_date()};
  txn.processing_code = t.processing_code();
  txn.first_entry = t.first_entry();
  txn.entry_seqs = t.entries();
  txn.host_stan = t.host_stan();
  txn.pan_group = t.pan_group();
  load16(t.digest(), txn.digest);
  load16(t.token(), txn.token);
  txn.code.assign(t.code());
  txn.auth_code.assign(t.auth_code());
  txn.local.assign(t.local());
  txn.transmitted.assign(t.transmitted());
  txn.extras = t.extras();
  if (!t.receipt().empty()) txn.receipt = std::make_unique<std::string>(t.receipt());
  return true;
}

std::optional<storage::Snapshot> Partition::snapshot() const {
  if (committing_ || !gathering_.empty()) return std::nullopt;
  v1::PartitionSnapshot out;
  for (const auto& merchant : merchants_) *out.add_merchants() = merchant->merchant;
  for (const auto& terminal : terminals_) {
    auto& t = *out.add_terminals();
    *t.mutable_terminal() = terminal->terminal;
    t.set_batch(terminal->batch);
    t.set_key_generation(terminal->key_generation);
    t.set_signed_on(terminal->signed_on);
    t.set_signed_on_us(terminal->signed_on_us);
    t.set_last_seen_us(terminal->last_seen_us);
    t.set_last_transaction_us(terminal->last_transaction_us);
    t.set_batch_count(terminal->batch_count);
    t.set_batch_total_minor(terminal->batch_total_minor);
    t.set_sign_in_txn(terminal->sign_in_txn.raw());
    for (const auto id : terminal->holds) *out.add_holds() = holds_.at(id);
  }
  for (const auto& merchant : merchants_)
    for (const auto id : merchant->holds) *out.add_holds() = holds_.at(id);
  txns_.each([&](TxnIndex, const Txn& txn) { save_txn(txn, *out.add_txns()); });
  refusals_.each([&](const Refused& refused) {
    auto& r = *out.add_refused();
    r.set_digest(refused.digest.bytes.data(), refused.digest.bytes.size());
    r.set_rrn(refused.rrn);
    r.set_local(refused.local.view().data(), refused.local.view().size());
    r.set_code(refused.code.view().data(), refused.code.view().size());
  });
  std::string books;
  books_.save(books);
  out.set_books(books);
  out.set_rrn_next(next_rrn_);
  for (const auto& [raw, owed] : owed_) {
    auto& o = *out.add_owed();
    o.set_txn(raw);
    o.set_cause(owed.cause);
    o.set_attempts(owed.attempts);
  }
  idempotency_.each([&](const v1::Idempotency& record, std::int64_t at_us) {
    *out.add_idempotency() = record;
    out.add_idempotency_at_us(at_us);
  });
  for (const auto& [group, open] : pan_open_) {
    out.add_pan_groups(group);
    out.add_pan_open(open);
  }
  storage::Snapshot snapshot;
  snapshot.group = GroupNo{next_group_.value - 1};
  snapshot.state.resize(out.ByteSizeLong());
  if (!out.SerializeToArray(snapshot.state.data(), static_cast<int>(snapshot.state.size()))) return std::nullopt;
  return snapshot;
}

Result<void> Partition::load_snapshot(const storage::Snapshot& snapshot) {
  v1::PartitionSnapshot in;
  if (!in.ParseFromArray(snapshot.state.data(), static_cast<int>(snapshot.state.size()))) return fail(ErrorCode::damaged, "a snapshot that does not parse");
  for (const auto& merchant : in.merchants()) {
    v1::MerchantSet set;
    *set.mutable_merchant() = merchant;
    apply(set, snapshot.group, 0);
  }
  for (const auto& t : in.terminals()) {
    v1::TerminalSet set;
    *set.mutable_terminal() = t.terminal();
    apply(set, snapshot.group, 0);
    auto& terminal = *terminals_.back();
    terminal.batch = t.batch();
    terminal.key_generation = t.key_generation();
    terminal.signed_on = t.signed_on();
    terminal.signed_on_us = t.signed_on_us();
    terminal.last_seen_us = t.last_seen_us();
    terminal.last_transaction_us = t.last_transaction_us();
    terminal.batch_count = t.batch_count();
    terminal.batch_total_minor = t.batch_total_minor();
    terminal.sign_in_txn = TxnId(t.sign_in_txn());
  }
  for (const auto& hold : in.holds()) {
    holds_[hold.id()] = hold;
    if (hold.until_us() != 0 && (next_until_us_ == 0 || hold.until_us() < next_until_us_)) next_until_us_ = hold.until_us();
    if (auto* terminal = terminal_by(ObjectId(hold.owner())))
      terminal->holds.push_back(hold.id());
    else if (auto* merchant = merchant_by(ObjectId(hold.owner())))
      merchant->holds.push_back(hold.id());
    else
      return fail(ErrorCode::damaged, "a hold of nobody", "snapshot");
  }
  for (const auto& t : in.txns())
    if (!load_txn(t)) return fail(ErrorCode::damaged, "more transactions than core.transactions_max holds", "snapshot");
  for (const auto& r : in.refused()) {
    Refused refused;
    load16(r.digest(), refused.digest);
    refused.rrn = r.rrn();
    refused.local.assign(r.local());
    refused.code.assign(r.code());
    refusals_.add(refused);
  }
  if (auto loaded = books_.load(in.books()); !loaded) return loaded;
  next_rrn_ = in.rrn_next();
  for (const auto& o : in.owed()) {
    owed_[o.txn()].cause = static_cast<v1::ReversalOwed::Cause>(o.cause());
    owed_[o.txn()].attempts = o.attempts();
  }
  for (int i = 0; i < in.idempotency_size(); ++i) idempotency_.add(in.idempotency(i), in.idempotency_at_us(i));
  for (int i = 0; i < in.pan_groups_size(); ++i) pan_open_[in.pan_groups(i)] = in.pan_open(i);
  next_group_ = GroupNo{snapshot.group.value + 1};
  return {};
}

}  // namespace tollgate::core
