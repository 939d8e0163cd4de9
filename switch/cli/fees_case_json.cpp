#include "switch/cli/fees_case_json.h"

#include "fees/words.h"

namespace tollgate::cli {
namespace {

namespace json = boost::json;
using namespace fees;

struct FlagWord {
  std::uint16_t bit;
  std::string_view word;
};
// Sorted by word, as results list them.
constexpr FlagWord kLineFlags[] = {{flag::kGroupMax, "GROUP_MAX"},
                                   {flag::kGroupMin, "GROUP_MIN"},
                                   {flag::kMax, "MAX"},
                                   {flag::kMin, "MIN"},
                                   {flag::kMirror, "MIRROR"},
                                   {flag::kRepriced, "REPRICED"},
                                   {flag::kReturned, "RETURNED"},
                                   {flag::kTie, "TIE"}};
constexpr FlagWord kTxnFlags[] = {{txn_flag::kAsRefund, "AS_REFUND"},
                                  {txn_flag::kMemo, "MEMO"},
                                  {txn_flag::kNegativeNet, "NEGATIVE_NET"},
                                  {txn_flag::kNoReceipt, "NO_RECEIPT"},
                                  {txn_flag::kReplay, "REPLAY"},
                                  {txn_flag::kTombstone, "TOMBSTONE"}};

template <std::size_t N>
json::array words(std::uint16_t flags, const FlagWord (&table)[N]) {
  json::array out;
  for (const auto& [bit, word] : table)
    if ((flags & bit) != 0) out.emplace_back(word);
  return out;
}

json::object line_json(const Line& line, const FeeSchedule& schedule) {
  const Component& component = schedule.components[line.component];
  const bool priced = line.rule != kNoRule;
  json::object out;
  out["id"] = component.id;
  out["rule"] = priced ? component.rules[line.rule].id : std::string();
  out["exact"] = priced ? exact_text(line.exact) : std::string();
  out["cap_delta"] = line.cap_delta_minor;
  out["amount"] = line.amount_minor;
  out["flags"] = words(line.flags, kLineFlags);
  return out;
}

json::object split_json(const SplitLine& line, const FeeSchedule& schedule) {
  const Split& split = schedule.splits[line.split];
  json::array shares;
  for (std::size_t p = 0; p < line.parties; ++p) {
    json::object share;
    share["party"] = split.parties[p].party;
    share["amount"] = line.party_minor[p];
    shares.push_back(std::move(share));
  }
  json::object out;
  out["id"] = split.id;
  out["shares"] = std::move(shares);
  out["house"] = line.house_minor;
  return out;
}

json::array earned_json(const std::vector<Earned>& earned) {
  json::array out;
  for (const auto& e : earned) {
    json::object one;
    one["fee"] = e.fee;
    one["subject"] = e.subject;
    one["from"] = format_date(e.from);
    one["amount"] = e.amount_minor;
    out.push_back(std::move(one));
  }
  return out;
}

}  // namespace

json::object to_json(const TxnResult& result) {
  json::object out;
  out["schedule"] = result.schedule == nullptr ? std::string() : result.schedule->label();
  out["business_date"] = format_date(result.business_date);
  out["gross"] = result.totals.gross_minor;
  json::array lines, splits;
  for (const auto& line : result.lines) lines.push_back(line_json(line, result.schedule->text()));
  for (const auto& line : result.splits) splits.push_back(split_json(line, result.schedule->text()));
  out["components"] = std::move(lines);
  out["splits"] = std::move(splits);
  out["tax"] = result.totals.tax_minor;
  out["total_fee"] = result.totals.fee_minor;
  out["cardholder_fee"] = result.totals.cardholder_fee_minor;
  out["cost"] = result.totals.cost_minor;
  out["merchant_net"] = result.totals.merchant_net_minor;
  out["hold"] = result.hold_minor;
  out["instant_payout"] = result.instant_payout_minor;
  out["flags"] = words(result.flags, kTxnFlags);
  return out;
}

json::object to_json(const RecurringResult& result, bool closing) {
  json::object out;
  out["business_date"] = format_date(result.business_date);
  json::array charges;
  for (const auto& c : result.charges) {
    json::object one;
    one["fee"] = c.fee;
    one["subject"] = c.subject;
    one["from"] = format_date(c.from);
    one["to"] = format_date(c.to);
    one["used"] = c.used;
    one["days"] = c.days;
    one["amount"] = c.amount_minor;
    json::array flags;
    if (c.returned) flags.emplace_back("RETURNED");
    if (c.waived) flags.emplace_back("WAIVED");
    one["flags"] = std::move(flags);
    charges.push_back(std::move(one));
  }
  out["charges"] = std::move(charges);
  out["total_fee"] = result.fee_minor;
  out["tax"] = result.tax_minor;
  out["merchant_net"] = result.merchant_net_minor;
  if (closing) {
    out["deposit"] = result.deposit_minor;
    out["earned"] = earned_json(result.earned);
  }
  return out;
}

json::object to_json(const RecognisedResult& result) {
  json::object out;
  out["business_date"] = format_date(result.business_date);
  out["earned"] = earned_json(result.earned);
  return out;
}

json::object to_json(const PeriodResult& result, std::string_view month) {
  json::object out;
  out["month"] = month;
  json::array adjustments, taxes;
  for (const auto& a : result.adjustments) {
    json::object one;
    one["component"] = a.component;
    one["charged"] = a.charged_minor;
    one["due"] = a.due_minor;
    one["amount"] = a.due_minor - a.charged_minor;
    adjustments.push_back(std::move(one));
  }
  for (const auto& t : result.taxes) {
    json::object one;
    one["mode"] = kTaxModeWords[static_cast<std::size_t>(t.tax.mode)];
    one["rate"] = rate_text(t.tax.rate_nano);
    one["base"] = t.base_minor;
    one["tax"] = t.tax_minor;
    taxes.push_back(std::move(one));
  }
  out["adjustments"] = std::move(adjustments);
  out["taxes"] = std::move(taxes);
  out["merchant_net"] = result.merchant_net_minor;
  return out;
}

json::object to_json(const SettleResult& result) {
  static constexpr std::string_view kKinds[kLineKinds] = {
      "sale",         "refund", "chargeback", "representment", "fee",
      "fee_returned", "tax",    "recurring",  "deposit",       "adjustment"};
  json::object out, lines;
  for (std::size_t i = 0; i < kLineKinds; ++i)
    if (result.lines[i] != 0) lines[kKinds[i]] = result.lines[i];
  out["business_date"] = format_date(result.business_date);
  out["lines"] = std::move(lines);
  out["net"] = result.in.net_minor;
  out["instant_paid"] = result.in.instant_paid_minor;
  out["brought_forward"] = result.in.brought_forward_minor;
  out["reserve_released"] = result.in.released_minor;
  out["reserve"] = result.out.reserve_minor;
  out["payout"] = result.out.payout_minor;
  out["carried_forward"] = result.out.carried_forward_minor;
  return out;
}

}  // namespace tollgate::cli
