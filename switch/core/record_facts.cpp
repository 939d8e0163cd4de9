#include "switch/core/record_facts.h"

#include <type_traits>


namespace tollgate::core {
namespace {

void write_request(std::uint32_t field, const RequestFacts& request, WireWriter& out) {
  using V = v1::Request;
  const auto mark = out.open(field);
  out.number(V::kTerminalFieldNumber, request.terminal.raw());
  out.number(V::kKindFieldNumber, request.kind);
  out.number(V::kMtiFieldNumber, request.mti);
  out.number(V::kStanFieldNumber, request.stan);
  out.number(V::kBatchFieldNumber, request.batch);
  out.text(V::kDigestFieldNumber, request.digest);
  out.integer(V::kAmountMinorFieldNumber, request.amount_minor);
  out.number(V::kCurrencyFieldNumber, request.currency);
  out.number(V::kProcessingCodeFieldNumber, request.processing_code);
  out.number(V::kEntryModeFieldNumber, request.entry_mode);
  out.number(V::kConditionFieldNumber, request.condition);
  out.text(V::kPanTokenFieldNumber, request.pan_token);
  out.text(V::kPanMaskedFieldNumber, request.pan_masked);
  out.text(V::kBrandFieldNumber, request.brand);
  out.number(V::kOriginalFieldNumber, request.original.raw());
  out.flag(V::kInstantFieldNumber, request.instant);
  out.close(mark);
}

// Calls take(field) for every field; false when the bytes are no message, or take() says so.
template <class Take>
bool each_field(ByteView bytes, Take take) {
  WireReader in(bytes);
  while (in.next()) {
    if constexpr (std::is_same_v<decltype(take(in)), bool>) {
      if (!take(in)) return false;
    } else {
      take(in);
    }
  }
  return in.ok();
}

std::uint32_t number32(const WireReader& in) { return static_cast<std::uint32_t>(in.value()); }
std::int64_t signed64(const WireReader& in) { return static_cast<std::int64_t>(in.value()); }
BusinessDate date(const WireReader& in) { return BusinessDate{static_cast<std::int32_t>(in.value())}; }

bool read_request(ByteView bytes, RequestFacts& request) {
  using V = v1::Request;
  return each_field(bytes, [&](const WireReader& in) {
    switch (in.number()) {
      case V::kTerminalFieldNumber: request.terminal = ObjectId(in.value()); break;
      case V::kKindFieldNumber: request.kind = number32(in); break;
      case V::kMtiFieldNumber: request.mti = number32(in); break;
      case V::kStanFieldNumber: request.stan = number32(in); break;
      case V::kBatchFieldNumber: request.batch = number32(in); break;
      case V::kDigestFieldNumber: request.digest = in.text(); break;
      case V::kAmountMinorFieldNumber: request.amount_minor = signed64(in); break;
      case V::kCurrencyFieldNumber: request.currency = number32(in); break;
      case V::kProcessingCodeFieldNumber: request.processing_code = number32(in); break;
      case V::kEntryModeFieldNumber: request.entry_mode = number32(in); break;
      case V::kConditionFieldNumber: request.condition = number32(in); break;
      case V::kPanTokenFieldNumber: request.pan_token = in.text(); break;
      case V::kPanMaskedFieldNumber: request.pan_masked = in.text(); break;
      case V::kBrandFieldNumber: request.brand = in.text(); break;
      case V::kOriginalFieldNumber: request.original = TxnId(in.value()); break;
      case V::kInstantFieldNumber: request.instant = in.value() != 0; break;
      default: break;
    }
  });
}

bool read_routing(ByteView bytes, RoutingFacts& routing) {
  using V = v1::Routing;
  return each_field(bytes, [&](const WireReader& in) {
    switch (in.number()) {
      case V::kHostFieldNumber: routing.host = in.text(); break;
      case V::kLinkFieldNumber: routing.link = number32(in); break;
      case V::kStanFieldNumber: routing.stan = number32(in); break;
      case V::kTransmittedFieldNumber: routing.transmitted = in.text(); break;
      case V::kRouteFieldNumber: routing.route = in.text(); break;
      default: break;
    }
  });
}

}  // namespace

void write(const IntentFacts& intent, WireWriter& out) {
  using V = v1::Intent;
  out.number(V::kTxnFieldNumber, intent.txn.raw());
  write_request(V::kRequestFieldNumber, intent.request, out);
  const auto routing = out.open(V::kRoutingFieldNumber);
  out.text(v1::Routing::kHostFieldNumber, intent.routing.host);
  out.number(v1::Routing::kLinkFieldNumber, intent.routing.link);
  out.number(v1::Routing::kStanFieldNumber, intent.routing.stan);
  out.text(v1::Routing::kTransmittedFieldNumber, intent.routing.transmitted);
  out.text(v1::Routing::kRouteFieldNumber, intent.routing.route);
  out.close(routing);
  out.number(V::kRrnFieldNumber, intent.rrn);
  out.integer(V::kBusinessDateFieldNumber, intent.business_date.days);
  out.text(V::kLocalFieldNumber, intent.local);
  out.text(V::kScheduleHashFieldNumber, intent.schedule_hash);
}

void write(const OutcomeFacts& outcome, WireWriter& out) {
  using V = v1::Outcome;
  out.number(V::kTxnFieldNumber, outcome.txn.raw());
  out.text(V::kResponseCodeFieldNumber, outcome.response_code);
  out.text(V::kHostCodeFieldNumber, outcome.host_code);
  out.flag(V::kApprovedFieldNumber, outcome.approved);
  out.text(V::kAuthCodeFieldNumber, outcome.auth_code);
  out.text(V::kSettlementDateFieldNumber, outcome.settlement_date);
  out.text(V::kInstitutionsFieldNumber, outcome.institutions);
  out.text(V::kBalancesFieldNumber, outcome.balances);
  out.text(V::kChipFieldNumber, outcome.chip);
  out.text(V::kOrganisationFieldNumber, outcome.organisation);
  out.text(V::kPrivate62FieldNumber, outcome.private_62);
  out.text(V::kHostRrnFieldNumber, outcome.host_rrn);
  out.integer(V::kApprovedMinorFieldNumber, outcome.approved_minor);
  if (outcome.priced) out.member(V::kReceiptFieldNumber, outcome.receipt);
  for (const auto& entry : outcome.entries) out.member(V::kEntriesFieldNumber, as_text(entry.bytes));
  out.number(V::kResolvesFieldNumber, outcome.resolves.raw());
}

void write(const RefusalFacts& refusal, WireWriter& out) {
  using V = v1::Refusal;
  write_request(V::kRequestFieldNumber, refusal.request, out);
  out.text(V::kResponseCodeFieldNumber, refusal.response_code);
  out.number(V::kRrnFieldNumber, refusal.rrn);
  out.text(V::kLocalFieldNumber, refusal.local);
  out.text(V::kTidFieldNumber, refusal.tid);
  out.text(V::kMerchantCodeFieldNumber, refusal.merchant_code);
  out.flag(V::kBindingFieldNumber, refusal.binding);
  out.number(V::kTxnFieldNumber, refusal.txn.raw());
}

void write(const TombstoneFacts& tombstone, WireWriter& out) {
  using V = v1::Tombstone;
  write_request(V::kRequestFieldNumber, tombstone.request, out);
  out.number(V::kRrnFieldNumber, tombstone.rrn);
  out.text(V::kLocalFieldNumber, tombstone.local);
  out.text(V::kResponseCodeFieldNumber, tombstone.response_code);
  out.number(V::kTxnFieldNumber, tombstone.txn.raw());
}

bool read(ByteView bytes, IntentFacts& intent) {
  using V = v1::Intent;
  return each_field(bytes, [&](const WireReader& in) {
    switch (in.number()) {
      case V::kTxnFieldNumber: intent.txn = TxnId(in.value()); break;
      case V::kRequestFieldNumber: return read_request(in.bytes(), intent.request);
      case V::kRoutingFieldNumber: return read_routing(in.bytes(), intent.routing);
      case V::kRrnFieldNumber: intent.rrn = in.value(); break;
      case V::kBusinessDateFieldNumber: intent.business_date = date(in); break;
      case V::kLocalFieldNumber: intent.local = in.text(); break;
      case V::kScheduleHashFieldNumber: intent.schedule_hash = in.text(); break;
      default: break;
    }
    return true;
  });
}

bool read(ByteView bytes, RefusalFacts& refusal) {
  using V = v1::Refusal;
  return each_field(bytes, [&](const WireReader& in) {
    switch (in.number()) {
      case V::kRequestFieldNumber: return read_request(in.bytes(), refusal.request);
      case V::kResponseCodeFieldNumber: refusal.response_code = in.text(); break;
      case V::kRrnFieldNumber: refusal.rrn = in.value(); break;
      case V::kLocalFieldNumber: refusal.local = in.text(); break;
      case V::kTidFieldNumber: refusal.tid = in.text(); break;
      case V::kMerchantCodeFieldNumber: refusal.merchant_code = in.text(); break;
      case V::kBindingFieldNumber: refusal.binding = in.value() != 0; break;
      case V::kTxnFieldNumber: refusal.txn = TxnId(in.value()); break;
      default: break;
    }
    return true;
  });
}

bool read(ByteView bytes, TombstoneFacts& tombstone) {
  using V = v1::Tombstone;
  return each_field(bytes, [&](const WireReader& in) {
    switch (in.number()) {
      case V::kRequestFieldNumber: return read_request(in.bytes(), tombstone.request);
      case V::kRrnFieldNumber: tombstone.rrn = in.value(); break;
      case V::kLocalFieldNumber: tombstone.local = in.text(); break;
      case V::kResponseCodeFieldNumber: tombstone.response_code = in.text(); break;
      case V::kTxnFieldNumber: tombstone.txn = TxnId(in.value()); break;
      default: break;
    }
    return true;
  });
}

// What volumes need of it; its bytes are kept as they lie.
bool OutcomeReader::read_receipt(ByteView bytes) {
  using V = v1::Receipt;
  facts_.priced = true;
  facts_.receipt = as_text(bytes);
  auto& sold = facts_.sold;
  return each_field(bytes, [&](const WireReader& in) {
    switch (in.number()) {
      case V::kScheduleIdFieldNumber: sold.schedule_id = in.text(); break;
      case V::kVersionFieldNumber: sold.version = number32(in); break;
      case V::kScheduleHashFieldNumber: sold.schedule_hash = in.text(); break;
      case V::kBusinessDateFieldNumber: sold.business_date = date(in); break;
      case V::kKindFieldNumber: facts_.receipt_kind = static_cast<v1::ReceiptKind>(number32(in)); break;
      case V::kLinesFieldNumber: {
        auto& base = bases_.emplace_back();
        return each_field(in.bytes(), [&](const WireReader& line) {
          if (line.number() == v1::ReceiptLine::kComponentFieldNumber) base.component = number32(line);
          if (line.number() == v1::ReceiptLine::kBaseMinorFieldNumber) base.base_minor = signed64(line);
        });
      }
      default: break;
    }
    return true;
  });
}

const OutcomeFacts* OutcomeReader::read(ByteView bytes) {
  using V = v1::Outcome;
  facts_ = {};
  bases_.clear();
  entries_.clear();
  const bool whole = each_field(bytes, [&](const WireReader& in) {
    switch (in.number()) {
      case V::kTxnFieldNumber: facts_.txn = TxnId(in.value()); break;
      case V::kResponseCodeFieldNumber: facts_.response_code = in.text(); break;
      case V::kHostCodeFieldNumber: facts_.host_code = in.text(); break;
      case V::kApprovedFieldNumber: facts_.approved = in.value() != 0; break;
      case V::kAuthCodeFieldNumber: facts_.auth_code = in.text(); break;
      case V::kSettlementDateFieldNumber: facts_.settlement_date = in.text(); break;
      case V::kInstitutionsFieldNumber: facts_.institutions = in.text(); break;
      case V::kBalancesFieldNumber: facts_.balances = in.text(); break;
      case V::kChipFieldNumber: facts_.chip = in.text(); break;
      case V::kOrganisationFieldNumber: facts_.organisation = in.text(); break;
      case V::kPrivate62FieldNumber: facts_.private_62 = in.text(); break;
      case V::kHostRrnFieldNumber: facts_.host_rrn = in.text(); break;
      case V::kApprovedMinorFieldNumber: facts_.approved_minor = signed64(in); break;
      case V::kReceiptFieldNumber: return read_receipt(in.bytes());
      case V::kEntriesFieldNumber: return entries_.add(in.bytes());
      case V::kResolvesFieldNumber: facts_.resolves = TxnId(in.value()); break;
      default: break;
    }
    return true;
  });
  if (!whole) return nullptr;
  facts_.entries = entries_.entries();
  facts_.sold.bases = bases_;
  return &facts_;
}

}  // namespace tollgate::core
