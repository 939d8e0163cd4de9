// One slice of merchants with their terminals: state, decisions, and the group of records on its way to the journal.
//
// Every decision is the same three steps: look at the state, write a record, apply() that record. Recovery is apply() alone.
// What leaves (answers, requests to hosts, news for operators) waits in the group until it is durable.
//
//   partition.cpp          life, groups, recovery
//   partition_apply.cpp    the fold
//   partition_gate.cpp     a terminal's message: gate, MAC, replay guard
//   partition_request.cpp  what it asks for: sale, void, balance, reversal, management
//   partition_host.cpp     what hosts answer, or do not; the reversal queue
//   partition_command.cpp  what operators order
//   partition_view.cpp      objects as plain values
//   volumes.h              what merchants sold by month, for prices that depend on it
//   partition_snapshot.cpp state to bytes and back
//
// Owner: its engine. Thread: the worker. Promises P1 to P5, P7, P8.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "proto/record_wire.h"
#include "storage/journal.h"
#include "switch/core/acceptance.h"
#include "switch/core/group_buffer.h"
#include "switch/core/idempotency.h"
#include "switch/core/kinds.h"
#include "switch/core/record_facts.h"
#include "switch/core/refusals.h"
#include "switch/core/reply.h"
#include "switch/core/slots.h"
#include "switch/core/terminal.h"
#include "switch/core/worker_context.h"
#include "switch/crypto/keys.h"
#include "switch/crypto/pin.h"
#include "fees/receipt.h"
#include "switch/ledger/books.h"
#include "switch/ledger/posting.h"

namespace tollgate::core {

struct Owed {
  v1::ReversalOwed::Cause cause = v1::ReversalOwed::CAUSE_NONE;
  std::uint32_t attempts = 0;
  bool in_flight = false;
  bool durable = false;
  bool queued = false;  // in retries_
  SecretPan pan;
};

struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const noexcept { return std::hash<std::string_view>{}(text); }
};

// A message of a terminal, as the engine hands it over.
struct Inbound {
  const iso::Dialect& dialect;
  const ListenerConfig& listener;
  const iso::MessageView& message;
  iso::DecodeStatus decoded;
  ConnRef connection;
  std::uint16_t listener_index = 0;
  std::uint32_t terminal = kNone;  // what find() said
};

class Partition {
 public:
  Partition(WorkerContext& worker, PartitionId id, Epoch epoch);
  ~Partition();

  [[nodiscard]] PartitionId id() const noexcept { return id_; }

  // Recovery: snapshot, then records, then the sealed cells; start() once everything is read.
  [[nodiscard]] Result<void> load_snapshot(const storage::Snapshot& snapshot);
  [[nodiscard]] bool replay(const RecordView& record, GroupNo group);  // false: it is none of a partition's
  void recovered(GroupNo last, std::uint64_t records) {
    next_group_ = GroupNo{last.value + 1};
    replayed_records_ = records;
  }
  [[nodiscard]] std::uint64_t replayed_records() const noexcept { return replayed_records_; }  // behind the snapshot
  void take_position(std::uint16_t position) noexcept { position_ = position; }  // among the engine's partitions
  [[nodiscard]] Result<void> open_cells(const storage::Journal& journal);
  void start();

  // The terminal that a message names, kNone when there is none; what on_message() will look at of it is fetched from memory
  // meanwhile, by expect() also what it leads to: keys, merchant.
  [[nodiscard]] std::uint32_t find(const iso::MessageView& message) const noexcept;
  void expect(std::uint32_t terminal, bool with_pin) const noexcept;
  void on_message(const Inbound& in);
  void expect(const Waiter& waiter, int step) const noexcept;  // LinkListener
  void on_answer(const Waiter& waiter, const iso::MessageView& message);
  void on_timeout(const Waiter& waiter);
  void on_lost(const Waiter& waiter, bool sent);
  void on_late(const Waiter& waiter, const iso::MessageView& message, bool duplicate);
  void kick_reversals();
  void on_time();

  void command(const PartitionCommand& what, Caller& caller, std::uint64_t ticket);

  void flush();
  void on_committed(storage::CommitWork&& work, storage::AppendResult result);
  [[nodiscard]] bool idle() const noexcept { return slots_.used() == 0 && !committing_ && gathering_.empty() && durable_.empty(); }

