// One ledger entry in the making. An entry that is not balanced, has fewer than two legs, a leg of zero, or
// mixes memo and real accounts cannot be built: build() stops the process, because only this code makes
// entries (fees reference, section 8, invariants 1 and 2). Legs of zero are simply not added, so that a sale
// without a fee is two legs.
//
// Thread: its owner's. No allocation in steady state: the proto is reused.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "proto/records.h"
#include "switch/base/bytes.h"
#include "switch/base/money.h"
#include "switch/ledger/accounts.h"

namespace tollgate::ledger {

enum class Side : std::uint8_t { debit, credit };

class EntryBuilder {
 public:
  // The entry's own facts are set on entry(); legs and balance are this class's.
  void reset();
  [[nodiscard]] v1::LedgerEntry& entry() noexcept { return entry_; }
  [[nodiscard]] v1::FeeReference& fee();  // for entry().mutable_fee(), which allocates

  void add(Side side, Account account, std::string_view sub, std::int64_t amount_minor);
  void debit(Account account, std::string_view sub, std::int64_t amount_minor) {
    add(Side::debit, account, sub, amount_minor);
  }
  void credit(Account account, std::string_view sub, std::int64_t amount_minor) {
    add(Side::credit, account, sub, amount_minor);
  }
  // A signed change of a liability or income: positive credits it, negative debits it.
  void credit_signed(Account account, std::string_view sub, std::int64_t amount_minor);

  [[nodiscard]] bool empty() const noexcept { return entry_.legs_size() == 0; }
  // Serialises into out (replacing it). Stops the process when the entry breaks an invariant.
  void build(std::string& out);

 private:
  v1::LedgerEntry entry_;
  std::unique_ptr<v1::FeeReference> spare_fee_;
};

// What the books need of a stored entry, read where it lies: building the whole message for it costs several
// times the posting.
struct LegView {
  std::uint32_t account = 0;
  std::string_view sub;
  bool credit = false;
  std::int64_t amount_minor = 0;
};
struct EntryView {
  std::uint64_t seq = 0;
  std::uint32_t currency = 0;
  std::vector<LegView> legs;  // reused

  // False when the bytes are no LedgerEntry. The view lives as long as they do.
  [[nodiscard]] bool parse(ByteView bytes);
};

[[nodiscard]] std::string_view broken_invariant(const EntryView& entry) noexcept;

// Why an entry breaks an invariant; empty when it does not. What build() and `ledger verify` ask.
[[nodiscard]] std::string_view broken_invariant(const v1::LedgerEntry& entry) noexcept;

// The entry that undoes another one: every leg on the other side.
void mirror(const v1::LedgerEntry& original, EntryBuilder& out);

}  // namespace tollgate::ledger
