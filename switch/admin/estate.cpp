// POST /v1/estate, GET /v1/estate (section 8 of the operations interface).
#include <algorithm>

#include "switch/admin/api.h"
#include "switch/admin/call.h"
#include "switch/admin/device_binding.h"
#include "switch/admin/estate_document.h"
#include "switch/admin/estate_export.h"
#include "switch/admin/estate_plan.h"
#include "switch/admin/order_window.h"

namespace tollgate::admin {
namespace {

constexpr std::size_t kOpenMax = 512;  // orders on their way at once

std::expected<void, Problem> may_apply(const EstateDocument& document, const Principal& principal,
                                       const Facts& facts) {
  for (std::size_t k = 0; k < kKinds; ++k) {
    const auto kind = static_cast<Kind>(k);
    if (!document.has(kind)) continue;
    const bool fees = kind == Kind::fee_schedules || kind == Kind::fee_assignments;
    const bool field = kind == Kind::merchants || kind == Kind::devices || kind == Kind::terminals;
    const auto& needed = fees ? kPricing : field ? kOperator : kSupervisor;
    if (principal.roles.any_of(needed)) continue;
    const std::string role(name(fees ? Role::pricing : field ? Role::operator_ : Role::supervisor));
    return std::unexpected(Problem{"role_required", std::string(name(kind)) + " need the role " + role}.with(
        "role", "\"" + role + "\""));
  }
  if (facts.lab()) return {};
  if (document.has_lab_keys())
    return refuse("lab_only", "lab_keys are taken in lab and demo only; production loads key blocks");
  if (std::ranges::any_of(document.fee_schedules, &ScheduleItem::publish))
    return refuse(
        "lab_only",
        "\"publish\": true is taken in lab and demo only; without it the file is a draft, which another "
        "person publishes: tollgate fees publish");
  return {};
}

class Applying {
 public:
  Applying(Call& call, std::vector<Unit> units)
      : call_(call), units_(std::move(units)), rows_(units_.size()), done_(units_.size()) {}

  // Which objects this very request has changed before: their stored answers stand. Another document under
  // the same key is refused before anything is written.
  std::expected<void, Problem> recall() {
    if (call_.idempotency_key.empty()) return {};
    OrderWindow window(call_.backend, kOpenMax);
    bool reused = false, stalled = false;
    for (std::size_t i = 0; i < units_.size() && !stalled; ++i) {
      // An order about nothing: the engine looks for the key first, and has nothing to do when it does not
      // know it.
      auto command = units_[i].partition == kHouse
                         ? command_for(units_[i], core::HouseCommand(core::RevokeToken{}))
                         : command_for(units_[i], core::PartitionCommand(core::ActivateTerminal{}));
      stalled = !window.give(std::move(command), [this, i, &reused](core::CommandResult&& result) {
        if (result.problem == "idempotency_key_reused") reused = true;
        if (!result.replayed) return;
        rows_[i] = std::move(result.body);
        done_[i] = true;
        replayed_ = true;
      });
    }
    if (stalled || !window.finish()) return refuse("storage_stalled", "the store did not answer in time");
    if (reused) return refuse("idempotency_key_reused", "the key was used with another document");
    return {};
  }

  std::expected<void, Problem> apply() {
    for (std::size_t k = 0; k < kKinds; ++k)
      if (auto good = apply(static_cast<Kind>(k)); !good) return good;
    return settle_devices();
  }

  http::Response answer() const {
    std::string body;
    JsonOut out(body);
    out.begin_object()
        .field("object", "estate_result")
        .field("dry_run", call_.dry_run)
        .key("counts")
        .begin_object();
    for (const auto* result : {"create", "update", "unchanged", "refused"}) out.field(result, count(result));
    out.end_object().key("results").begin_array();
    for (const auto& row : rows_)
      if (!row.empty()) out.raw(row);
    out.end_array().end_object();
    auto response = json_response(std::move(body));
    if (replayed_) response.headers.set("Idempotency-Replayed", "true");
    return response;
  }

 private:
  core::Command command_for(const Unit& unit,
                            std::variant<core::PartitionCommand, core::HouseCommand> what) const {
    core::Command command{unit.partition, caller_, std::move(what)};
    command.caller.path = call_.path_text + "#" + unit.name;
    return command;
  }

  static std::string rows_json(const std::vector<PlannedRow>& rows, const core::CommandResult* result,
                               Language language) {
    std::string text;
    for (const auto& row : rows) text.append(text.empty() ? "" : ",").append(row_json(row, result, language));
    return text;
  }

