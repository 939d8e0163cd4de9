// A partition's whole state as bytes, and back: what replay from the first record would give. The bytes are one
// v1.PartitionSnapshot, but transactions, which are nearly all of it, are written and read one by one: as a message
// they would take several times the memory of what they describe. The same state gives the same bytes.
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>

#include <algorithm>
#include <cstring>
#include <limits>

#include "switch/core/partition.h"

namespace tollgate::core {
namespace {

template <class Bytes16>
void load16(std::string_view from, Bytes16& to) {
  if (from.size() == to.bytes.size()) std::memcpy(to.bytes.data(), from.data(), sizeof(to.bytes));
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
  void add(ByteView txn) {
    using google::protobuf::io::CodedOutputStream;
    const auto size = static_cast<std::uint32_t>(txn.size());
    const auto need = CodedOutputStream::VarintSize32(kTxnTag) + CodedOutputStream::VarintSize32(size) + size;
    const auto at = out_.size();
    if (out_.capacity() < at + need) {
      const auto mean = written_ == 0 ? need : (at - begin_) / written_ + 1;
      out_.reserve(at + need + std::max<std::size_t>((count_ - written_) * mean * 9 / 8, std::size_t{1} << 16));
    }
    out_.resize(at + need);
    auto* p = CodedOutputStream::WriteTagToArray(kTxnTag, out_.data() + at);
    p = CodedOutputStream::WriteVarint32ToArray(size, p);
    std::memcpy(p, txn.data(), txn.size());
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

// As a v1.TxnSnapshot.
void Partition::save_txn(const Txn& txn, WireWriter& out) const {
  using V = v1::TxnSnapshot;
  out.number(V::kIdFieldNumber, txn.id.raw());
  out.number(V::kKeyFieldNumber, txn.key);
  out.number(V::kTerminalFieldNumber, txn.terminal == kNone ? 0 : txn.terminal + 1);
  out.number(V::kOriginalFieldNumber, txn.original.raw());
  out.number(V::kKindFieldNumber, rules_of(txn.kind).stored);
  out.number(V::kMtiFieldNumber, txn.mti);
  out.number(V::kStateFieldNumber, static_cast<std::uint32_t>(txn.state));
  out.flag(V::kApprovedFieldNumber, txn.approved);
  out.flag(V::kVoidedFieldNumber, txn.voided);
  out.flag(V::kInstantFieldNumber, txn.instant);
  out.number(V::kCurrencyFieldNumber, txn.currency);
  out.text(V::kHostFieldNumber, hosts_[txn.host]);
  for (const auto& leg : txn.legs) {
    const auto mark = out.open(V::kLegsFieldNumber);
    out.number(v1::Leg::kAccountFieldNumber, leg.account | std::uint32_t{leg.entry} << 16);
    out.text(v1::Leg::kSubFieldNumber, subs_[leg.sub]);
    out.flag(v1::Leg::kCreditFieldNumber, leg.credit);
    out.integer(v1::Leg::kAmountMinorFieldNumber, leg.amount_minor);
    out.close(mark);
  }
  out.integer(V::kAmountMinorFieldNumber, txn.amount_minor);
  out.number(V::kRrnFieldNumber, txn.rrn);
  out.integer(V::kAtUsFieldNumber, txn.at_us);
  out.integer(V::kBusinessDateFieldNumber, txn.business_date.days);
  out.number(V::kProcessingCodeFieldNumber, txn.processing_code);
  out.number(V::kFirstEntryFieldNumber, txn.first_entry);
  out.number(V::kEntriesFieldNumber, txn.entry_seqs);
  out.number(V::kHostStanFieldNumber, txn.host_stan);
  out.number(V::kPanGroupFieldNumber, txn.pan_group);
  out.text(V::kDigestFieldNumber, txn.digest.bytes);
  out.text(V::kTokenFieldNumber, txn.token.bytes);
  out.text(V::kCodeFieldNumber, txn.code.view());
  out.text(V::kAuthCodeFieldNumber, txn.auth_code.view());
  out.text(V::kLocalFieldNumber, txn.local.view());
  out.text(V::kTransmittedFieldNumber, txn.transmitted.view());
  out.text(V::kExtrasFieldNumber, std::string_view(txn.extras.data(), txn.extras.size()));
  out.flag(V::kResolvingFieldNumber, txn.resolving);
  if (txn.receipt != nullptr) out.text(V::kReceiptFieldNumber, *txn.receipt);
  if (txn.counted.schedule != 0) {
    const auto mark = out.open(V::kCountedFieldNumber);
    write(txn.counted, out);
    out.close(mark);
  }
}

Partition::Loaded Partition::load_txn(ByteView bytes) {
  using V = v1::TxnSnapshot;
  std::uint64_t id = 0, key = 0;
  std::uint16_t mti = 0;
  WireReader name(bytes);
  while (name.next()) {
    if (name.number() == V::kIdFieldNumber) id = name.value();
    if (name.number() == V::kKeyFieldNumber) key = name.value();
    if (name.number() == V::kMtiFieldNumber) mti = static_cast<std::uint16_t>(name.value());
    if (name.number() >= V::kMtiFieldNumber) break;  // fields ascend
  }
  const auto index = txns_.insert(key, TxnId(id), mti);
  if (index == kNoTxn) return Loaded::no_room;
  auto& txn = txns_[index];
  txn.state = TxnState{};  // what is 0 is left out
  legs_scratch_.clear();
  bool whole = true;
  WireReader in(bytes);
  while (whole && in.next()) {
    const auto number = [&](auto& to) { to = static_cast<std::remove_reference_t<decltype(to)>>(in.value()); };
    switch (in.number()) {
      case V::kTerminalFieldNumber: txn.terminal = static_cast<std::uint32_t>(in.value()) - 1; break;
      case V::kOriginalFieldNumber: txn.original = TxnId(in.value()); break;
      case V::kKindFieldNumber: txn.kind = rules_of_stored(static_cast<std::uint32_t>(in.value())).kind; break;
      case V::kStateFieldNumber: number(txn.state); break;
      case V::kApprovedFieldNumber: number(txn.approved); break;
      case V::kVoidedFieldNumber: number(txn.voided); break;
      case V::kInstantFieldNumber: number(txn.instant); break;
      case V::kCurrencyFieldNumber: number(txn.currency); break;
      case V::kHostFieldNumber: txn.host = intern(in.text()); break;
      case V::kLegsFieldNumber: {
        ledger::LegView leg;
        whole = ledger::read_leg(in.bytes(), leg);
        legs_scratch_.push_back({leg.amount_minor, intern_sub(leg.sub), static_cast<std::uint16_t>(leg.account), leg.credit,
                                 static_cast<std::uint8_t>(leg.account >> 16)});
        break;
      }
      case V::kAmountMinorFieldNumber: number(txn.amount_minor); break;
      case V::kRrnFieldNumber: number(txn.rrn); break;
      case V::kAtUsFieldNumber: number(txn.at_us); break;
      case V::kBusinessDateFieldNumber: number(txn.business_date.days); break;
      case V::kProcessingCodeFieldNumber: number(txn.processing_code); break;
      case V::kFirstEntryFieldNumber: number(txn.first_entry); break;
      case V::kEntriesFieldNumber: number(txn.entry_seqs); break;
      case V::kHostStanFieldNumber: number(txn.host_stan); break;
      case V::kPanGroupFieldNumber: number(txn.pan_group); break;
      case V::kDigestFieldNumber: load16(in.text(), txn.digest); break;
      case V::kTokenFieldNumber: load16(in.text(), txn.token); break;
      case V::kCodeFieldNumber: txn.code.assign(in.text()); break;
      case V::kAuthCodeFieldNumber: txn.auth_code.assign(in.text()); break;
      case V::kLocalFieldNumber: txn.local.assign(in.text()); break;
      case V::kTransmittedFieldNumber: txn.transmitted.assign(in.text()); break;
      case V::kExtrasFieldNumber: txn.extras.assign(in.text().begin(), in.text().end()); break;
      case V::kResolvingFieldNumber: number(txn.resolving); break;
      case V::kReceiptFieldNumber: txn.receipt = std::make_unique<std::string>(in.text()); break;
      case V::kCountedFieldNumber: whole = read(in.bytes(), txn.counted); break;
      default: break;
    }
  }
  txn.legs.assign(legs_scratch_.begin(), legs_scratch_.end());
  return whole && in.ok() ? Loaded::yes : Loaded::unreadable;
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
  WireWriter one;
  txns_.each([&](TxnIndex, const Txn& txn) {
    one.clear();
    save_txn(txn, one);
    txns.add(one.bytes());
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
  auto loaded_txn = Loaded::yes;
  const bool parsed =
      split(snapshot.state, nullptr, [&](ByteView bytes) { return (loaded_txn = load_txn(bytes)) == Loaded::yes; });
  if (loaded_txn == Loaded::no_room) return fail(ErrorCode::damaged, "more transactions than core.transactions_max holds", "snapshot");
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
