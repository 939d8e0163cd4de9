// GET /v1/transactions, GET /v1/transactions/{x}.
#include <algorithm>
#include <charconv>

#include "switch/admin/api.h"
#include "switch/admin/call.h"
#include "switch/admin/entry_json.h"
#include "switch/admin/transaction_json.h"
#include "switch/admin/transaction_reader.h"
#include "switch/base/money.h"

namespace tollgate::admin {
namespace {

Problem bad(std::string detail) {
  return Problem{"invalid_parameter", std::move(detail)};
}

// A range over whole numbers or times: name[gte] … name[lt].
struct Range {
  std::int64_t min = INT64_MIN, max = INT64_MAX;
  [[nodiscard]] bool holds(std::int64_t v) const { return v >= min && v <= max; }
};
template <class Parse>
std::expected<Range, Problem> take_range(Query& query, std::string_view name, const Parse& parse) {
  const auto bounds = query.take_bounds(name);
  Range range;
  const auto read = [&](const std::optional<std::string>& text, std::int64_t shift, bool lower) -> bool {
    if (!text) return true;
    const auto value = parse(*text);
    if (!value) return false;
    if (lower)
      range.min = std::max(range.min, *value + shift);
    else
      range.max = std::min(range.max, *value + shift);
    return true;
  };
  if (read(bounds.gte, 0, true) && read(bounds.gt, 1, true) && read(bounds.lte, 0, false) &&
      read(bounds.lt, -1, false))
    return range;
  return std::unexpected(bad("not a bound of " + std::string(name)));
}

std::optional<std::int64_t> whole(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || failed != std::errc() || end != text.data() + text.size() || value < 0 ||
      value > kAmountMax)
    return std::nullopt;
  return value;
}
std::optional<std::int64_t> moment(std::string_view text) {
  const auto time = parse_rfc3339(text);
  return time ? std::optional(time->us) : std::nullopt;
}

struct TransactionFilter {
  std::vector<std::string> merchants, hosts, mtis, codes, outcomes, kinds;
  std::optional<ObjectId> terminal;
  std::vector<std::uint64_t> stans, rrns;
  std::vector<std::int32_t> dates;
  std::string pan_token;  // bytes
  Range at, amount, duration;

  static std::expected<TransactionFilter, Problem> read(Call& call);
  bool takes(const TxnRow& row, TransactionNames& names) const;

 private:
  std::expected<void, Problem> read_numbers(Query& query);
  std::expected<void, Problem> read_ranges(Query& query);
};

std::expected<void, Problem> TransactionFilter::read_numbers(Query& query) {
  for (const auto& [name, into] : {std::pair{"stan", &stans}, std::pair{"rrn", &rrns}})
    for (const auto& text : query.take_list(name)) {
      const auto value = whole(text);
      if (!value) return std::unexpected(bad(std::string(name) + " is a number: " + text));
      into->push_back(static_cast<std::uint64_t>(*value));
    }
  for (const auto& text : query.take_list("business_date")) {
    const auto date = parse_date(text);
    if (!date) return std::unexpected(bad("business_date is a date: 2026-11-21"));
    dates.push_back(date->days);
  }
  if (const auto token = query.take("pan_token")) {
    const auto bytes = from_hex(*token);
    if (!bytes || bytes->size() != 16) return std::unexpected(bad("pan_token is 32 hexadecimal digits"));
    pan_token = as_text(*bytes);
  }
  return {};
}

std::expected<void, Problem> TransactionFilter::read_ranges(Query& query) {
  const auto a = take_range(query, "at", moment), m = take_range(query, "amount_minor", whole),
             d = take_range(query, "duration_ms", whole);
  for (const auto* range : {&a, &m, &d})
    if (!*range) return std::unexpected(range->error());
  at = *a;
  amount = *m;
  duration = *d;
  if (const auto text = query.take("amount")) {
    const auto value = whole(*text);
    if (!value) return std::unexpected(bad("amount is a number of minor units"));
    amount.min = std::max(amount.min, *value);
    amount.max = std::min(amount.max, *value);
  }
  return {};
}

std::expected<TransactionFilter, Problem> TransactionFilter::read(Call& call) {
  auto& query = call.query;
  TransactionFilter f;
  f.merchants = query.take_list("merchant");
  f.hosts = query.take_list("host");
  f.mtis = query.take_list("mti");
  f.codes = query.take_list("response_code");
  f.outcomes = query.take_list("outcome");
  f.kinds = query.take_list("kind");
  for (const auto& o : f.outcomes)
    if (!outcome_of(o)) return std::unexpected(bad("no such outcome: " + o));
  if (const auto name = query.take("terminal")) {
    const auto view = find_terminal(call.backend, *name);
    if (!view) return std::unexpected(view.error());
    f.terminal = ObjectId(view->terminal.id());
  }
  if (auto read = f.read_numbers(query); !read) return std::unexpected(read.error());
  if (auto read = f.read_ranges(query); !read) return std::unexpected(read.error());
  return f;
}

template <class T, class V>
bool any_of(const std::vector<T>& wanted, const V& value) {
  return wanted.empty() || std::ranges::find(wanted, value) != wanted.end();
}

bool TransactionFilter::takes(const TxnRow& row, TransactionNames& names) const {
  if (terminal && row.terminal != *terminal) return false;
  if (!any_of(stans, row.stan) || !any_of(rrns, row.rrn) || !any_of(dates, row.business_date)) return false;
  if (!pan_token.empty() && row.pan_token != pan_token) return false;
  if (!at.holds(row.at.us) || !amount.holds(row.amount_minor)) return false;
  if ((duration.min != INT64_MIN || duration.max != INT64_MAX) &&
      (row.duration_us < 0 || !duration.holds(row.duration_us / 1000)))
    return false;
  if (!any_of(hosts, row.host) || !any_of(codes, row.response_code) || !any_of(outcomes, name(row.outcome)))
    return false;
  if (!any_of(mtis, mti_text(row.mti)) || !any_of(kinds, kind_text(row.kind))) return false;
  if (merchants.empty()) return true;
  const auto& who = names.of(row);
  return any_of(merchants, who.merchant_code) || any_of(merchants, "mc:" + who.merchant_code) ||
         any_of(merchants, who.merchant_id);
}

class TransactionLines final : public http::BodySource {
 public:
  TransactionLines(Shared& shared, TransactionFilter filter, TransactionReader::Position from)
      : shared_(shared),
        filter_(std::move(filter)),
        from_(from),
        names_(shared.backend),
        clock_(shared.backend.facts().time_zone) {}
  Result<void> next(std::string& out) override {
    if (ended_) return {};
    const auto page =
        shared_.transactions.list(from_, 200, [&](const TxnRow& row) { return filter_.takes(row, names_); });
    if (!page) return std::unexpected(page.error());
    for (const auto& row : page->rows) {
      JsonOut json(out);
      json.begin_object();
      write_transaction_row(json, row, names_, clock_);
      json.end_object();
      out += '\n';
    }
    ended_ = !page->more;
    if (!page->rows.empty()) from_ = {page->rows.back().at, page->rows.back().id};
    return {};
  }

