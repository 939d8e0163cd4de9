#include "switch/admin/call.h"

#include <future>

#include "switch/base/hash.h"

namespace tollgate::admin {
namespace {
constexpr auto kOrderDeadline = std::chrono::seconds(30);
}

core::Caller Call::caller() const {
  core::Caller caller;
  caller.principal = principal.name;
  caller.path = path_text;
  caller.dry_run = dry_run;
  if (dry_run || idempotency_key.empty()) return caller;
  caller.idempotency_key = idempotency_key;
  const auto digest = Sha256::of(as_bytes(request.body));
  caller.body_sha256.assign(digest.begin(), digest.end());
  return caller;
}

std::expected<core::CommandResult, Problem> order(Call& call, core::Command&& command) {
  auto answer = std::make_shared<std::promise<core::CommandResult>>();
  auto future = answer->get_future();
  call.backend.submit(std::move(command),
                      [answer](core::CommandResult&& result) { answer->set_value(std::move(result)); });
  if (future.wait_for(kOrderDeadline) != std::future_status::ready)
    return refuse("storage_stalled",
                  "the store did not answer in time; ask again with the same Idempotency-Key");
  auto result = future.get();
  if (!result.ok()) return std::unexpected(problem_of(result));
  return result;
}

Outcome order_and_answer(Call& call, core::Command&& command, const Render& render) {
  command.caller = call.caller();
  command.caller.render = render;
  const auto result = order(call, std::move(command));
  if (!result) return std::unexpected(result.error());
  if (result->replayed) {
    auto response = json_response(result->body, result->status);
    response.headers.set("Idempotency-Replayed", "true");
    return response;
  }
  auto [status, body] = render(*result);
  if (call.dry_run && body.ends_with('}')) body.insert(body.size() - 1, ",\"dry_run\":true");
  auto response = json_response(std::move(body), status);
  if (const auto* t = std::get_if<core::TerminalView>(&result->object))
    response.headers.set("ETag", etag(t->terminal.version()));
  if (const auto* m = std::get_if<core::MerchantView>(&result->object))
    response.headers.set("ETag", etag(m->merchant.version()));
  return response;
}

http::Response list_response(const std::vector<std::string>& rows, const std::string& next_cursor,
                             const std::vector<std::pair<std::string, std::string>>& members) {
  std::string body;
  JsonOut out(body);
  out.begin_object().field("object", "list").key("data").begin_array();
  for (const auto& row : rows) out.raw(row);
  out.end_array().field("has_more", !next_cursor.empty()).field_or_null("next_cursor", next_cursor);
  for (const auto& [name, json] : members) out.key(name).raw(json);
  out.end_object();
  return json_response(std::move(body));
}

http::Response json_response(std::string body, unsigned status) {
  http::Response response;
  response.status = status;
  response.body = std::move(body);
  response.headers.set("Content-Type", "application/json");
  return response;
}

std::string etag(std::uint64_t version) {
  return "\"v" + std::to_string(version) + "\"";
}

std::expected<core::TerminalView, Problem> find_terminal(const Backend& backend, std::string_view name) {
  const auto missing = refuse("not_found", "no terminal " + std::string(name));
  if (name.starts_with("term_")) {
    const auto id = parse_id("term_", name);
    if (!id) return missing;
    auto view = backend.terminal(*id);
    if (!view) return missing;
    return std::move(*view);
  }
  std::vector<core::TerminalView> found;
  if (name.starts_with("sn:") && name.size() > 3) {
    found = backend.find_terminals({}, {}, name.substr(3));
  } else if (name.starts_with("tid:") && name.size() > 4) {
    const auto rest = name.substr(4);
    const auto at = rest.find('@');
    const auto merchant = at == std::string_view::npos ? std::string_view() : rest.substr(at + 1);
    if (at != std::string_view::npos && merchant.empty()) return missing;
    found = backend.find_terminals(rest.substr(0, at), merchant, {});
  }
  if (found.empty()) return missing;
  if (found.size() == 1) return std::move(found.front());
  std::string candidates;
  JsonOut out(candidates);
  out.begin_array();
  for (const auto& t : found) out.value("tid:" + t.terminal.tid() + "@" + t.terminal.merchant_code());
  out.end_array();
  return std::unexpected(Problem{"ambiguous_key", std::to_string(found.size()) + " terminals are called " +
                                                      std::string(name) + "; add the merchant: tid:…@…"}
                             .with("candidates", std::move(candidates)));
}

std::expected<core::MerchantView, Problem> find_merchant(const Backend& backend, std::string_view name) {
  const auto missing = refuse("not_found", "no merchant " + std::string(name));
  if (name.starts_with("mc:") && name.size() > 3) {
    auto view = backend.merchant(name.substr(3));
    if (!view) return missing;
    return std::move(*view);
  }
  const auto id = parse_id("mer_", name);
  if (!id || id->partition() == kHouse || id->partition().value > backend.facts().partitions) return missing;
  // The newest one below its successor is the one itself, if it exists.
  auto found = backend.merchants(id->partition(), ObjectId(id->raw() + 1), 1);
  if (found.empty() || found.front().merchant.id() != id->raw()) return missing;
  return std::move(found.front());
}

}  // namespace tollgate::admin
