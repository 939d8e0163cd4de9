// A partition's whole state as bytes, and back: what replay from the first record would give. The bytes are one
// v1.PartitionSnapshot, but transactions, which are nearly all of it, are written and read one by one: as a message
// they would take several times the memory of what they describe. The same state gives the same bytes.
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>

#include <algorithm>
#include <limits>

#include "switch/core/partition.h"

namespace tollgate::core {
namespace {

template <class Bytes16>
void load16(std::string_view from, Bytes16& to) {
  if (from.size() == to.bytes.size()) std::ranges::copy(as_bytes(from), to.bytes.begin());
}

using google::protobuf::internal::WireFormatLite;
constexpr std::uint32_t kTxnTag =
    WireFormatLite::MakeTag(v1::PartitionSnapshot::kTxnsFieldNumber, WireFormatLite::WIRETYPE_LENGTH_DELIMITED);

void append_message(const google::protobuf::MessageLite& message, Bytes& out) {
  const auto at = out.size();
  out.resize(at + message.ByteSizeLong());
  message.SerializeWithCachedSizesToArray(out.data() + at);
}

// Transactions to a growing buffer of which there is never a second copy for long: room is made for what the ones so
// far let expect.
class TxnWriter {
 public:
  TxnWriter(Bytes& out, std::size_t count) : out_(out), begin_(out.size()), count_(count) {}
  void add(const v1::TxnSnapshot& txn) {
    using google::protobuf::io::CodedOutputStream;
    const auto size = static_cast<std::uint32_t>(txn.ByteSizeLong());
    const auto need = CodedOutputStream::VarintSize32(kTxnTag) + CodedOutputStream::VarintSize32(size) + size;
    const auto at = out_.size();
    if (out_.capacity() < at + need) {
      const auto mean = written_ == 0 ? need : (at - begin_) / written_ + 1;
      out_.reserve(at + need + std::max<std::size_t>((count_ - written_) * mean * 9 / 8, std::size_t{1} << 16));
    }
    out_.resize(at + need);
    auto* p = CodedOutputStream::WriteTagToArray(kTxnTag, out_.data() + at);
    p = CodedOutputStream::WriteVarint32ToArray(size, p);
    txn.SerializeWithCachedSizesToArray(p);
    ++written_;
  }

 private:
  Bytes& out_;
  const std::size_t begin_, count_;
  std::size_t written_ = 0;
};

// Splits the bytes of a v1.PartitionSnapshot: `txn` sees every transaction, what else there is goes into `rest`.
template <class F>
[[nodiscard]] bool split(ByteView state, Bytes* rest, F&& txn) {
  google::protobuf::io::CodedInputStream in(state.data(), static_cast<int>(state.size()));
  for (;;) {
    const auto begin = static_cast<std::size_t>(in.CurrentPosition());
    const auto tag = in.ReadTag();
    if (tag == 0) return begin == state.size();
    if (tag != kTxnTag) {
      if (!WireFormatLite::SkipField(&in, tag)) return false;
      const auto field = state.subspan(begin, static_cast<std::size_t>(in.CurrentPosition()) - begin);
      if (rest != nullptr) rest->insert(rest->end(), field.begin(), field.end());
      continue;
    }
    std::uint32_t size = 0;
    if (!in.ReadVarint32(&size)) return false;
    const auto at = static_cast<std::size_t>(in.CurrentPosition());
    if (size > state.size() - at || !in.Skip(static_cast<int>(size))) return false;
    if (!txn(state.subspan(at, size))) return false;
  }
}

// In ascending order of the keys: an unordered table has no order that two of them would share.
template <class Table>
[[nodiscard]] auto sorted_keys(const Table& table) {
  std::vector<typename Table::key_type> keys;
  keys.reserve(table.size());
  for (const auto& entry : table) keys.push_back(entry.first);
  std::ranges::sort(keys);
  return keys;
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
  t.set_extras(txn.extras.data(), txn.extras.size());
  if (txn.receipt != nullptr) t.set_receipt(*txn.receipt);
  if (txn.counted.schedule != 0) save_counted(txn.counted, t.mutable_counted());
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
  txn.extras.assign(t.extras().begin(), t.extras().end());
  if (!t.receipt().empty()) txn.receipt = std::make_unique<std::string>(t.receipt());
  txn.counted = load_counted(t.counted());
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
    t.set_forgotten_stan(terminal->forgotten_stan);
    t.set_batch_total_minor(terminal->batch_total_minor);
    t.set_sign_in_txn(terminal->sign_in_txn.raw());
    for (const auto id : terminal->holds) *out.add_holds() = holds_.at(id);
  }
  for (const auto& merchant : merchants_)
    for (const auto id : merchant->holds) *out.add_holds() = holds_.at(id);
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
  for (const auto raw : sorted_keys(owed_)) {
    const auto& owed = owed_.at(raw);
    auto& o = *out.add_owed();
    o.set_txn(raw);
    o.set_cause(owed.cause);  // how often it was sent since the start is no state: no record says so
  }
  idempotency_.each([&](const v1::Idempotency& record, std::int64_t at_us) {
    *out.add_idempotency() = record;
    out.add_idempotency_at_us(at_us);
  });
  volumes_.save(out);
  for (const auto group : sorted_keys(pan_open_)) {
    out.add_pan_groups(group);
    out.add_pan_open(pan_open_.at(group));
  }
  storage::Snapshot snapshot;
  snapshot.group = GroupNo{next_group_.value - 1};
  append_message(out, snapshot.state);
  TxnWriter txns(snapshot.state, txns_.size());
  v1::TxnSnapshot one;
  txns_.each([&](TxnIndex, const Txn& txn) {
    one.Clear();
    save_txn(txn, one);
    txns.add(one);
  });
  // What reads it back counts in 31 bits.
  if (snapshot.state.size() > static_cast<std::size_t>(std::numeric_limits<int>::max())) return std::nullopt;
  return snapshot;
}

Result<void> Partition::load_snapshot(const storage::Snapshot& snapshot) {
  const auto unreadable = [] { return fail(ErrorCode::damaged, "a snapshot that does not parse", "snapshot"); };
  if (snapshot.state.size() > static_cast<std::size_t>(std::numeric_limits<int>::max())) return unreadable();
  Bytes rest;
  if (!split(snapshot.state, &rest, [](ByteView) { return true; })) return unreadable();
  v1::PartitionSnapshot in;
  if (!in.ParseFromArray(rest.data(), static_cast<int>(rest.size()))) return unreadable();
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
    terminal.forgotten_stan = t.forgotten_stan();
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
  v1::TxnSnapshot t;
  bool room = true;
  const bool parsed = split(snapshot.state, nullptr, [&](ByteView bytes) {
    return t.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())) && (room = load_txn(t));
  });
  if (!room) return fail(ErrorCode::damaged, "more transactions than core.transactions_max holds", "snapshot");
  if (!parsed) return unreadable();
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
  for (const auto& o : in.owed()) owed_[o.txn()].cause = static_cast<v1::ReversalOwed::Cause>(o.cause());
  for (int i = 0; i < in.idempotency_size(); ++i) idempotency_.add(in.idempotency(i), in.idempotency_at_us(i));
  for (int i = 0; i < in.pan_groups_size(); ++i) pan_open_[in.pan_groups(i)] = in.pan_open(i);
  if (!volumes_.load(in)) return fail(ErrorCode::damaged, "volume numbers that do not read", "snapshot");
  next_group_ = GroupNo{snapshot.group.value + 1};
  return {};
}

}  // namespace tollgate::core