 private:
  Shared& shared_;
  TransactionFilter filter_;
  TransactionReader::Position from_;
  TransactionNames names_;
  Clock clock_;
  bool ended_ = false;
};

Outcome list_transactions(Call& call) {
  auto filter = TransactionFilter::read(call);
  if (!filter) return std::unexpected(filter.error());
  const auto limit = call.query.take_limit();
  if (!limit) return std::unexpected(limit.error());
  const auto cursor = call.query.take("cursor");
  if (auto done = call.query.done(); !done) return std::unexpected(done.error());
  const auto filter_text = call.query.filter_text(call.path_text);
  TransactionReader::Position before;
  if (cursor) {
    const auto position = read_cursor(*cursor, filter_text);
    if (!position) return std::unexpected(position.error());
    before = {{static_cast<std::int64_t>(position->high)}, TxnId(position->low)};
  }
  if (call.format == Format::ndjson) {
    http::Response response;
    response.headers.set("Content-Type", "application/x-ndjson");
    response.source = std::make_unique<TransactionLines>(call.shared, std::move(*filter), before);
    return response;
  }
  TransactionNames names(call.backend);
  const auto page = call.shared.transactions.list(
      before, *limit, [&](const TxnRow& row) { return filter->takes(row, names); });
  if (!page) return refuse("internal", page.error().text());
  const Clock clock(call.backend.facts().time_zone);
  std::vector<std::string> rows;
  for (const auto& row : page->rows) {
    JsonOut out(rows.emplace_back());
    out.begin_object();
    write_transaction_row(out, row, names, clock);
    out.end_object();
  }
  std::string next_cursor;
  if (page->more)
    next_cursor = make_cursor(filter_text, static_cast<std::uint64_t>(page->rows.back().at.us),
                              page->rows.back().id.raw());
  std::vector<std::pair<std::string, std::string>> members;
  if (page->known_from.us != 0)
    members.emplace_back("known_from", "\"" + clock.text(page->known_from) + "\"");
  return list_response(rows, next_cursor, members);
}

Outcome get_transaction(Call& call) {
  if (auto done = call.query.done(); !done) return std::unexpected(done.error());
  const auto& name = call.parameter("x");
  const auto id = parse_id("txn_", name);
  if (!id) return refuse("not_found", "no transaction " + name);
  const auto story = call.shared.transactions.story(*id);
  if (!story) return refuse("internal", story.error().text());
  if (!*story) return refuse("not_found", "no transaction " + name);
  TransactionNames names(call.backend);
  return json_response(transaction_json(**story, names, Clock(call.backend.facts().time_zone)));
}

}  // namespace

void add_transaction_routes(Router& router) {
  router.add({"GET", "/v1/transactions", kViewer, {.ndjson_out = true}, list_transactions});
  router.add({"GET", "/v1/transactions/{x}", kViewer, {}, get_transaction});
}

}  // namespace tollgate::admin
