// GET /v1/terminals, GET /v1/terminals/{t}, POST …/suspend, POST …/activate.
#include <algorithm>
#include <charconv>

#include "switch/admin/api.h"
#include "switch/admin/binder.h"
#include "switch/admin/call.h"
#include "switch/admin/device_binding.h"
#include "switch/admin/newest_first.h"
#include "switch/admin/reasons.h"
#include "switch/admin/views.h"

namespace tollgate::admin {
namespace {

// "2.10" comes after "2.9".
int compare_versions(std::string_view a, std::string_view b) {
  while (!a.empty() || !b.empty()) {
    const auto take = [](std::string_view& text) {
      const auto dot = text.find('.');
      const auto part = text.substr(0, dot);
      text = dot == std::string_view::npos ? std::string_view() : text.substr(dot + 1);
      return part;
    };
    const auto pa = take(a), pb = take(b);
    std::uint64_t na = 0, nb = 0;
    const bool numbers = std::from_chars(pa.data(), pa.data() + pa.size(), na).ptr == pa.data() + pa.size() &&
                         std::from_chars(pb.data(), pb.data() + pb.size(), nb).ptr == pb.data() + pb.size();
    if (numbers && na != nb) return na < nb ? -1 : 1;
    if (!numbers && pa != pb) return pa < pb ? -1 : 1;
  }
  return 0;
}

template <class Compare>
bool within(const Bounds& bounds, const Compare& compare) {
  return (!bounds.gte || compare(*bounds.gte) >= 0) && (!bounds.gt || compare(*bounds.gt) > 0) &&
         (!bounds.lte || compare(*bounds.lte) <= 0) && (!bounds.lt || compare(*bounds.lt) < 0);
}

// Merchants of the terminals of one answer, each asked for once.
class Merchants {
 public:
  explicit Merchants(const Backend& backend) : backend_(backend) {}
  const v1::Merchant* get(const std::string& code) {
    auto [it, fresh] = known_.try_emplace(code);
    if (fresh)
      if (auto view = backend_.merchant(code)) it->second = std::move(view->merchant);
    return it->second ? &*it->second : nullptr;
  }

 private:
  const Backend& backend_;
  std::map<std::string, std::optional<v1::Merchant>> known_;
};

struct TerminalFilter {
  std::vector<std::string> states, hold_reasons, merchants, regions, models, firmware;
  Bounds firmware_bounds, seen_bounds;
  std::vector<std::pair<std::string, std::string>> labels;
  std::string q;

  static std::expected<TerminalFilter, Problem> read(Query& query);
  bool takes(const core::TerminalView& view, const ReferenceData& reference, Merchants& known) const;
};

bool any_of(const std::vector<std::string>& wanted, std::string_view value) {
  return wanted.empty() || std::ranges::find(wanted, value) != wanted.end();
}

std::expected<TerminalFilter, Problem> TerminalFilter::read(Query& query) {
  TerminalFilter f{query.take_list("state"),
                   query.take_list("hold_reason"),
                   query.take_list("merchant"),
                   query.take_list("region"),
                   query.take_list("model"),
                   query.take_list("firmware_version"),
                   query.take_bounds("firmware_version"),
                   query.take_bounds("last_seen_at"),
                   query.take_prefixed("label."),
                   query.take("q").value_or("")};
  for (const auto& s : f.states)
    if (!state_of(s)) return refuse("invalid_parameter", "no such state: " + s);
  for (const auto& r : f.hold_reasons)
    if (!Catalog::get().reasons.contains(r)) return refuse("invalid_parameter", "no such reason: " + r);
  for (const auto* bound : {&f.seen_bounds.gte, &f.seen_bounds.gt, &f.seen_bounds.lte, &f.seen_bounds.lt})
    if (*bound && !parse_rfc3339(**bound))
      return refuse("invalid_parameter", "last_seen_at is a time as RFC 3339 writes it");
  return f;
}

bool TerminalFilter::takes(const core::TerminalView& view, const ReferenceData& reference,
                           Merchants& known) const {
  const auto& t = view.terminal;
  if (!any_of(states, state_name(view.state))) return false;
  const auto held = [&](const core::HoldView& h) { return any_of(hold_reasons, h.reason); };
  if (!hold_reasons.empty() && std::ranges::none_of(view.holds, held)) return false;
  if (!merchants.empty() && !any_of(merchants, t.merchant_code()) &&
      !any_of(merchants, "mc:" + t.merchant_code()) && !any_of(merchants, format_id("mer_", view.merchant)))
    return false;
  const auto* merchant = regions.empty() && q.empty() ? nullptr : known.get(t.merchant_code());
  if (!regions.empty() && (merchant == nullptr || !any_of(regions, merchant->region()))) return false;
  const auto* device = device_of(reference, t.serial_number());
  const auto& model = !t.model().empty() || device == nullptr ? t.model() : device->model();
  const auto& version =
      !t.firmware_version().empty() || device == nullptr ? t.firmware_version() : device->firmware_version();
  if (!any_of(models, model) || !any_of(firmware, version)) return false;
  if (firmware_bounds.any() && version.empty()) return false;
  if (!within(firmware_bounds, [&](const std::string& b) { return compare_versions(version, b); }))
    return false;
  const auto seen = [&](const std::string& b) {
    const auto bound = parse_rfc3339(b)->us;
    return view.last_seen_at.us < bound ? -1 : view.last_seen_at.us > bound ? 1 : 0;
  };
  if (!within(seen_bounds, seen)) return false;
  for (const auto& [key, value] : labels) {
    const auto it = t.labels().find(key);
    if (it == t.labels().end() || it->second != value) return false;
  }
  const auto contains = [&](const std::string& text) { return text.find(q) != std::string::npos; };
  return q.empty() || contains(t.tid()) || contains(t.serial_number()) || contains(t.merchant_code()) ||
         (merchant != nullptr && contains(merchant->name()));
}

// Walks the matching terminals, as JSON.
class TerminalRows {
 public:
  TerminalRows(const Backend& backend, TerminalFilter filter, std::uint64_t before_key)
      : backend_(backend),
        filter_(std::move(filter)),
        reference_(backend.reference()),
        known_(backend),
        clock_(backend.facts().time_zone),
        walk_(
            backend.facts().partitions, before_key,
            [&backend](PartitionId p, ObjectId before, std::size_t n) {
              return backend.terminals(p, before, n);
            },
            [](const core::TerminalView& v) { return ObjectId(v.terminal.id()); }) {}