  [[nodiscard]] std::optional<TerminalView> terminal_view(ObjectId id) const;
  [[nodiscard]] std::optional<TerminalView> terminal_view(std::string_view tid, std::string_view merchant_code) const;
  // Views cost copies, on the thread that serves terminals: they are made of what is wanted only.
  void find_terminals(const std::function<bool(const v1::Terminal&)>& wanted, std::vector<TerminalView>& found) const;
  [[nodiscard]] std::vector<ObjectId> terminal_ids() const;
  void count_terminals(std::map<TerminalState, std::uint64_t>& count) const;
  [[nodiscard]] std::optional<MerchantView> merchant_view(std::string_view code) const;
  [[nodiscard]] const std::vector<std::unique_ptr<MerchantState>>& merchants() const noexcept { return merchants_; }
  [[nodiscard]] MerchantView view_of(const MerchantState& merchant) const;
  [[nodiscard]] const ledger::Books& books() const noexcept { return books_; }
  [[nodiscard]] std::uint32_t in_flight() const noexcept { return slots_.used(); }
  [[nodiscard]] std::size_t owed() const noexcept { return owed_.size(); }
  [[nodiscard]] std::optional<storage::Snapshot> snapshot() const;

 private:
  // One message being decided; lives on the stack of on_message.
  struct Incoming {
    const Inbound& in;
    const iso::KindRow* row = nullptr;
    const KindRules* rules = nullptr;
    std::uint32_t terminal = kNone;
    std::uint32_t stan = 0, batch = 0;
    bool has_stan = false;
    std::uint64_t key = 0;
    crypto::ContentDigest digest;
    std::int64_t amount_minor = 0;
    std::uint16_t currency = 156;
    std::array<char, 20> pan_store{};
    std::string_view pan;     // digits; empty where there is none
    std::array<char, 32> wallet_store{};
    std::string_view wallet;  // QR code
    const CardFacts* card = nullptr;
    std::string_view brand;   // scheme or wallet
    crypto::PanToken token;   // of `pan`, and its first 6 and last 4, once request_facts() was asked
    MaskedPan masked;
    TxnIndex original = kNoTxn;
    TxnId id;                 // of the transaction to be opened
    std::uint16_t host = 0;
    Passage passage;
    ByteView request;         // to the host, in the room of the group that gathers
    std::string_view route;
    fees::SchedulePtr schedule;
    ~Incoming() {
      wipe(pan_store.data(), pan_store.size());
      wipe(wallet_store.data(), wallet_store.size());
    }
  };

