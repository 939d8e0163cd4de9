#include "switch/core/record_facts.h"

#include "switch/base/check.h"

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

RequestFacts facts_of(const v1::Request& request) {
  return {.terminal = ObjectId(request.terminal()),
          .kind = request.kind(),
          .mti = request.mti(),
          .stan = request.stan(),
          .batch = request.batch(),
          .digest = request.digest(),
          .amount_minor = request.amount_minor(),
          .currency = request.currency(),
          .processing_code = request.processing_code(),
          .entry_mode = request.entry_mode(),
          .condition = request.condition(),
          .pan_token = request.pan_token(),
          .pan_masked = request.pan_masked(),
          .brand = request.brand(),
          .original = TxnId(request.original()),
          .instant = request.instant()};
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

IntentFacts facts_of(const v1::Intent& intent) {
  const auto& routing = intent.routing();
  return {.txn = TxnId(intent.txn()),
          .request = facts_of(intent.request()),
          .routing = {.host = routing.host(),
                      .link = routing.link(),
                      .stan = routing.stan(),
                      .transmitted = routing.transmitted(),
                      .route = routing.route()},
          .rrn = intent.rrn(),
          .business_date = BusinessDate{intent.business_date()},
          .local = intent.local(),
          .schedule_hash = intent.schedule_hash()};
}

RefusalFacts facts_of(const v1::Refusal& refusal) {
  return {.request = facts_of(refusal.request()),
          .response_code = refusal.response_code(),
          .rrn = refusal.rrn(),
          .local = refusal.local(),
          .tid = refusal.tid(),
          .merchant_code = refusal.merchant_code(),
          .binding = refusal.binding(),
          .txn = TxnId(refusal.txn())};
}

TombstoneFacts facts_of(const v1::Tombstone& tombstone) {
  return {.request = facts_of(tombstone.request()),
          .rrn = tombstone.rrn(),
          .local = tombstone.local(),
          .response_code = tombstone.response_code(),
          .txn = TxnId(tombstone.txn())};
}

const OutcomeFacts& OutcomeReader::facts_of(const v1::Outcome& outcome, bool with_receipt_bytes) {
  entries_.clear();
  for (const auto& bytes : outcome.entries()) TG_CHECK(entries_.add(as_bytes(bytes)));
  facts_ = {.txn = TxnId(outcome.txn()),
            .response_code = outcome.response_code(),
            .host_code = outcome.host_code(),
            .approved = outcome.approved(),
            .auth_code = outcome.auth_code(),
            .settlement_date = outcome.settlement_date(),
            .institutions = outcome.institutions(),
            .balances = outcome.balances(),
            .chip = outcome.chip(),
            .organisation = outcome.organisation(),
            .private_62 = outcome.private_62(),
            .host_rrn = outcome.host_rrn(),
            .approved_minor = outcome.approved_minor(),
            .priced = outcome.has_receipt(),
            .entries = entries_.entries(),
            .resolves = TxnId(outcome.resolves())};
  if (!facts_.priced) return facts_;
  const auto& receipt = outcome.receipt();
  bases_.clear();
  for (const auto& line : receipt.lines()) bases_.push_back({line.component(), line.base_minor()});
  facts_.receipt_kind = receipt.kind();
  facts_.sold = {.schedule_id = receipt.schedule_id(),
                 .version = receipt.version(),
                 .schedule_hash = receipt.schedule_hash(),
                 .business_date = BusinessDate{receipt.business_date()},
                 .bases = bases_};
  if (with_receipt_bytes) facts_.receipt = receipt_ = receipt.SerializeAsString();
  return facts_;
}

}  // namespace tollgate::core
