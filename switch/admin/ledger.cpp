// GET /v1/ledger/entries (section 9 of the operations interface), GET /v1/ledger/balances.
#include <algorithm>
#include <charconv>

#include "switch/admin/api.h"
#include "switch/admin/call.h"
#include "switch/admin/ledger_export.h"
#include "switch/admin/views.h"

namespace tollgate::admin {
namespace {

template <class T>
std::optional<T> number(std::string_view text) {
  T value{};
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || failed != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

Problem bad(std::string detail) {
  return Problem{"invalid_parameter", std::move(detail)};
}

std::expected<std::optional<BusinessDate>, Problem> take_date(Query& query, std::string_view name) {
  const auto text = query.take(name);
  if (!text) return std::nullopt;
  const auto date = parse_date(*text);
  if (!date) return std::unexpected(bad(std::string(name) + " is a date: 2026-11-21"));
  return date;
}

std::expected<ExportFilter, Problem> read_filter(Query& query) {
  ExportFilter filter;
  const auto day = take_date(query, "business_date"), from = take_date(query, "from"),
             to = take_date(query, "to");
  for (const auto* date : {&day, &from, &to})
    if (!*date) return std::unexpected(date->error());
  if (*day && (*from || *to)) return std::unexpected(bad("business_date, or from and to"));
  filter.from = *day ? *day : *from;
  filter.to = *day ? *day : *to;
  if (filter.from && filter.to && *filter.to < *filter.from)
    return std::unexpected(bad("to lies before from"));
  filter.account = query.take("account").value_or("");
  filter.merchant = query.take("merchant").value_or("");
  return filter;
}

struct Place {
  PartitionId partition;
  EntrySeq seq;
};
std::expected<Place, Problem> read_place(std::string_view text, const std::vector<LedgerHead>& heads) {
  const auto colon = text.find(':');
  const auto partition = number<std::uint16_t>(text.substr(0, colon));
  const auto seq =
      colon == std::string_view::npos ? std::nullopt : number<std::uint64_t>(text.substr(colon + 1));
  if (!partition || !seq) return std::unexpected(bad("after is <partition>:<seq>"));
  const auto head =
      std::ranges::find_if(heads, [&](const LedgerHead& h) { return h.partition.value == *partition; });
  if (head == heads.end()) return std::unexpected(bad("there is no partition " + std::to_string(*partition)));
  // A position that does not exist yet was never handed out: the reader is at another ledger, or this one
  // lost its end.
  if (head->last.value < *seq)
    return std::unexpected(bad("after lies beyond the end: partition " + std::to_string(*partition) +
                               " ends at " + std::to_string(head->last.value)));
  return Place{{*partition}, {*seq}};
}

// A merchant never spans two partitions: with one named, the others need not be read.
std::expected<std::optional<PartitionId>, Problem> only_partition(Call& call, ExportFilter& filter) {
  std::optional<PartitionId> only;
  if (const auto text = call.query.take("partition")) {
    const auto n = number<std::uint16_t>(*text);
    if (!n || *n == 0 || *n > call.backend.facts().partitions)
      return std::unexpected(bad("partition is 1 … " + std::to_string(call.backend.facts().partitions)));
    only = PartitionId{*n};
  }
  if (filter.merchant.starts_with("mer_") || filter.merchant.starts_with("mc:")) {
    const auto view = find_merchant(call.backend, filter.merchant);
    if (!view) return std::unexpected(view.error());
    filter.merchant = view->merchant.merchant_code();
  }
  return only;
}

Outcome list_entries(Call& call) {
  auto filter = read_filter(call.query);
  if (!filter) return std::unexpected(filter.error());
  const auto only = only_partition(call, *filter);
  if (!only) return std::unexpected(only.error());
  const auto after_text = call.query.take("after");
  const auto follow = call.query.take_flag("follow");
  if (!follow) return std::unexpected(follow.error());
  if (*follow) return std::unexpected(bad("follow is not in this release"));
  if (auto done = call.query.done(); !done) return std::unexpected(done.error());
  auto heads = call.backend.ledger_heads();
  std::ranges::sort(heads, {}, &LedgerHead::partition);
  std::optional<Place> after;
  if (after_text) {
    const auto place = read_place(*after_text, heads);
    if (!place) return std::unexpected(place.error());
    if (*only && place->partition != **only)
      return std::unexpected(bad("after and partition name different partitions"));
    after = *place;
  }
  std::deque<ExportStart> parts;
  for (const auto& head : heads) {
    if ((*only && head.partition != **only) || (after && head.partition < after->partition)) continue;
    parts.push_back({head.partition, after && head.partition == after->partition ? after->seq : EntrySeq{0}});
  }
  http::Response response;
  response.headers.set("Content-Type", "application/x-ndjson");
  response.headers.set("Trailer", "Tollgate-Chain, Tollgate-Sha256");
  response.source = std::make_unique<LedgerExport>(call.shared.ledger, std::move(*filter), std::move(parts));
  return response;
}

Outcome list_balances(Call& call) {
  const auto account = call.query.take("account").value_or("");
  auto merchant = call.query.take("merchant").value_or("");
  if (auto done = call.query.done(); !done) return std::unexpected(done.error());
  if (merchant.starts_with("mer_") || merchant.starts_with("mc:")) {
    const auto view = find_merchant(call.backend, merchant);
    if (!view) return std::unexpected(view.error());
    merchant = view->merchant.merchant_code();
  }
  std::map<std::pair<std::string, std::uint16_t>, Int128> sums;
  for (const auto& row : call.backend.balances()) {
    const auto value = balance_of(row.balance);
    if (!value) return refuse("internal", "");
    const auto slash = row.account.find('/');
    const auto sub = slash == std::string::npos ? std::string() : row.account.substr(slash + 1);
    if (!account.empty() && row.account != account && row.account.substr(0, slash) != account) continue;
    if (!merchant.empty() && sub != merchant && !sub.starts_with(merchant + "/")) continue;
    sums[{row.account, row.currency}] += value->value;
  }
  std::map<std::string, std::pair<Int128, Int128>> totals;  // debit, credit
  std::string body;
  JsonOut out(body);
  out.begin_object().field("object", "list").key("data").begin_array();
  for (const auto& [key, balance] : sums) {
    const auto currency = currency_text(key.second);
    out.begin_object()
        .field("account", key.first)
        .field("currency", currency)
        .field("balance", to_decimal(Balance{balance}))
        .end_object();
    auto& total = totals[currency];
    (balance > 0 ? total.first : total.second) += balance > 0 ? balance : -balance;
  }
  out.end_array().field("has_more", false).key("next_cursor").null();
  out.field("as_of", Clock(call.backend.facts().time_zone).text(call.backend.now().wall))
      .key("totals")
      .begin_array();
  for (const auto& [currency, sides] : totals) {
    out.begin_object().field("currency", currency).field("debit", to_decimal(Balance{sides.first}));
    out.field("credit", to_decimal(Balance{sides.second}))
        .field("balance", to_decimal(Balance{sides.first - sides.second}))
        .end_object();
  }
  out.end_array().end_object();
  return json_response(std::move(body));
}

}  // namespace

void add_ledger_routes(Router& router) {
  router.add({"GET", "/v1/ledger/entries", kExport, {.ndjson_out = true, .ndjson_only = true}, list_entries});
  router.add({"GET", "/v1/ledger/balances", kViewer, {}, list_balances});
}

}  // namespace tollgate::admin