  // gate
  [[nodiscard]] Standing standing_of(const Terminal& terminal) const;
  [[nodiscard]] Standing standing_of(const Incoming& m) const;
  [[nodiscard]] bool check_gate(Incoming& m);
  [[nodiscard]] bool refuse_late_original(Incoming& m);
  [[nodiscard]] bool refuse_forgotten(Incoming& m);
  [[nodiscard]] bool check_repeat(Incoming& m);
  void read_facts(Incoming& m);
  void refuse(Incoming& m, std::string_view code, bool binding);
  void answer_refusal(const Incoming& m, std::string_view code, std::uint64_t rrn, std::string_view local);
  void answer_again(Incoming& m, TxnIndex txn);
  // requests
  void decide(Incoming& m);
  void decide_upstream(Incoming& m);
  [[nodiscard]] std::string_view check_amount(const Incoming& m) const;
  [[nodiscard]] std::string_view check_original(Incoming& m);
  [[nodiscard]] std::string_view check_card(Incoming& m);
  [[nodiscard]] std::string_view find_route(Incoming& m, std::uint32_t slot);
  [[nodiscard]] fees::Facts fee_facts(const Incoming& m, bool instant) const;
  [[nodiscard]] std::string_view write_request(Incoming& m);
  void open_intent(Incoming& m, std::uint32_t slot);
  void decide_reversal(Incoming& m);
  void reverse_original(Incoming& m, TxnIndex index);
  void answer_reversal(Incoming& m, std::string_view code, TxnIndex original);
  [[nodiscard]] TxnIndex record_served(Incoming& m, std::string_view code);
  void decide_sign_in(Incoming& m);
  void decide_sign_out(Incoming& m);
  void decide_served(Incoming& m);
  // hosts
  void send_reversal(TxnIndex index);
  void settle_reversal(TxnIndex index, std::string_view code);
  void retry_reversal(TxnIndex index);
  void queue_reversal(TxnIndex index, Owed& owed, Duration pause);
  void owe(TxnIndex index, v1::ReversalOwed::Cause cause, std::string_view answered, std::string_view pan = {});
  void finish(Slot& slot, const iso::MessageView& message);
  [[nodiscard]] std::string_view settlement_date(BusinessDate day);
  void decline(Slot& slot, std::string_view code);
  void price_and_post(const Slot& slot, Txn& txn, OutcomeFacts& outcome);
  void price_and_post_undo(Txn& txn, OutcomeFacts& outcome);
  [[nodiscard]] bool refund_entries(const Txn& original, const Txn& by, OutcomeFacts& outcome);
  void mirror_entries(const Txn& original, const Txn& by, std::string_view type);
  [[nodiscard]] ledger::EntryFacts entry_facts(const Txn& txn, std::string_view type);
  void take_receipt(const fees::ReceiptInput& input, OutcomeFacts& outcome);
  void reply_from_slot(std::uint32_t slot_index, const Txn& txn);
  void release();
  void expect(const Slot& slot) const noexcept;
  void submit_next();
  // records
  [[nodiscard]] RequestFacts request_facts(Incoming& m) const;
  template <class Body>
  void record(int field, const Body& body);
  void apply(const IntentFacts& intent, GroupNo group, std::int64_t at_us);
  void apply(const OutcomeFacts& outcome, GroupNo group, std::int64_t at_us);
  void apply(const RefusalFacts& refusal, GroupNo group, std::int64_t at_us);
  void apply(const v1::ReversalOwed& owed, GroupNo group, std::int64_t at_us);
  void apply(const v1::ReversalSent& sent, GroupNo group, std::int64_t at_us);
  void apply(const v1::ReversalSettled& settled, GroupNo group, std::int64_t at_us);
  void apply(const v1::LateReply& late, GroupNo group, std::int64_t at_us);
  void apply(const TombstoneFacts& tombstone, GroupNo group, std::int64_t at_us);
  void apply(const v1::SignedOn& signed_on, GroupNo group, std::int64_t at_us);
  void apply(const v1::SignedOff& signed_off, GroupNo group, std::int64_t at_us);
  void apply(const v1::Served& served, GroupNo group, std::int64_t at_us);
  void apply(const v1::MerchantSet& set, GroupNo group, std::int64_t at_us);
  void apply(const v1::TerminalSet& set, GroupNo group, std::int64_t at_us);
  void apply(const v1::TerminalActivated& activated, GroupNo group, std::int64_t at_us);
  void apply(const v1::HoldOpened& opened, GroupNo group, std::int64_t at_us);
  void apply(const v1::HoldReleased& released, GroupNo group, std::int64_t at_us);
  void apply(const v1::Idempotency& idempotency, GroupNo group, std::int64_t at_us);
  void apply(const v1::VaultChanged&, GroupNo, std::int64_t) {}
  void note_leaving();
  TxnIndex insert_txn(const RequestFacts& request, TxnId id, std::int64_t at_us);
  void post_entries(Txn& txn, std::span<const ledger::EntryView> entries);
  void count_volumes(Txn& txn, const OutcomeFacts& outcome);
  void uncount_volumes(Txn& txn);
  void close_pan(Txn& txn);
  void undo_in_books(Txn& original, bool undone);
  // answers
  void reply(const ConnRef& connection, const iso::Dialect& dialect, const iso::MessageView& request, const Reply& reply, Instant received);
  [[nodiscard]] Reply reply_of(const Txn& txn, const iso::KindRow* row, const iso::MessageView& request) const;
  void call_after(std::function<void()> call);
  [[nodiscard]] std::uint64_t take_rrn();
  [[nodiscard]] ObjectId take_id() { return {id_, epoch_, next_id_++}; }
  void read_clock();
  [[nodiscard]] BusinessDate today();
  [[nodiscard]] const std::string& local_time();
  // commands
  void run(const SetMerchant& what, CommandResult& result, const Caller& caller);
  void run(const SetTerminal& what, CommandResult& result, const Caller& caller);
  void run(const ActivateTerminal& what, CommandResult& result, const Caller& caller);
  void run(const SuspendTerminal& what, CommandResult& result, const Caller& caller);
  void run(const SuspendMerchant& what, CommandResult& result, const Caller& caller);
  void run(const ActivateMerchant& what, CommandResult& result, const Caller& caller);
  [[nodiscard]] std::vector<CheckView> activation_checks(const Terminal& terminal) const;
  [[nodiscard]] TerminalView view_of(const Terminal& terminal) const;
  [[nodiscard]] HoldView hold_view(const v1::Hold& hold) const;
  void open_hold(std::string_view scope, std::uint64_t owner, const std::string& reason, const std::string& note, const std::string& evidence,
                 WallTime until, const Caller& caller);
  void end_holds();
  void release_holds(std::vector<std::uint64_t> holds, std::string_view by, std::string_view note);
  [[nodiscard]] Terminal* terminal_by(ObjectId id);
  [[nodiscard]] MerchantState* merchant_by(ObjectId id);
  void set_tmk(std::uint32_t index, ByteView clear);
  // sealed cells
  void seal_pans(GroupBuffer& group, GroupNo number);
  [[nodiscard]] const crypto::DayKey& day_key(GroupBuffer& group);
  const crypto::DayKey& keep_day_key(crypto::DayKey key);
  [[nodiscard]] bool apply(const v1::Record& record, GroupNo group);
  void save_txn(const Txn& txn, WireWriter& out) const;
  enum class Loaded : std::uint8_t { yes, unreadable, no_room };
  [[nodiscard]] Loaded load_txn(ByteView bytes);
  [[nodiscard]] std::uint16_t intern(std::string_view host);
  [[nodiscard]] std::uint32_t intern_sub(std::string_view sub);

