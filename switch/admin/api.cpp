#include "switch/admin/api.h"

#include <atomic>
#include <charconv>
#include <exception>
#include <set>

#include "switch/admin/call.h"
#include "switch/admin/ledger_reader.h"
#include "switch/admin/transaction_reader.h"
#include "switch/base/log.h"

namespace tollgate::admin {
namespace {

constexpr std::size_t kBodyMax = 1U << 20;
constexpr std::size_t kLargeBodyMax = 64U << 20;
constexpr std::size_t kKeyMax = 64;
constexpr std::size_t kTargetMax = 4096;

struct Target {
  std::string_view path, query;
};
Target split_target(std::string_view target) {
  const auto mark = target.find('?');
  if (mark == std::string_view::npos) return {target, {}};
  return {target.substr(0, mark), target.substr(mark + 1)};
}

std::string_view media_type(std::string_view header) {
  auto type = header.substr(0, header.find(';'));
  while (!type.empty() && type.back() == ' ') type.remove_suffix(1);
  return type;
}

bool accepts(std::string_view header, std::string_view type) {
  if (header.empty()) return true;
  const auto group = std::string(type.substr(0, type.find('/'))) + "/*";
  while (!header.empty()) {
    const auto comma = header.find(',');
    auto one = header.substr(0, comma);
    while (!one.empty() && one.front() == ' ') one.remove_prefix(1);
    const auto wanted = media_type(one);
    if (wanted == "*/*" || wanted == type || wanted == group) return true;
    if (comma == std::string_view::npos) break;
    header.remove_prefix(comma + 1);
  }
  return false;
}

bool good_key(std::string_view key) {
  return key.size() <= kKeyMax && std::ranges::all_of(key, [](char c) { return c > 0x20 && c < 0x7F; });
}

// An address that named nothing may hold whatever somebody pasted, a card number too: it stays out of the
// log.
bool names_an_object(const Outcome& outcome) {
  if (outcome) return true;
  const auto& code = outcome.error().code;
  return code == "precondition_failed" || code == "holds_remain" || code == "invalid_transition" ||
         code == "version_mismatch";
}

}  // namespace

struct Api::State {
  State(Backend& b, Chance& c, ApiOptions o)
      : backend(b), chance(c), options(std::move(o)), authenticator(b), ledger(b), transactions(b) {}

  Backend& backend;
  Chance& chance;
  ApiOptions options;
  Authenticator authenticator;
  Router router;
  LedgerReader ledger;
  TransactionReader transactions;
  std::mutex chance_mutex, estate_mutex, token_mutex, running_mutex;
  std::set<std::string> running;  // requests with a key, while they run
  std::atomic<std::uint64_t> requests{0};
  Shared shared{backend, ledger, transactions, chance, chance_mutex, estate_mutex, token_mutex};

  std::string request_id(const http::Request& request) {
    const auto given = request.headers.get("Request-Id");
    if (!given.empty() && good_key(given)) return std::string(given);
    const auto started_s = static_cast<std::uint32_t>(backend.facts().started_at.us / 1'000'000) & kEpochMax;
    return format_id("req_", ObjectId(kHouse, Epoch{started_s}, ++requests));
  }

  ProblemContext context(const http::Request& request, std::string id) const {
    return {language_of(request.headers.get("Accept-Language")),
            std::string(split_target(request.target).path), std::move(id), backend.facts().time_zone};
  }

