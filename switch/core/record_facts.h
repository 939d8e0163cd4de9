// The records of every message as plain values: what a decision fills, what the fold looks at. Live code
// fills one, writes it (write()) and applies it; recovery reads one where the record lies (read()) and applies
// it by the same apply(). write() gives the bytes that protobuf would write of the same message, read() takes
// them, so whoever reads the journal goes on with records.proto. Rare records (estate, holds, sign-on,
// reversals) stay messages.
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

// From the bytes of the same message, whose views they are. False: they are none.
[[nodiscard]] bool read(ByteView bytes, IntentFacts& intent);
[[nodiscard]] bool read(ByteView bytes, RefusalFacts& refusal);
[[nodiscard]] bool read(ByteView bytes, TombstoneFacts& tombstone);

// Facts of outcomes, one after the other; the memory for what a record holds several of is kept.
class OutcomeReader {
 public:
  // Valid until the next call, and while the bytes live. Null: they are no outcome.
  [[nodiscard]] const OutcomeFacts* read(ByteView bytes);

 private:
  [[nodiscard]] bool read_receipt(ByteView bytes);

  OutcomeFacts facts_;
  std::vector<PricedBase> bases_;
  ledger::EntryReader entries_;
};

}  // namespace tollgate::core