  std::expected<void, Problem> apply(Kind kind) {
    OrderWindow window(call_.backend, kOpenMax);
    bool stalled = false, full = false;
    for (std::size_t i = 0; i < units_.size() && !stalled; ++i) {
      auto& unit = units_[i];
      if (unit.kind != kind || done_[i]) continue;
      if (!unit.order || (call_.dry_run && unit.blind)) {
        rows_[i] = rows_json(unit.rows, nullptr, call_.language);
        continue;
      }
      auto command = command_for(unit, std::move(*unit.order));
      command.caller.render = [rows = unit.rows,
                               language = call_.language](const core::CommandResult& result) {
        return std::pair<std::uint32_t, std::string>(200, rows_json(rows, &result, language));
      };
      stalled = !window.give(std::move(command), [this, i, &full](core::CommandResult&& result) {
        if (result.problem == "storage_full") full = true;
        rows_[i] = result.replayed ? result.body : rows_json(units_[i].rows, &result, call_.language);
        if (auto* t = std::get_if<core::TerminalView>(&result.object))
          terminals_.push_back(std::move(t->terminal));
      });
    }
    if (stalled || !window.finish())
      return refuse("storage_stalled", "the store did not answer in time; a rerun completes what is missing");
    if (full) return refuse("storage_full", "no space is left; a rerun completes what is missing");
    return {};
  }

  std::expected<void, Problem> settle_devices() {
    if (call_.dry_run) return {};
    const auto reference = call_.backend.reference();
    OrderWindow window(call_.backend, kOpenMax);
    for (const auto& terminal : terminals_) {
      const auto wanted = wanted_device(*reference, terminal);
      if (!wanted) continue;
      core::Command command{kHouse, {}, core::HouseCommand(core::SetDevice{*wanted})};
      command.caller.principal = call_.principal.name;
      command.caller.path = call_.path_text;
      if (!window.give(std::move(command), [](core::CommandResult&&) {})) break;
    }
    if (!window.finish())
      return refuse("storage_stalled", "the store did not answer in time; a rerun completes what is missing");
    return {};
  }

  // Rows are this code's own JSON: inside a string a quote is escaped, so this text stands for the member
  // only.
  std::size_t count(std::string_view result) const {
    const auto member = "\"result\":\"" + std::string(result) + "\"";
    std::size_t n = 0;
    for (const auto& row : rows_)
      for (auto at = row.find(member); at != std::string::npos; at = row.find(member, at + 1)) ++n;
    return n;
  }

  Call& call_;
  std::vector<Unit> units_;
  std::vector<std::string> rows_;  // one per unit, comma-separated objects
  std::vector<bool> done_;
  std::vector<v1::Terminal> terminals_;
  const core::Caller caller_ = call_.caller();  // the digest of a large document is worked out once
  bool replayed_ = false;
};

Outcome apply_estate(Call& call) {
  if (auto done = call.query.done(); !done) return std::unexpected(done.error());
  const bool lines = call.request.headers.get("Content-Type").starts_with("application/x-ndjson");
  const auto document = read_estate(call.request.body, lines, call.backend.facts());
  if (!document) return std::unexpected(document.error());
  if (auto allowed = may_apply(*document, call.principal, call.backend.facts()); !allowed)
    return std::unexpected(allowed.error());
  const std::lock_guard guard(call.shared.estate_mutex);
  if (auto errors = check_estate(*document, call.backend); !errors.empty())
    return std::unexpected(problem_of(std::move(errors)));
  Applying applying(call, plan_estate(*document, call.backend));
  if (auto recalled = applying.recall(); !recalled) return std::unexpected(recalled.error());
  if (auto applied = applying.apply(); !applied) return std::unexpected(applied.error());
  return applying.answer();
}

Outcome get_estate(Call& call) {
  std::set<Kind> kinds;
  for (const auto& text : call.query.take_list("kinds")) {
    const auto kind = kind_of(text);
    if (!kind) return refuse("invalid_parameter", "no such kind: " + text);
    kinds.insert(*kind);
  }
  if (auto done = call.query.done(); !done) return std::unexpected(done.error());
  if (kinds.empty())
    for (std::size_t k = 0; k < kKinds; ++k) kinds.insert(static_cast<Kind>(k));
  http::Response response;
  response.headers.set("Content-Type", "application/json");
  response.source = std::make_unique<EstateExport>(call.backend, std::move(kinds));
  return response;
}

}  // namespace

void add_estate_routes(Router& router) {
  RoleSet writers{Role::operator_, Role::supervisor, Role::pricing};
  router.add(
      {"POST", "/v1/estate", writers, {.effect = true, .large = true, .ndjson_in = true}, apply_estate});
  router.add({"GET", "/v1/estate", kViewer, {}, get_estate});
}

}  // namespace tollgate::admin
