#include "switch/admin/reasons.h"

#include "switch/admin/json_out.h"

namespace tollgate::admin {
namespace {

constexpr std::size_t kOtherNoteMin = 10;

// Each reason's own reference, under the name that the table gives it.
std::string read_reference(Binder& body, const std::string& reason) {
  const auto kind = Catalog::get().reasons.find(reason);
  std::string text;
  for (const auto* field : {"policy_ref", "contact", "contract_ref", "case_ref", "reported_at"})
    if (auto value = body.text(field, {1, 128}))
      text.append(text.empty() ? "" : "; ").append(field).append("=").append(*value);
  for (const auto* field : {"drift_m", "days"})
    if (auto value = body.integer(field, 0, 1'000'000'000))
      text.append(text.empty() ? "" : "; ").append(field).append("=").append(std::to_string(*value));
  if (kind == Catalog::get().reasons.end()) return text;
  const auto& required = kind->second.required;
  if (!required.empty() && required != "note" && !body.has(required))
    body.error(required, "required", "the reason " + reason + " needs it");
  return text;
}

}  // namespace

std::expected<SuspendBody, Problem> read_suspend(std::string_view text, WallTime now) {
  const auto parsed = parse_json(text.empty() ? "{}" : text);
  if (!parsed) return std::unexpected(parsed.error());
  FieldErrors errors;
  Binder body(*parsed, "", errors);
  SuspendBody read;
  read.reason = body.need_text("reason", {1, 64});
  read.note = body.text("note", {0, 500}).value_or("");
  read.evidence = body.text("evidence", {0, 128}).value_or("");
  const auto reference = read_reference(body, read.reason);
  if (!reference.empty())
    read.evidence = read.evidence.empty() ? reference : reference + "; " + read.evidence;
  if (const auto until = body.time("until")) {
    read.until = *until;
    if (*until <= now) body.error("until", "not_in_future", "it lies in the past");
  }
  const auto kind = Catalog::get().reasons.find(read.reason);
  if (!read.reason.empty() && kind == Catalog::get().reasons.end())
    body.error("reason", "invalid_value", "no such reason");
  else if (kind != Catalog::get().reasons.end() && !kind->second.verbs.contains('S'))
    body.error("reason", "invalid_value",
               kind->second.verbs.empty() ? "only the system gives this reason" : "not a reason to suspend");
  if (read.reason == "other" && read.note.size() < kOtherNoteMin)
    body.error("note", "required", "the reason other needs a note of at least 10 characters");
  body.done();
  if (!errors.empty()) return std::unexpected(problem_of(std::move(errors)));
  return read;
}

std::optional<Problem> may_not_release(const core::HoldView& hold, const Principal& principal) {
  const auto kind = Catalog::get().reasons.find(hold.reason);
  if (kind == Catalog::get().reasons.end()) return std::nullopt;
  if (kind->second.release.empty())
    return Problem{"invalid_transition", "a hold for " + hold.reason + " is never released"};
  for (const auto& needed : kind->second.release) {
    const auto role = role_of(needed);
    const bool has =
        role && (*role == Role::operator_ ? principal.roles.any_of(kOperator) : principal.roles.has(*role));
    if (has) continue;
    std::string json;
    append_json_string(json, needed);
    return Problem{"role_required", "releasing a hold for " + hold.reason + " needs the role " + needed}.with(
        "role", std::move(json));
  }
  return std::nullopt;
}

}  // namespace tollgate::admin