  // False at the end.
  bool next(std::string& row) {
    while (auto view = walk_.next()) {
      if (!filter_.takes(*view, *reference_, known_)) continue;
      key_ = age_key(ObjectId(view->terminal.id()));
      JsonOut out(row);
      write_terminal(out, *view,
                     {&backend_.facts(), known_.get(view->terminal.merchant_code()),
                      device_of(*reference_, view->terminal.serial_number())},
                     clock_);
      return true;
    }
    return false;
  }
  [[nodiscard]] std::uint64_t key() const { return key_; }

 private:
  const Backend& backend_;
  TerminalFilter filter_;
  std::shared_ptr<const ReferenceData> reference_;
  Merchants known_;
  Clock clock_;
  NewestFirst<core::TerminalView> walk_;
  std::uint64_t key_ = 0;
};

class TerminalLines final : public http::BodySource {
 public:
  explicit TerminalLines(TerminalRows rows) : rows_(std::move(rows)) {}
  Result<void> next(std::string& out) override {
    while (out.size() < (64U << 10) && rows_.next(out)) out += '\n';
    return {};
  }

 private:
  TerminalRows rows_;
};

Outcome list_terminals(Call& call) {
  auto filter = TerminalFilter::read(call.query);
  if (!filter) return std::unexpected(filter.error());
  const auto limit = call.query.take_limit();
  if (!limit) return std::unexpected(limit.error());
  const auto cursor = call.query.take("cursor");
  if (auto done = call.query.done(); !done) return std::unexpected(done.error());
  const auto filter_text = call.query.filter_text(call.path_text);
  std::uint64_t before = 0;
  if (cursor) {
    const auto position = read_cursor(*cursor, filter_text);
    if (!position) return std::unexpected(position.error());
    before = position->high;
  }
  TerminalRows walk(call.backend, std::move(*filter), before);
  if (call.format == Format::ndjson) {
    http::Response response;
    response.headers.set("Content-Type", "application/x-ndjson");
    response.source = std::make_unique<TerminalLines>(std::move(walk));
    return response;
  }
  std::vector<std::string> rows;
  std::string next_cursor;
  for (std::string row; walk.next(row); row.clear()) {
    if (rows.size() == *limit) {
      next_cursor = make_cursor(filter_text, before);
      break;
    }
    rows.push_back(row);
    before = walk.key();
  }
  return list_response(rows, next_cursor);
}

// The terminal as the answer of an order shows it: everything by value, because an engine's thread runs it.
Render render_terminal(const Backend& backend, const core::TerminalView& view) {
  const auto merchant = backend.merchant(view.terminal.merchant_code());
  const auto reference = backend.reference();  // holds what device points into
  const auto* device = device_of(*reference, view.terminal.serial_number());
  return [facts = backend.facts(), merchant = merchant ? std::optional(merchant->merchant) : std::nullopt,
          device =
              device != nullptr ? std::optional(*device) : std::nullopt](const core::CommandResult& result) {
    std::string body;
    JsonOut out(body);
    if (const auto* t = std::get_if<core::TerminalView>(&result.object))
      write_terminal(out, *t, {&facts, merchant ? &*merchant : nullptr, device ? &*device : nullptr},
                     Clock(facts.time_zone));
    return std::pair<std::uint32_t, std::string>(200, std::move(body));
  };
}

Outcome get_terminal(Call& call) {
  if (auto done = call.query.done(); !done) return std::unexpected(done.error());
  auto view = find_terminal(call.backend, call.parameter("t"));
  if (!view) return std::unexpected(view.error());
  core::CommandResult shown;
  const auto version = view->terminal.version();
  const auto render = render_terminal(call.backend, *view);
  shown.object = std::move(*view);
  auto response = json_response(render(shown).second);
  response.headers.set("ETag", etag(version));
  return response;
}

Outcome suspend_terminal(Call& call) {
  if (auto done = call.query.done(); !done) return std::unexpected(done.error());
  const auto view = find_terminal(call.backend, call.parameter("t"));
  if (!view) return std::unexpected(view.error());
  auto body = read_suspend(call.request.body, call.backend.now().wall);
  if (!body) return std::unexpected(body.error());
  const ObjectId id(view->terminal.id());
  core::SuspendTerminal suspend{id,         call.if_match.required(), body->reason,
                                body->note, body->evidence,           body->until};
  return with_state(order_and_answer(call, {id.partition(), {}, core::PartitionCommand(std::move(suspend))},
                                     render_terminal(call.backend, *view)),
                    state_name(view->state), view->allowed_actions);
}

struct ActivateBody {
  std::optional<ObjectId> hold;
  std::string note, evidence;
};

std::expected<ActivateBody, Problem> read_activate(std::string_view text) {
  const auto parsed = parse_json(text.empty() ? "{}" : text);
  if (!parsed) return std::unexpected(parsed.error());
  FieldErrors errors;
  Binder body(*parsed, "", errors);
  ActivateBody read;
  if (const auto hold = body.text("hold", {1, 40})) {
    read.hold = parse_id("hold_", *hold);
    if (!read.hold) body.error("hold", "invalid_value", "not the id of a hold");
  }
  read.note = body.text("note", {0, 500}).value_or("");
  read.evidence = body.text("evidence", {0, 128}).value_or("");
  body.done();
  if (!errors.empty()) return std::unexpected(problem_of(std::move(errors)));
  return read;
}

Outcome activate_terminal(Call& call) {
  if (auto done = call.query.done(); !done) return std::unexpected(done.error());
  const auto view = find_terminal(call.backend, call.parameter("t"));
  if (!view) return std::unexpected(view.error());
  auto body = read_activate(call.request.body);
  if (!body) return std::unexpected(body.error());
  for (const auto& hold : view->holds) {
    if (hold.scope != "terminal" || (body->hold && hold.id != *body->hold)) continue;
    if (auto problem = may_not_release(hold, call.principal)) return std::unexpected(std::move(*problem));
  }
  const ObjectId id(view->terminal.id());
  // The roles were checked against the holds of this version: a hold that comes in between makes it stale,
  // also after `*`.
  const std::optional<std::uint64_t> version =
      call.if_match.given
          ? std::optional(call.if_match.any ? view->terminal.version() : call.if_match.version)
          : std::nullopt;
  core::ActivateTerminal activate{id, version, body->hold, body->note, body->evidence};
  auto answer = order_and_answer(call, {id.partition(), {}, core::PartitionCommand(std::move(activate))},
                                 render_terminal(call.backend, *view));
  if (answer && !call.dry_run)
    if (const auto now = call.backend.terminal(id)) settle_device(call, now->terminal);
  return with_state(std::move(answer), state_name(view->state), view->allowed_actions);
}

}  // namespace

void add_terminal_routes(Router& router) {
  constexpr Flags kVerb{.effect = true, .if_match = true};
  router.add({"GET", "/v1/terminals", kViewer, {.ndjson_out = true}, list_terminals});
  router.add({"GET", "/v1/terminals/{t}", kViewer, {}, get_terminal});
  router.add({"POST", "/v1/terminals/{t}/suspend", kOperator, kVerb, suspend_terminal});
  router.add({"POST", "/v1/terminals/{t}/activate", kOperator, kVerb, activate_terminal});
}

}  // namespace tollgate::admin
