#include "switch/admin/transaction_json.h"

#include "switch/admin/entry_json.h"
#include "switch/admin/record_reader.h"
#include "switch/iso/kind.h"

namespace tollgate::admin {
namespace {

std::string_view cause_text(v1::ReversalOwed::Cause cause) {
  switch (cause) {
    case v1::ReversalOwed::TIMEOUT:
      return "timeout";
    case v1::ReversalOwed::TERMINAL:
      return "terminal";
    case v1::ReversalOwed::CRASH:
      return "crash";
    case v1::ReversalOwed::LINK_LOST:
      return "link_lost";
    case v1::ReversalOwed::PARTIAL:
      return "partial";
    case v1::ReversalOwed::OPERATOR:
      return "operator";
    default:
      return "none";
  }
}

void event(JsonOut& out, const Clock& clock, std::int64_t at_us, std::string_view name,
           std::string_view detail) {
  out.begin_object()
      .field("at", clock.text({at_us}))
      .field("event", name)
      .field_or_null("detail", detail)
      .end_object();
}

std::string routed(const v1::Routing& routing) {
  return fmt::format("host {} link {} stan {:06}{}", routing.host(), routing.link(), routing.stan(),
                     routing.route().empty() ? "" : " route " + routing.route());
}

void write_event(JsonOut& out, const v1::Record& r, const Clock& clock) {
  switch (r.body_case()) {
    case v1::Record::kIntent:
      return event(out, clock, r.at_us(), "intent", routed(r.intent().routing()));
    case v1::Record::kOutcome:
      return event(out, clock, r.at_us(), "outcome",
                   r.outcome().response_code() +
                       (r.outcome().host_code().empty() ? "" : " (host " + r.outcome().host_code() + ")"));
    case v1::Record::kRefusal:
      return event(out, clock, r.at_us(), "refused", r.refusal().response_code());
    case v1::Record::kReversalOwed:
      return event(out, clock, r.at_us(), "reversal_owed", cause_text(r.reversal_owed().cause()));
    case v1::Record::kReversalSent:
      return event(
          out, clock, r.at_us(), "reversal_sent",
          fmt::format("attempt {}, {}", r.reversal_sent().attempt(), routed(r.reversal_sent().routing())));
    case v1::Record::kReversalSettled:
      return event(out, clock, r.at_us(), "reversal_settled",
                   r.reversal_settled().outcome() + " " + r.reversal_settled().host_code());
    case v1::Record::kLateReply:
      return event(out, clock, r.at_us(), r.late_reply().duplicate() ? "duplicate_reply" : "late_reply",
                   r.late_reply().host_code());
    case v1::Record::kTombstone:
      return event(out, clock, r.at_us(), "answered", r.tombstone().response_code());
    default:
      return;
  }
}

void write_receipt(JsonOut& out, const v1::Receipt& receipt) {
  const auto& t = receipt.totals();
  out.key("fee").begin_object().field("schedule", receipt.schedule_id()).field("version", receipt.version());
  out.field("hash", lower_hex(as_bytes(receipt.schedule_hash())))
      .field("gross_minor", t.gross_minor())
      .field("fee_minor", t.fee_minor());
  out.field("cardholder_fee_minor", t.cardholder_fee_minor())
      .field("cost_minor", t.cost_minor())
      .field("tax_minor", t.tax_minor());
  out.field("merchant_net_minor", t.merchant_net_minor()).key("lines").begin_array();
  for (const auto& line : receipt.lines())
    if (line.rule() != 0 || line.amount_minor() != 0) {
      out.begin_object().field("component", line.component());
      out.key("rule");
      if (line.rule() != 0)
        out.value(line.rule() - 1);
      else
        out.null();
      out.field("base_minor", line.base_minor()).field("amount_minor", line.amount_minor()).end_object();
    }
  out.end_array().end_object();
}

// What the request and the outcome know beyond the row.
void write_details(JsonOut& out, const TransactionReader::Story& story) {
  const v1::Outcome* outcome = nullptr;
  const v1::Intent* intent = nullptr;
  for (const auto& r : story.records) {
    if (r.has_intent()) intent = &r.intent();
    if (r.has_outcome()) outcome = &r.outcome();
  }
  static const std::string kNone;
  if (intent != nullptr) {
    const auto& q = intent->request();
    out.field("processing_code", fmt::format("{:06}", q.processing_code()))
        .field("entry_mode", fmt::format("{:03}", q.entry_mode()));
    out.field("condition", fmt::format("{:02}", q.condition()))
        .field_or_null("route", intent->routing().route());
    out.field("host_stan", fmt::format("{:06}", intent->routing().stan()));
  }
  out.field_or_null("host_code", outcome != nullptr ? outcome->host_code() : kNone);
  out.field_or_null("auth_code", outcome != nullptr ? outcome->auth_code() : kNone);
  out.field_or_null("settlement_date", outcome != nullptr ? outcome->settlement_date() : kNone);
  if (outcome != nullptr && outcome->has_receipt())
    write_receipt(out, outcome->receipt());
  else
    out.key("fee").null();
}

}  // namespace

const TransactionNames::Who& TransactionNames::of(const TxnRow& row) {
  if (!row.terminal) {
    unknown_ = {row.tid, row.merchant_code, ""};
    return unknown_;
  }
  auto [it, fresh] = known_.try_emplace(row.terminal.raw());
  if (fresh)
    if (const auto view = backend_.terminal(row.terminal))
      it->second = {view->terminal.tid(), view->terminal.merchant_code(), format_id("mer_", view->merchant)};
  return it->second;
}

std::optional<TxnOutcome> outcome_of(std::string_view text) noexcept {
  for (auto o = TxnOutcome::pending; o <= TxnOutcome::unknown;
       o = static_cast<TxnOutcome>(static_cast<int>(o) + 1))
    if (name(o) == text) return o;
  return std::nullopt;
}

std::string mti_text(std::uint32_t mti) {
  return fmt::format("{:04X}", mti);
}

std::string_view kind_text(std::uint32_t kind) noexcept {
  return kind < static_cast<std::uint32_t>(iso::Kind::count_) ? iso::name(static_cast<iso::Kind>(kind))
                                                              : "unknown";
}

void write_transaction_row(JsonOut& out, const TxnRow& row, TransactionNames& names, const Clock& clock) {
  const auto& who = names.of(row);
  const auto id_or_null = [&](std::string_view member, std::string_view prefix, ObjectId id) {
    out.field_or_null(member, id ? format_id(prefix, id) : std::string());
  };
  out.field("id", format_id("txn_", row.id)).field("object", "transaction").field("at", clock.text(row.at));
  out.key("business_date");
  if (row.business_date != 0)
    out.value(format_date({row.business_date}));
  else
    out.null();
  out.field("mti", mti_text(row.mti)).field("kind", kind_text(row.kind));
  id_or_null("terminal", "term_", row.terminal);
  out.field_or_null("tid", who.tid).field_or_null("merchant_code", who.merchant_code);
  out.field("stan", fmt::format("{:06}", row.stan)).field("batch", fmt::format("{:06}", row.batch));
  out.field_or_null("rrn", row.rrn != 0 ? fmt::format("{:012}", row.rrn) : std::string());
  out.field("amount_minor", row.amount_minor)
      .field("currency", currency_text(row.currency == 0 ? 156 : row.currency));
  out.field_or_null("pan_masked", row.pan_masked)
      .field_or_null("pan_token", lower_hex(as_bytes(row.pan_token)));
  out.field_or_null("brand", row.brand)
      .field("outcome", name(row.outcome))
      .field_or_null("response_code", row.response_code);
  out.field_or_null("host", row.host);
  out.key("duration_ms");
  if (row.duration_us >= 0)
    out.value(row.duration_us / 1000);
  else
    out.null();
  id_or_null("original", "txn_", row.original);
  id_or_null("resolved_by", "txn_", row.resolved_by);
  out.field_or_null("reversal", row.reversal);
}

std::string transaction_json(const TransactionReader::Story& story, TransactionNames& names,
                             const Clock& clock) {
  std::string body;
  JsonOut out(body);
  out.begin_object();
  write_transaction_row(out, story.row, names, clock);
  write_details(out, story);
  out.field("complete", story.complete).key("timeline").begin_array();
  for (const auto& r : story.records) write_event(out, r, clock);
  out.end_array().key("entries").begin_array();
  EntryJson entries;
  v1::LedgerEntry entry;
  for (const auto& r : story.records)
    if (const auto* serialised = entries_of(r))
      for (const auto& bytes : *serialised) {
        if (!entry.ParseFromString(bytes)) continue;
        std::string line;
        entries.write(entry, line);
        line.pop_back();
        out.raw(line);
      }
  out.end_array().end_object();
  return body;
}

}  // namespace tollgate::admin