  struct Known {
    Router::Match match;
    Principal principal;
  };
  std::expected<Known, Problem> admit(const http::Request& request);
  std::expected<void, Problem> check_body_type(const http::Request& request, const Flags& flags) const;
  std::expected<void, Problem> read_conventions(Call& call) const;
  std::expected<void, Problem> read_preconditions(Call& call) const;
  Outcome run(const http::Request& request, const std::string& id, std::string_view& route);
};

std::expected<Api::State::Known, Problem> Api::State::admit(const http::Request& request) {
  if (request.target.size() > kTargetMax)
    return admin::refuse("invalid_parameter", "the address is too long");
  auto match = router.find(request.method, split_target(request.target).path);
  if (!match) return std::unexpected(match.error());
  Known known{std::move(*match), {}};
  const auto& route = *known.match.route;
  if (route.flags.open) return known;
  auto principal = authenticator.check(request);
  if (!principal) return std::unexpected(principal.error());
  known.principal = std::move(*principal);
  if (!known.principal.roles.any_of(route.roles)) {
    std::string role;
    for (std::size_t r = 0; r < kRoles && role.empty(); ++r)
      if (route.roles.has(static_cast<Role>(r))) role = name(static_cast<Role>(r));
    std::string json;
    append_json_string(json, role);
    return std::unexpected(
        Problem{"role_required", "this needs the role " + role}.with("role", std::move(json)));
  }
  if (!route.flags.effect) return known;
  if (backend.mode() == Mode::draining)
    return admin::refuse("draining", "the switch is stopping; nothing new is taken");
  if (backend.mode() == Mode::safe)
    return admin::refuse("safe_mode", "the store is behind its high-water mark");
  return known;
}

std::expected<void, Problem> Api::State::check_body_type(const http::Request& request,
                                                         const Flags& flags) const {
  const auto type = media_type(request.headers.get("Content-Type"));
  if (request.body.empty() || type.empty() || type == "application/json") return {};
  if (flags.ndjson_in && type == "application/x-ndjson") return {};
  return admin::refuse("unsupported_media_type",
                       "the body is " + std::string(type) + "; application/json is taken here");
}

// dry_run, format, Accept.
std::expected<void, Problem> Api::State::read_conventions(Call& call) const {
  const auto& request = call.request;
  if (call.route.method == "POST") {
    const auto dry = call.query.take_flag("dry_run");
    if (!dry) return std::unexpected(dry.error());
    call.dry_run = *dry;
  }
  const auto accept = request.headers.get("Accept");
  const auto format = call.query.take("format");
  const bool only_lines = call.route.flags.ndjson_out && !accepts(accept, "application/json") &&
                          accepts(accept, "application/x-ndjson");
  if (format == "ndjson" || format == "application/x-ndjson" || (!format && only_lines)) {
    if (!call.route.flags.ndjson_out) return admin::refuse("not_acceptable", "there is no NDJSON here");
    call.format = Format::ndjson;
  } else if (format && *format != "json" && *format != "application/json") {
    return admin::refuse("not_acceptable", "no such format: " + *format);
  } else if (format && call.route.flags.ndjson_only) {
    return admin::refuse("not_acceptable", "NDJSON is what there is");
  } else if (!call.route.flags.open && !format && !accepts(accept, "application/json") &&
             !accepts(accept, "application/problem+json") &&
             !(call.route.flags.ndjson_out && accepts(accept, "application/x-ndjson"))) {
    return admin::refuse("not_acceptable", "application/json is what there is");
  }
  return {};
}

// Idempotency-Key and If-Match, where the row demands them.
std::expected<void, Problem> Api::State::read_preconditions(Call& call) const {
  const auto& request = call.request;
  if (call.route.flags.effect && call.route.method == "POST" && !call.dry_run) {
    call.idempotency_key = request.headers.get("Idempotency-Key");
    if (call.idempotency_key.empty())
      return admin::refuse("idempotency_key_missing", "send Idempotency-Key, at most 64 characters");
    if (!good_key(call.idempotency_key))
      return admin::refuse("invalid_parameter", "Idempotency-Key: at most 64 visible characters");
  }
  if (!call.route.flags.if_match) return {};
  auto given = request.headers.get("If-Match");
  if (given.empty()) {
    if (call.dry_run) return {};
    return admin::refuse("if_match_required", "send If-Match with the version that you saw");
  }
  call.if_match.given = true;
  if (given == "*") {
    call.if_match.any = true;
    log::warn("admin", "If-Match: * used",
              {{"principal", call.principal.name}, {"route", call.route.path}, {"request", call.request_id}});
    return {};
  }
  const auto bad = admin::refuse("invalid_parameter", "If-Match is \"v17\" or *");
  if (given.size() < 4 || !given.starts_with("\"v") || given.back() != '"') return bad;
  given = given.substr(2, given.size() - 3);
  const auto [end, failed] =
      std::from_chars(given.data(), given.data() + given.size(), call.if_match.version);
  if (failed != std::errc() || end != given.data() + given.size()) return bad;
  return {};
}

Outcome Api::State::run(const http::Request& request, const std::string& id, std::string_view& route) {
  auto known = admit(request);
  if (!known) return std::unexpected(known.error());
  route = known->match.route->path;
  if (auto good = check_body_type(request, known->match.route->flags); !good)
    return std::unexpected(good.error());
  const auto target = split_target(request.target);
  auto query = Query::parse(target.query);
  if (!query) return std::unexpected(query.error());
  Call call{.shared = shared,
            .backend = backend,
            .request = request,
            .route = *known->match.route,
            .path = std::move(known->match.parameters),
            .query = std::move(*query),
            .principal = std::move(known->principal),
            .language = language_of(request.headers.get("Accept-Language")),
            .path_text = std::string(target.path),
            .request_id = id};
  if (auto good = read_conventions(call); !good) return std::unexpected(good.error());
  if (auto good = read_preconditions(call); !good) return std::unexpected(good.error());
  if (call.idempotency_key.empty()) return call.route.handle(call);
  const auto name = call.principal.name + "\n" + call.path_text + "\n" + call.idempotency_key;
  {
    const std::lock_guard guard(running_mutex);
    if (!running.insert(name).second)
      return admin::refuse("idempotency_in_flight", "a request with this key is still running");
  }
  struct Done {
    State& state;
    const std::string& name;
    ~Done() {
      const std::lock_guard guard(state.running_mutex);
      state.running.erase(name);
    }
  } const done{*this, name};
  return call.route.handle(call);
}

Api::Api(Backend& backend, Chance& chance, ApiOptions options)
    : state_(std::make_unique<State>(backend, chance, std::move(options))) {
  auto& router = state_->router;
  add_estate_routes(router);
  add_terminal_routes(router);
  add_merchant_routes(router);
  add_fee_quote_routes(router);
  add_fee_schedule_routes(router);
  add_transaction_routes(router);
  add_host_routes(router);
  add_ledger_routes(router);
  add_token_routes(router);
  add_system_routes(router);
}

Api::~Api() = default;

const Router& Api::router() const noexcept {
  return state_->router;
}

http::Admission Api::admit(const http::Request& head) {
  http::Admission admission;
  auto known = state_->admit(head);
  if (!known) {
    const auto id = state_->request_id(head);
    admission.refusal = render(known.error(), state_->context(head, id));
    admission.refusal->headers.set("Request-Id", id);
    admission.refusal->headers.set("Cache-Control", "no-store");
    if (state_->options.observe) state_->options.observe("", admission.refusal->status, {});
    return admission;
  }
  admission.body_max = known->match.route->flags.large ? kLargeBodyMax : kBodyMax;
  return admission;
}

http::Response Api::handle(http::Request&& request) {
  const auto began = state_->backend.now().instant;
  const auto id = state_->request_id(request);
  std::string_view route;
  Outcome outcome;
  try {
    outcome = state_->run(request, id, route);
  } catch (
      const std::exception& e) {  // allocation, or a library's; the reason goes to the log, not to the client
    log::error("admin", "request failed", {{"request", id}, {"reason", e.what()}});
    outcome = admin::refuse("internal", "");
  }
  if (!outcome && outcome.error().code == "internal" && !outcome.error().detail.empty())
    log::error("admin", "request failed", {{"request", id}, {"reason", outcome.error().detail}});
  const bool named = names_an_object(outcome);
  auto response = outcome ? std::move(*outcome) : render(outcome.error(), state_->context(request, id));
  response.headers.set("Request-Id", id);
  response.headers.set("Cache-Control", "no-store");
  response.headers.set("X-Content-Type-Options", "nosniff");
  if (request.method != "GET")
    log::info("admin", "order",
              {{"request", id},
               {"method", request.method},
               {"path", named ? split_target(request.target).path : route},
               {"status", response.status},
               {"peer", request.peer}});
  if (state_->options.observe)
    state_->options.observe(route, response.status, state_->backend.now().instant - began);
  return response;
}

http::Response Api::refuse(unsigned status, std::string_view why) {
  const auto* code = status == 413 ? "body_too_large" : status == 503 ? "not_ready" : "invalid_parameter";
  const http::Request nothing;
  const auto id = state_->request_id(nothing);
  auto response = render(Problem{code, std::string(why)}, state_->context(nothing, id));
  response.status = status;
  response.headers.set("Request-Id", id);
  return response;
}

http::Admission MetricsService::admit(const http::Request&) {
  http::Admission admission;
  admission.body_max = 0;
  return admission;
}

http::Response MetricsService::handle(http::Request&& request) {
  const auto path = split_target(request.target).path;
  if (request.method != "GET" || path != "/metrics") return refuse(404, "only GET /metrics is here");
  http::Response response;
  response.body = backend_.metrics();
  response.headers.set("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
  return response;
}

http::Response MetricsService::refuse(unsigned status, std::string_view why) {
  http::Response response;
  response.status = status;
  response.body = std::string(why) + "\n";
  response.headers.set("Content-Type", "text/plain; charset=utf-8");
  return response;
}

}  // namespace tollgate::admin
