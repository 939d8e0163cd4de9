// The records of every message as plain values: what a decision fills, what the fold looks at. Live code
// fills one, writes it (write()) and applies it; recovery reads one from the record (facts_of()) and applies
// it by the same apply(). write() gives the bytes that protobuf would write of the same message, so whoever
// reads the journal goes on with records.proto. Rare records (estate, holds, sign-on, reversals) stay
// messages.
//
// Texts are views of somebody's memory: of the message being decided, of the record being replayed. Nothing
// here outlives the call that it was made for. Thread: the partition's.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "proto/records.h"
#include "proto/wire.h"
#include "switch/base/ids.h"
#include "switch/base/time.h"
#include "switch/core/volumes.h"
#include "switch/ledger/entry.h"

namespace tollgate::core {

// Units and meanings are those of records.proto, field by field.
struct RequestFacts {
  ObjectId terminal;
  std::uint32_t kind = 0, mti = 0, stan = 0, batch = 0;
  std::string_view digest;
  std::int64_t amount_minor = 0;
  std::uint32_t currency = 0, processing_code = 0, entry_mode = 0, condition = 0;
  std::string_view pan_token, pan_masked, brand;
  TxnId original;
  bool instant = false;
  friend bool operator==(const RequestFacts&, const RequestFacts&) noexcept = default;
};

struct RoutingFacts {
  std::string_view host;
  std::uint32_t link = 0, stan = 0;
  std::string_view transmitted, route;
  friend bool operator==(const RoutingFacts&, const RoutingFacts&) noexcept = default;
};

struct IntentFacts {
  TxnId txn;
  RequestFacts request;
  RoutingFacts routing;
  std::uint64_t rrn = 0;
  BusinessDate business_date;
  std::string_view local, schedule_hash;
  friend bool operator==(const IntentFacts&, const IntentFacts&) noexcept = default;
};

struct OutcomeFacts {
  TxnId txn;
  std::string_view response_code, host_code;
  bool approved = false;
  std::string_view auth_code, settlement_date, institutions, balances, chip, organisation, private_62,
      host_rrn;
  std::int64_t approved_minor = 0;
  bool priced = false;       // there is a receipt
  std::string_view receipt;  // its bytes (v1.Receipt)
  v1::ReceiptKind receipt_kind = v1::RECEIPT_NONE;
  PricedSale sold;  // what volumes need of it
  std::span<const ledger::EntryView> entries;
  TxnId resolves;
};

struct RefusalFacts {
  RequestFacts request;
  std::string_view response_code;
  std::uint64_t rrn = 0;
  std::string_view local, tid, merchant_code;
  bool binding = false;
  TxnId txn;
  friend bool operator==(const RefusalFacts&, const RefusalFacts&) noexcept = default;
};

struct TombstoneFacts {
  RequestFacts request;
  std::uint64_t rrn = 0;
  std::string_view local, response_code;
  TxnId txn;
  friend bool operator==(const TombstoneFacts&, const TombstoneFacts&) noexcept = default;
};

void write(const IntentFacts& intent, WireWriter& out);
void write(const OutcomeFacts& outcome, WireWriter& out);
void write(const RefusalFacts& refusal, WireWriter& out);
void write(const TombstoneFacts& tombstone, WireWriter& out);

[[nodiscard]] IntentFacts facts_of(const v1::Intent& intent);
[[nodiscard]] RefusalFacts facts_of(const v1::Refusal& refusal);
[[nodiscard]] TombstoneFacts facts_of(const v1::Tombstone& tombstone);

// Facts of outcomes, one after the other; the memory for what a record holds several of is kept.
class OutcomeReader {
 public:
  // Valid until the next call. Stops the process at an entry that is none: the journal verified its chain, so
  // this code wrote it. The receipt's bytes cost a serialisation: only where they are asked for, and
  // without them these facts are not to be written.
  [[nodiscard]] const OutcomeFacts& facts_of(const v1::Outcome& outcome, bool with_receipt_bytes);

 private:
  OutcomeFacts facts_;
  std::string receipt_;
  std::vector<PricedBase> bases_;
  ledger::EntryReader entries_;
};

}  // namespace tollgate::core