  WorkerContext& w_;
  Scratch& scratch_;
  PartitionId id_;
  std::uint16_t position_ = 0;
  Epoch epoch_;
  std::uint64_t next_id_ = 1;
  std::uint64_t replayed_records_ = 0;
  std::uint64_t next_rrn_ = 1;
  GroupNo next_group_{1};

  std::vector<std::unique_ptr<MerchantState>> merchants_;
  std::vector<std::unique_ptr<Terminal>> terminals_;
  boost::unordered_flat_map<std::string, std::uint32_t> merchant_by_code_;
  boost::unordered_flat_map<TerminalKey, std::uint32_t, TerminalKey::Hash> terminal_by_key_;
  boost::unordered_flat_map<std::uint64_t, std::uint32_t> terminal_by_id_, merchant_by_id_;
  boost::unordered_flat_map<std::uint64_t, v1::Hold> holds_;
  TxnTable txns_;
  Refusals refusals_;  // what is not in txns_
  Slots slots_;
  boost::unordered_flat_map<std::uint64_t, Owed> owed_;  // by transaction id
  ledger::Books books_;
  VolumeCounters volumes_;
  IdempotencyTable idempotency_;
  std::vector<std::string> hosts_;  // interned names; 0 is none
  std::vector<std::string> subs_;
  boost::unordered_flat_map<std::string, std::uint32_t, TextHash, std::equal_to<>> sub_index_;
  boost::unordered_flat_map<std::uint64_t, std::uint32_t> pan_open_;  // group -> intents whose card number its cell still holds
  std::vector<std::pair<Instant, TxnIndex>> retries_;

  std::int64_t next_until_us_ = 0;  // the earliest end of a hold; 0: none
  GroupBuffer gathering_, in_commit_, durable_;  // a group moves from left to right; durable_: its effects have not left yet
  bool committing_ = false;
  bool replaying_ = true;  // until start(): apply() leaves no trace but state
  std::vector<crypto::DayKey> day_keys_;  // the newest days', recovered ones included
  std::optional<storage::CommitWork> again_;  // refused as full; handed in again
  Instant again_at_;

  // Scratch of the fold, reused so that a record allocates nothing in steady state; scratch_ is that of decisions.
  OutcomeReader replayed_;
  std::vector<StoredLeg> legs_scratch_;
  ledger::EntryReader owed_entries_;
  std::uint32_t turn_ = 0;
  std::int64_t clock_second_ = -1;  // what stands below holds for
  BusinessDate today_;
  std::string local_text_;
  BusinessDate settlement_day_;
  Text<4> settlement_text_;
};

}  // namespace tollgate::core
