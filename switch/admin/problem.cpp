#include "switch/admin/problem.h"

#include "switch/admin/fee_findings.h"
#include "switch/admin/json_out.h"
#include "switch/admin/views.h"

namespace tollgate::admin {
namespace {

void write_errors(JsonOut& out, const std::vector<FieldError>& errors) {
  out.key("errors").begin_array();
  for (const auto& e : errors)
    out.begin_object()
        .field("pointer", e.pointer)
        .field("code", e.code)
        .field("detail", e.detail)
        .end_object();
  out.end_array();
}

void write_checks(JsonOut& out, const std::vector<core::CheckView>& checks, Language language) {
  out.key("checks").begin_array();
  for (const auto& c : checks) {
    out.begin_object().field("id", c.id).field("ok", c.ok);
    if (!c.detail.empty()) out.field("detail", c.detail);
    const auto known = Catalog::get().checks.find(c.id);
    if (known != Catalog::get().checks.end()) out.field("label", known->second.in(language));
    out.end_object();
  }
  out.end_array();
}

}  // namespace

Problem problem_of(const core::CommandResult& result) {
  Problem problem{result.problem, result.detail};
  problem.checks = result.checks;
  problem.holds = result.holds;
  if (result.problem == "override_required") problem.examined = result.examined;
  if (result.problem == "version_mismatch") problem.current_version = result.current_version;
  if (result.problem == "precondition_failed" && problem.detail.empty()) {
    std::size_t failing = 0;
    for (const auto& c : result.checks) failing += c.ok ? 0 : 1;
    problem.detail =
        std::to_string(failing) + " of " + std::to_string(result.checks.size()) + " checks block";
  }
  return problem;
}

Outcome with_state(Outcome&& outcome, std::string_view state, std::span<const std::string> allowed_actions) {
  if (outcome || outcome.error().code != "invalid_transition") return std::move(outcome);
  std::string actions;
  JsonOut out(actions);
  out.begin_array();
  for (const auto& a : allowed_actions) out.value(a);
  out.end_array();
  auto& members = outcome.error().members;
  members.emplace_back("state", "\"" + std::string(state) + "\"");
  members.emplace_back("allowed_actions", std::move(actions));
  return std::move(outcome);
}

http::Response render(const Problem& problem, const ProblemContext& context) {
  const auto& catalog = Catalog::get();
  const auto known = catalog.problems.find(problem.code);
  const bool ours = known != catalog.problems.end() && problem.code != "internal";
  const auto& kind = ours ? known->second : catalog.problems.find("internal")->second;
  const std::string code = ours ? problem.code : "internal";
  http::Response response;
  response.status = kind.status;
  JsonOut out(response.body);
  out.begin_object().field("type", "/problems/" + code).field("title", kind.title.in(context.language));
  out.field("status", kind.status).field("code", code);
  if (ours && !problem.detail.empty()) out.field("detail", problem.detail);
  out.field("instance", context.instance).field("request_id", context.request_id);
  if (ours) {
    for (const auto& [name, json] : problem.members) out.key(name).raw(json);
    if (problem.current_version) out.field("current_version", *problem.current_version);
    if (!problem.checks.empty()) write_checks(out, problem.checks, context.language);
    if (problem.examined != nullptr) write_findings(out, *problem.examined, context.language);
    if (!problem.holds.empty()) write_holds(out, "holds", problem.holds, context.time_zone);
  }
  write_errors(out, ours ? problem.errors : std::vector<FieldError>{});
  out.end_object();
  response.headers.set("Content-Type", "application/problem+json");
  response.headers.set("Content-Language", context.language == Language::zh ? "zh-CN" : "en");
  if (kind.status == 401) response.headers.set("WWW-Authenticate", "Bearer realm=\"tollgate\"");
  if (problem.retry_after_s != 0) response.headers.set("Retry-After", std::to_string(problem.retry_after_s));
  return response;
}

}  // namespace tollgate::admin
