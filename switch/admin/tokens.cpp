// GET, POST /v1/tokens, DELETE /v1/tokens/{k}.
//
// The token itself is in the first answer only. The answer that is stored for the Idempotency-Key lacks it (a
// secret has no place in the journal): a repeat gets the same object with "token": null, and a lost token is
// revoked and made again.
#include <algorithm>

#include "switch/admin/api.h"
#include "switch/admin/binder.h"
#include "switch/admin/call.h"
#include "switch/admin/views.h"

namespace tollgate::admin {
namespace {

constexpr std::size_t kTokensMax = 1000;  // each request is compared with all of them

void write_token(JsonOut& out, const v1::TokenCreated& token, const Clock& clock, const std::string* secret) {
  out.begin_object()
      .field("id", format_id("tok_", ObjectId(token.id())))
      .field("object", "token")
      .field("name", token.name());
  out.key("roles").begin_array();
  for (const auto& r : token.roles()) out.value(r);
  out.end_array().field_or_null("expires_at", clock.text({token.expires_us()})).key("cidrs").begin_array();
  for (const auto& c : token.cidrs()) out.value(c);
  out.end_array().field_or_null("created_by", token.by());
  if (secret != nullptr) out.field_or_null("token", *secret);
  out.end_object();
}

Outcome list_tokens(Call& call) {
  // At most 1000: always all.
  if (const auto limit = call.query.take_limit(); !limit) return std::unexpected(limit.error());
  if (auto done = call.query.done(); !done) return std::unexpected(done.error());
  const auto reference = call.backend.reference();
  const Clock clock(call.backend.facts().time_zone);
  std::vector<std::string> rows;
  for (auto it = reference->tokens.rbegin(); it != reference->tokens.rend(); ++it) {
    JsonOut out(rows.emplace_back());
    write_token(out, *it, clock, nullptr);
  }
  return list_response(rows, "");
}

std::expected<v1::TokenCreated, Problem> read_token(Call& call) {
  const auto parsed = parse_json(call.request.body);
  if (!parsed) return std::unexpected(parsed.error());
  FieldErrors errors;
  Binder body(*parsed, "", errors);
  v1::TokenCreated token;
  token.set_name(body.need_text("name", {1, 32, is_key_char}));
  if (!body.has("roles")) body.error("roles", "required", "it is missing");
  const auto roles = body.texts("roles", kRoles, {1, 16});
  for (std::size_t i = 0; i < roles.size(); ++i) {
    if (!role_of(roles[i])) errors.push_back({body.pointer("roles", i), "invalid_value", "no such role"});
    if (std::ranges::find(token.roles(), roles[i]) == token.roles().end()) token.add_roles(roles[i]);
  }
  if (body.has("roles") && roles.empty() && errors.empty())
    body.error("roles", "invalid_length", "at least one");
  const auto cidrs = body.texts("cidrs", 16, {1, 64});
  for (std::size_t i = 0; i < cidrs.size(); ++i) {
    if (!is_cidr(cidrs[i]))
      errors.push_back({body.pointer("cidrs", i), "invalid_value", "not an address or a range of them"});
    token.add_cidrs(cidrs[i]);
  }
  if (const auto expires = body.time("expires_at")) {
    token.set_expires_us(expires->us);
    if (*expires <= call.backend.now().wall) body.error("expires_at", "not_in_future", "it lies in the past");
  }
  body.done();
  if (!errors.empty()) return std::unexpected(problem_of(std::move(errors)));
  token.set_by(call.principal.name);
  return token;
}

const v1::TokenCreated* find_token(const ReferenceData& reference, std::string_view name) {
  const auto it =
      std::ranges::find_if(reference.tokens, [&](const v1::TokenCreated& t) { return t.name() == name; });
  return it == reference.tokens.end() ? nullptr : &*it;
}

// A name says who did something, so two tokens of one name may not exist. A repeat of the request that made
// it is not a second one: an order about nothing tells, because the engine looks for the key first.
std::optional<Problem> name_taken(Call& call, const std::string& name) {
  if (find_token(*call.backend.reference(), name) == nullptr) return std::nullopt;
  if (!call.dry_run) {
    const auto known = order(call, {kHouse, call.caller(), core::HouseCommand(core::RevokeToken{})});
    if (known && known->replayed) return std::nullopt;
    if (!known && known.error().code != "not_found") return known.error();
  }
  return Problem{"already_exists", "a token has this name"};
}

// The answer is made from what is in force, because only then the token has its id; the stored one is only
// its marker.
Outcome create_token(Call& call) {
  if (auto done = call.query.done(); !done) return std::unexpected(done.error());
  auto token = read_token(call);
  if (!token) return std::unexpected(token.error());
  const std::lock_guard guard(call.shared.token_mutex);  // looks for the name, then takes it
  if (call.backend.reference()->tokens.size() >= kTokensMax)
    return refuse("blast_radius_exceeded", "there are 1000 tokens; revoke some");
  if (auto problem = name_taken(call, token->name())) return std::unexpected(std::move(*problem));
  NewToken made;
  {
    const std::lock_guard chance(call.shared.chance_mutex);
    made = make_token(call.shared.chance);
  }
  token->set_sha256(made.sha256.data(), made.sha256.size());
  core::Command command{kHouse, call.caller(), core::HouseCommand(core::CreateToken{*token})};
  command.caller.render = [](const core::CommandResult&) {
    return std::pair<std::uint32_t, std::string>(201, "{}");
  };
  const auto result = order(call, std::move(command));
  if (!result) return std::unexpected(result.error());
  const auto reference = call.backend.reference();
  const auto* now = find_token(*reference, token->name());
  if (result->replayed && now == nullptr)
    return refuse("not_found", "the token that this request made is revoked");
  const auto secret = result->replayed || call.dry_run ? std::string() : made.text;
  std::string body;
  JsonOut out(body);
  write_token(out, now != nullptr ? *now : *token, Clock(call.backend.facts().time_zone), &secret);
  if (call.dry_run) body.insert(body.size() - 1, ",\"dry_run\":true");
  auto response = json_response(std::move(body), 201);
  if (result->replayed) response.headers.set("Idempotency-Replayed", "true");
  return response;
}

Outcome revoke_token(Call& call) {
  if (auto done = call.query.done(); !done) return std::unexpected(done.error());
  const auto& name = call.parameter("k");
  const auto id = parse_id("tok_", name);
  const auto reference = call.backend.reference();
  const bool known = id && std::ranges::any_of(reference->tokens, [&](const v1::TokenCreated& t) {
                       return t.id() == id->raw();
                     });
  if (!known) return refuse("not_found", "no token " + name);
  core::Command command{kHouse, call.caller(), core::HouseCommand(core::RevokeToken{*id})};
  if (const auto result = order(call, std::move(command)); !result) return std::unexpected(result.error());
  http::Response response;
  response.status = 204;
  return response;
}

}  // namespace

void add_token_routes(Router& router) {
  router.add({"GET", "/v1/tokens", kAdmin, {}, list_tokens});
  router.add({"POST", "/v1/tokens", kAdmin, {.effect = true}, create_token});
  router.add({"DELETE", "/v1/tokens/{k}", kAdmin, {.effect = true}, revoke_token});
}

}  // namespace tollgate::admin
