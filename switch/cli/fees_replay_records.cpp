#include "switch/cli/fees_replay_records.h"

#include "proto/record_wire.h"
#include "proto/wire.h"
#include "tollgate/v1/records.pb.h"

namespace tollgate::cli {
namespace {

// The kind of each record, its body and where it lies. False: there is one that is not as the writer writes
// them, or the visitor has had enough.
template <class Visit>
bool each_record(const storage::Group& group, Visit visit) {
  RecordCursor cursor(group.payload);
  while (cursor.next()) {
    const auto record = RecordView::of(cursor.bytes());
    if (record.kind == 0 || !visit(record.kind, record.body, cursor.offset())) return false;
  }
  return !cursor.damaged();
}

bool read_outcome(ByteView body, OutcomeBytes& out) {
  WireReader outcome(body);
  while (outcome.next()) {
    switch (outcome.number()) {
      case v1::Outcome::kTxnFieldNumber:
        out.txn = outcome.value();
        break;
      case v1::Outcome::kApprovedFieldNumber:
        out.approved = outcome.value() != 0;
        break;
      case v1::Outcome::kReceiptFieldNumber:
        out.receipt = outcome.bytes();
        break;
      case v1::Outcome::kResolvesFieldNumber:
        out.resolves = outcome.value();
        break;
      default:
        break;
    }
  }
  return outcome.ok();
}

// A later event by its receipt's kind; the receipt itself is not read.
bool changes_a_sale(ByteView receipt) {
  WireReader fields(receipt);
  while (fields.next())
    if (fields.number() == v1::Receipt::kKindFieldNumber)
      return fields.value() == v1::RECEIPT_REFUND || fields.value() == v1::RECEIPT_MIRROR ||
             fields.value() == v1::RECEIPT_REPRICED;
  return false;
}

}  // namespace

bool each_outcome(const storage::Group& group, const OutcomeVisit& visit) {
  return each_record(group, [&](std::uint32_t kind, ByteView body, std::uint32_t offset) {
    if (kind != v1::Record::kOutcome) return true;
    OutcomeBytes outcome;
    outcome.offset = offset;
    if (!read_outcome(body, outcome)) return false;
    visit(outcome);
    return true;
  });
}

std::uint64_t Undone::original_of(std::uint64_t txn) const {
  const auto it = originals_.find(txn);
  return it == originals_.end() ? 0 : it->second;
}

// A void mirrors its original without a receipt; with one (of what was paid out already) it is a refund. A
// reversal of a void lets the original stand again.
bool Undone::read(const storage::Group& group) {
  return each_record(group, [&](std::uint32_t kind, ByteView body, std::uint32_t) {
    if (kind == v1::Record::kIntent) {
      std::uint64_t txn = 0, original = 0;
      WireReader intent(body);
      while (intent.next()) {
        if (intent.number() == v1::Intent::kTxnFieldNumber) txn = intent.value();
        if (intent.number() != v1::Intent::kRequestFieldNumber) continue;
        WireReader request(intent.bytes());
        while (request.next())
          if (request.number() == v1::Request::kOriginalFieldNumber) original = request.value();
        if (!request.ok()) return false;
      }
      if (original != 0) originals_[txn] = original;
      return intent.ok();
    }
    if (kind == v1::Record::kOutcome) {
      OutcomeBytes outcome;
      if (!read_outcome(body, outcome)) return false;
      if (!outcome.approved) return true;
      if (!outcome.receipt.empty()) {
        if (!changes_a_sale(outcome.receipt)) return true;
        if (outcome.resolves != 0) originals_[outcome.txn] = outcome.resolves;
        referred_.insert(original_of(outcome.txn));
      } else if (outcome.resolves != 0) {
        undone_.insert(outcome.resolves);
        mirrors_[outcome.txn] = outcome.resolves;
      }
      return true;
    }
    if (kind == v1::Record::kReversalOwed) {
      std::uint64_t txn = 0;
      bool booked = false;
      WireReader owed(body);
      while (owed.next()) {
        if (owed.number() == v1::ReversalOwed::kTxnFieldNumber) txn = owed.value();
        booked = booked || owed.number() == v1::ReversalOwed::kEntriesFieldNumber;
      }
      if (booked) {
        undone_.insert(txn);
        if (const auto it = mirrors_.find(txn); it != mirrors_.end()) undone_.erase(it->second);
      }
      return owed.ok();
    }
    return true;
  });
}

}  // namespace tollgate::cli
