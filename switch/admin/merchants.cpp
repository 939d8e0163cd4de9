// GET /v1/merchants, GET /v1/merchants/{m}, POST …/suspend, POST …/activate.
#include <algorithm>

#include "switch/admin/api.h"
#include "switch/admin/binder.h"
#include "switch/admin/call.h"
#include "switch/admin/newest_first.h"
#include "switch/admin/reasons.h"
#include "switch/admin/views.h"

namespace tollgate::admin {
namespace {

Outcome list_merchants(Call& call) {
  const auto states = call.query.take_list("state");
  const auto regions = call.query.take_list("region");
  const auto q = call.query.take("q").value_or("");
  const auto limit = call.query.take_limit();
  if (!limit) return std::unexpected(limit.error());
  const auto cursor = call.query.take("cursor");
  if (auto done = call.query.done(); !done) return std::unexpected(done.error());
  for (const auto& s : states)
    if (s != "active" && s != "suspended" && s != "closed")
      return refuse("invalid_parameter", "no such state: " + s);
  const auto filter_text = call.query.filter_text(call.path_text);
  std::uint64_t before = 0;
  if (cursor) {
    const auto position = read_cursor(*cursor, filter_text);
    if (!position) return std::unexpected(position.error());
    before = position->high;
  }
  const auto takes = [&](const core::MerchantView& v) {
    const auto& m = v.merchant;
    const std::string_view state = m.closed() ? "closed" : v.suspended ? "suspended" : "active";
    if (!states.empty() && std::ranges::find(states, state) == states.end()) return false;
    if (!regions.empty() && std::ranges::find(regions, m.region()) == regions.end()) return false;
    return q.empty() || m.name().find(q) != std::string::npos ||
           m.merchant_code().find(q) != std::string::npos;
  };
  const auto& backend = call.backend;
  NewestFirst<core::MerchantView> walk(
      backend.facts().partitions, before,
      [&backend](PartitionId p, ObjectId id, std::size_t n) { return backend.merchants(p, id, n); },
      [](const core::MerchantView& v) { return ObjectId(v.merchant.id()); });
  const Clock clock(backend.facts().time_zone);
  std::vector<std::string> rows;
  std::string next_cursor;
  while (const auto view = walk.next()) {
    if (!takes(*view)) continue;
    if (rows.size() == *limit) {
      next_cursor = make_cursor(filter_text, before);
      break;
    }
    JsonOut out(rows.emplace_back());
    write_merchant(out, *view, clock);
    before = age_key(ObjectId(view->merchant.id()));
  }
  return list_response(rows, next_cursor);
}

Render render_merchant(const Backend& backend) {
  return [zone = backend.facts().time_zone](const core::CommandResult& result) {
    std::string body;
    JsonOut out(body);
    if (const auto* m = std::get_if<core::MerchantView>(&result.object)) write_merchant(out, *m, Clock(zone));
    return std::pair<std::uint32_t, std::string>(200, std::move(body));
  };
}

Outcome with_merchant_state(Outcome&& outcome, const core::MerchantView& view) {
  static const std::vector<std::string> kActive = {"suspend"}, kSuspended = {"activate", "suspend"};
  return with_state(std::move(outcome), view.suspended ? "suspended" : "active",
                    view.suspended ? kSuspended : kActive);
}

Outcome get_merchant(Call& call) {
  if (auto done = call.query.done(); !done) return std::unexpected(done.error());
  auto view = find_merchant(call.backend, call.parameter("m"));
  if (!view) return std::unexpected(view.error());
  const auto version = view->merchant.version();
  core::CommandResult shown;
  shown.object = std::move(*view);
  auto response = json_response(render_merchant(call.backend)(shown).second);
  response.headers.set("ETag", etag(version));
  return response;
}

Outcome suspend_merchant(Call& call) {
  if (auto done = call.query.done(); !done) return std::unexpected(done.error());
  const auto view = find_merchant(call.backend, call.parameter("m"));
  if (!view) return std::unexpected(view.error());
  auto body = read_suspend(call.request.body, call.backend.now().wall);
  if (!body) return std::unexpected(body.error());
  const ObjectId id(view->merchant.id());
  core::SuspendMerchant suspend{id,         call.if_match.required(), body->reason,
                                body->note, body->evidence,           body->until};
  return with_merchant_state(
      order_and_answer(call, {id.partition(), {}, core::PartitionCommand(std::move(suspend))},
                       render_merchant(call.backend)),
      *view);
}

Outcome activate_merchant(Call& call) {
  if (auto done = call.query.done(); !done) return std::unexpected(done.error());
  const auto view = find_merchant(call.backend, call.parameter("m"));
  if (!view) return std::unexpected(view.error());
  const auto parsed = parse_json(call.request.body.empty() ? "{}" : call.request.body);
  if (!parsed) return std::unexpected(parsed.error());
  FieldErrors errors;
  Binder body(*parsed, "", errors);
  auto note = body.text("note", {0, 500}).value_or("");
  body.done();
  if (!errors.empty()) return std::unexpected(problem_of(std::move(errors)));
  for (const auto& hold : view->holds)
    if (auto problem = may_not_release(hold, call.principal)) return std::unexpected(std::move(*problem));
  const ObjectId id(view->merchant.id());
  // As with terminals: what was looked at for its roles is what is released.
  std::optional<std::uint64_t> version;
  if (call.if_match.given) version = call.if_match.any ? view->merchant.version() : call.if_match.version;
  core::ActivateMerchant activate{id, version, std::move(note)};
  return with_merchant_state(
      order_and_answer(call, {id.partition(), {}, core::PartitionCommand(std::move(activate))},
                       render_merchant(call.backend)),
      *view);
}

}  // namespace

void add_merchant_routes(Router& router) {
  constexpr Flags kVerb{.effect = true, .if_match = true};
  router.add({"GET", "/v1/merchants", kViewer, {}, list_merchants});
  router.add({"GET", "/v1/merchants/{m}", kViewer, {}, get_merchant});
  router.add({"POST", "/v1/merchants/{m}/suspend", kOperator, kVerb, suspend_merchant});
  router.add({"POST", "/v1/merchants/{m}/activate", kOperator, kVerb, activate_merchant});
}

}  // namespace tollgate::admin
