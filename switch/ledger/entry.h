// Ledger entries of one transaction in the making, in their wire form (v1.LedgerEntry): built one after the
// other, kept together until reset(). An entry that is not balanced, has fewer than two legs, a leg of zero,
// or mixes memo and real accounts cannot be built: build() stops the process, because only this code makes
// entries (fees reference, section 8, invariants 1 and 2). Legs of zero are simply not added, so that a sale
// without a fee is two legs; an entry to which no leg was added need not be built and leaves nothing.
//
// The bytes are those that protobuf would write of the same message. Thread: its owner's. No allocation in
// steady state: the memory is kept.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "proto/wire.h"
#include "switch/base/bytes.h"
#include "switch/base/ids.h"
#include "switch/base/money.h"
#include "switch/base/time.h"
#include "switch/ledger/accounts.h"

namespace tollgate::v1 {
class LedgerEntry;
}

namespace tollgate::ledger {

enum class Side : std::uint8_t { debit, credit };

// What the books need of an entry. Whoever gives a view owns its bytes and legs: EntryBuilder of an entry
// that it made, EntryReader of one that is stored.
struct LegView {
  std::uint32_t account = 0;
  std::string_view sub;
  bool credit = false;
  std::int64_t amount_minor = 0;
  friend bool operator==(const LegView&, const LegView&) noexcept = default;
};
// From a v1.Leg. False: it is none.
[[nodiscard]] bool read_leg(ByteView bytes, LegView& leg);

struct EntryView {
  ByteView bytes;  // v1.LedgerEntry
  std::uint64_t seq = 0;
  std::uint32_t currency = 0;
  std::span<const LegView> legs;
};

// Stored entries, read where they lie: building the whole message costs several times the posting.
class EntryReader {
 public:
  void clear() noexcept;
  // The next entry. False when the bytes are no LedgerEntry: then nothing is added. They must outlive the
  // views.
  [[nodiscard]] bool add(ByteView bytes);
  // All of them, in order; valid until the next change.
  [[nodiscard]] std::span<const EntryView> entries() noexcept;

 private:
  std::vector<EntryView> entries_;
  std::vector<LegView> legs_;  // of all entries, one after the other
};

// Why the sale costs what it costs: the schedule, and the rule of the first priced component.
struct FeeReference {
  std::string_view schedule;
  std::uint32_t version = 0;
  std::string_view rule;
  ByteView hash;
};

// What an entry says beside its legs. Texts belong to the caller and live until the entry is built.
struct EntryFacts {
  PartitionId partition;
  EntrySeq seq;
  ObjectId id;
  WallTime at;
  BusinessDate business_date;
  std::string_view type;
  TxnId txn;
  std::string_view tid, merchant_code;
  std::uint32_t stan = 0;
  std::uint64_t rrn = 0;
  Currency currency;
  std::optional<FeeReference> fee;
  EntrySeq mirrors;  // the entry that this one undoes; 0: none
};

class EntryBuilder {
 public:
  // Forgets everything that was built.
  void reset() noexcept;
  // The next entry; legs follow.
  void begin(const EntryFacts& facts);

  // The text of `sub` is copied.
  void add(Side side, Account account, std::string_view sub, std::int64_t amount_minor);
  void debit(Account account, std::string_view sub, std::int64_t amount_minor) {
    add(Side::debit, account, sub, amount_minor);
  }
  void credit(Account account, std::string_view sub, std::int64_t amount_minor) {
    add(Side::credit, account, sub, amount_minor);
  }
  // A signed change of a liability or income: positive credits it, negative debits it.
  void credit_signed(Account account, std::string_view sub, std::int64_t amount_minor);

  [[nodiscard]] bool empty() const noexcept { return legs_.size() == first_leg_; }
  // Ends the entry. Stops the process when it breaks an invariant.
  void build();

  [[nodiscard]] std::size_t count() const noexcept { return built_.size(); }
  // Every entry that was built since reset(), in order, as an EntryReader would read them; valid until the
  // next change.
  [[nodiscard]] std::span<const EntryView> built() noexcept;

 private:
  void write_head();
  void write_tail();

  EntryFacts facts_;
  WireWriter out_;
  std::vector<LegView> legs_;          // of all entries; their subs are set by built()
  std::vector<std::size_t> sub_ends_;  // by leg: where its sub ends in out_
  std::size_t first_leg_ = 0;          // of the entry in the making
  std::vector<EntryView> built_;       // their bytes and legs are set by built()
  std::vector<std::size_t> ends_;      // by entry: where it ends in out_
};

[[nodiscard]] std::string_view broken_invariant(const EntryView& entry) noexcept;

// Why an entry breaks an invariant; empty when it does not. What build() and `ledger verify` ask.
[[nodiscard]] std::string_view broken_invariant(const v1::LedgerEntry& entry) noexcept;

// The entry that undoes another one: every leg on the other side.
void mirror(const v1::LedgerEntry& original, EntryBuilder& out);

}  // namespace tollgate::ledger
