// What operators order: the life cycle of the operations interface, sections 4 and 5, as far as this release serves it
// (T1, T2, T3, T4, T5), and the estate's merchants and terminals. Effects in force when command_done is called (P4).
#include <fmt/format.h>

#include <algorithm>

#include "switch/base/check.h"
#include "switch/core/partition.h"
#include "switch/crypto/lab.h"

namespace tollgate::core {
namespace {

// Reasons that a suspend may name (section 4, column "For" with S), and who may not open them.
constexpr std::array<std::string_view, 13> kSuspendReasons = {
    "policy_change", "device_fault", "merchant_request", "provider_termination", "risk", "lost_stolen", "below_min_version",
    "planned_maintenance", "location_mismatch", "relocation", "dormant", "registration_incomplete", "other"};

bool same_but_version(v1::Merchant a, v1::Merchant b) {
  a.clear_version();
  b.clear_version();
  return a.SerializeAsString() == b.SerializeAsString();
}

bool same_but_version(v1::Terminal a, v1::Terminal b) {
  a.clear_version();
  b.clear_version();
  return a.SerializeAsString() == b.SerializeAsString();
}

bool stale(CommandResult& result, std::optional<std::uint64_t> wanted, std::uint64_t current) {
  if (!wanted || *wanted == current) return false;
  result.problem = "version_mismatch";
  result.detail = "changed meanwhile";
  result.current_version = current;
  return true;
}

bool bad_reason(CommandResult& result, std::string_view reason, std::string_view note) {
  if (std::ranges::find(kSuspendReasons, reason) == kSuspendReasons.end()) {
    result.problem = "validation_failed";
    result.detail = fmt::format("reason \"{}\" is not one that a suspend may name", reason);
    return true;
  }
  if (reason == "other" && note.size() < 10) {
    result.problem = "validation_failed";
    result.detail = "reason other needs a note of at least 10 characters";
    return true;
  }
  return false;
}

}  // namespace

Terminal* Partition::terminal_by(ObjectId id) {
  const auto it = terminal_by_id_.find(id.raw());
  return it == terminal_by_id_.end() ? nullptr : terminals_[it->second].get();
}

MerchantState* Partition::merchant_by(ObjectId id) {
  const auto it = merchant_by_id_.find(id.raw());
  return it == merchant_by_id_.end() ? nullptr : merchants_[it->second].get();
}

void Partition::command(const PartitionCommand& what, Caller& caller, std::uint64_t ticket) {
  CommandResult result;
  const auto answer = [&] { w_.outside.command_done(ticket, std::move(result)); };
  if (!caller.idempotency_key.empty() && !caller.dry_run) {
    if (const auto* known = idempotency_.find(caller.principal, caller.path, caller.idempotency_key)) {
      if (known->body_sha256() == as_text(caller.body_sha256)) {
        result.replayed = true;
        result.status = known->status();
        result.body = known->body();
      } else {
        result.problem = "idempotency_key_reused";
        result.detail = "the key was used with another body";
      }
      // The first effect may still be on its way to the disk: the replay waits behind it.
      call_after([this, ticket, r = std::make_shared<CommandResult>(std::move(result))] { w_.outside.command_done(ticket, std::move(*r)); });
      return;
    }
  }
  const auto records = gathering_.records;
  std::visit([&](const auto& c) { run(c, result, caller); }, what);
  if (caller.render) std::tie(result.status, result.body) = caller.render(result);
  if (gathering_.records == records) {  // nothing changed: but what it says may rest on records that are still on their way
    if (committing_ || !gathering_.empty()) {
      call_after([this, ticket, r = std::make_shared<CommandResult>(std::move(result))] { w_.outside.command_done(ticket, std::move(*r)); });
      return;
    }
    return answer();
  }
  if (!caller.idempotency_key.empty()) {
    v1::Idempotency kept;
    kept.set_principal(caller.principal);
    kept.set_path(caller.path);
    kept.set_key(caller.idempotency_key);
    kept.set_body_sha256(caller.body_sha256.data(), caller.body_sha256.size());
    kept.set_status(result.status);
    kept.set_body(result.body);
    record(70, kept);
  }
  call_after([this, ticket, r = std::make_shared<CommandResult>(std::move(result))] { w_.outside.command_done(ticket, std::move(*r)); });
}

void Partition::run(const SetMerchant& what, CommandResult& result, const Caller& caller) {
  auto merchant = what.merchant;
  const auto it = merchant_by_code_.find(merchant.merchant_code());
  const auto* known = it == merchant_by_code_.end() ? nullptr : merchants_[it->second].get();
  merchant.set_id(known != nullptr ? known->merchant.id() : take_id().raw());
  merchant.set_version(known != nullptr ? known->merchant.version() + 1 : 1);
  if (known != nullptr) {
    merchant.set_closed(known->merchant.closed());
    if (same_but_version(known->merchant, merchant)) {
      result.change = "unchanged";
      result.object = view_of(*known);
      return;
    }
  }
  result.change = known != nullptr ? "update" : "create";
  if (caller.dry_run) return;
  v1::MerchantSet set;
  *set.mutable_merchant() = std::move(merchant);
  record(30, set);
  result.object = view_of(*merchants_[merchant_by_code_.at(set.merchant().merchant_code())]);
}

void Partition::set_tmk(std::uint32_t index, ByteView clear) {
  auto& terminal = *terminals_[index];
  auto tmk = crypto::import_clear_tmk(clear);
  TG_CHECK(tmk.has_value());
  const auto id = terminal.terminal.id();
  gathering_.cells.push_back({fmt::format("tmk/{}", id), w_.vault.seal_tmk(fmt::format("tmk/{}/{}", id, terminal.terminal.tmk_generation()), *tmk, w_.chance)});
  terminal.tmk = std::make_unique<crypto::Tmk>(std::move(*tmk));
}

void Partition::run(const SetTerminal& what, CommandResult& result, const Caller& caller) {
  auto terminal = what.terminal;
  const auto merchant = merchant_by_code_.find(terminal.merchant_code());
  if (merchant == merchant_by_code_.end()) {
    result.problem = "not_found";
    result.detail = "merchant " + terminal.merchant_code() + " is not known";
    return;
  }
  const auto key = TerminalKey::of(terminal.tid(), terminal.merchant_code());
  if (!key) {
    result.problem = "validation_failed";
    result.detail = "a terminal has 8 characters, a merchant code 15";
    return;
  }
  const auto it = terminal_by_key_.find(*key);
  const auto* known = it == terminal_by_key_.end() ? nullptr : terminals_[it->second].get();
  bool new_key = false;
  std::string kcv;
  if (what.lab_tmk) {
    auto tmk = crypto::import_clear_tmk(*what.lab_tmk);
    if (!tmk) {
      result.problem = "validation_failed";
      result.detail = tmk.error().what;
      return;
    }
    kcv = tmk->check_value().hex();
    new_key = known == nullptr || known->terminal.tmk_kcv() != kcv;
  }
  if (known != nullptr && known->terminal.activated() && !terminal.serial_number().empty() &&
      terminal.serial_number() != known->terminal.serial_number()) {
    result.problem = "use_replace";
    result.detail = "an active terminal changes its device by replace";
    return;
  }
  terminal.set_id(known != nullptr ? known->terminal.id() : take_id().raw());
  terminal.set_version(known != nullptr ? known->terminal.version() + 1 : 1);
  terminal.set_activated(known != nullptr && known->terminal.activated());
  terminal.set_state_since_us(known != nullptr ? known->terminal.state_since_us() : w_.now.wall.us);
  terminal.set_tmk_kcv(new_key ? kcv : known != nullptr ? known->terminal.tmk_kcv() : "");
  terminal.set_tmk_generation((known != nullptr ? known->terminal.tmk_generation() : 0) + (new_key ? 1 : 0));
  const bool changed = known == nullptr || !same_but_version(known->terminal, terminal);
  result.change = known == nullptr ? "create" : changed ? "update" : "unchanged";
  if (!caller.dry_run && changed) {
    v1::TerminalSet set;
    *set.mutable_terminal() = terminal;
    record(31, set);
    if (new_key) set_tmk(terminal_by_key_.at(*key), *what.lab_tmk);
  }
  if (what.want_active && !terminal.activated() && !caller.dry_run) {
    CommandResult activated;
    run(ActivateTerminal{.terminal = ObjectId(terminal.id()), .note = "estate"}, activated, caller);
    if (!activated.ok()) {
      result.problem = activated.problem;
      result.detail = activated.detail;
      result.checks = std::move(activated.checks);
    } else if (result.change == "unchanged") {
      result.change = "update";
    }
  }
  if (const auto* now = terminal_by(ObjectId(terminal.id()))) result.object = view_of(*now);
}

std::vector<CheckView> Partition::activation_checks(const Terminal& terminal) const {
  const auto& t = terminal.terminal;
  const auto& merchant = *merchants_[terminal.merchant];
  const auto& m = merchant.merchant;
  const auto& reference = *w_.reference;
  const auto* device = reference.device(t.serial_number());
  const auto today = format_date(w_.day.local(w_.now.wall).date);
  const bool registered = !t.serial_number().empty() && !m.unified_credit_code().empty() && !m.settlement_account().empty() && t.has_location() &&
                          !t.location().address().empty();
  std::array<std::uint16_t, 8> hosts;
  const bool routed = std::ranges::any_of(reference.cards(), [&](const auto& card) {
    RouteQuery query;
    query.pan = card.prefix();
    query.merchant_code = t.merchant_code();
    query.tid = t.tid();
    query.kind = "sale";
    return reference.route(query, 0, hosts).hosts > 0;
  });
  const bool priced = reference.prices().resolve(w_.now.wall, {t.tid(), t.merchant_code(), m.sponsor()}) != nullptr;
  return {
      {"merchant_active", !m.closed() && merchant.holds.empty(), ""},
      {"registration_complete", registered, "serial number, credit code, settlement account and location are needed"},
      {"device_bound", device != nullptr, "device " + t.serial_number()},
      {"device_certified", device != nullptr && device->certified_until() >= today, device != nullptr ? "until " + device->certified_until() : ""},
      {"tmk_loaded", terminal.tmk != nullptr, ""},
      {"fee_schedule_resolved", priced, ""},
      {"firmware_at_least_min", true, ""},  // no policy can be set in this release
      {"host_route_exists", routed, ""},
  };
}

void Partition::release_holds(std::vector<std::uint64_t> holds, std::string_view by, std::string_view note) {
  for (const auto id : holds) {
    v1::HoldReleased released;
    released.set_hold(id);
    released.set_by(by.data(), by.size());
    released.set_note(note.data(), note.size());
    record(34, released);
  }
}

// Holds whose `until` has come are released by the system.
void Partition::end_holds() {
  if (next_until_us_ == 0 || w_.now.wall.us < next_until_us_) return;
  std::vector<std::uint64_t> over;
  next_until_us_ = 0;
  for (const auto& [id, hold] : holds_) {
    if (hold.until_us() == 0) continue;
    if (hold.until_us() <= w_.now.wall.us)
      over.push_back(id);
    else if (next_until_us_ == 0 || hold.until_us() < next_until_us_)
      next_until_us_ = hold.until_us();
  }
  std::ranges::sort(over);
  release_holds(over, "system", "until");
}

void Partition::run(const ActivateTerminal& what, CommandResult& result, const Caller& caller) {
  auto* terminal = terminal_by(what.terminal);
  if (terminal == nullptr) {
    result.problem = "not_found";
    return;
  }
  if (stale(result, what.version, terminal->terminal.version())) return;
  auto release = terminal->holds;
  if (what.hold) {
    std::erase_if(release, [&](auto id) { return id != what.hold->raw(); });
    if (release.empty()) {
      result.problem = "not_found";
      result.detail = "the terminal has no such hold";
      return;
    }
  }
  if (terminal->terminal.activated() && terminal->holds.empty()) {
    const auto& merchant = *merchants_[terminal->merchant];
    if (merchant.holds.empty()) {
      result.problem = "invalid_transition";
      result.detail = "the terminal is active";
      return;
    }
  }
  const bool wakes = release.size() == terminal->holds.size();
  if (wakes) {
    auto checks = activation_checks(*terminal);
    if (std::ranges::any_of(checks, [](const auto& c) { return !c.ok && c.id != "merchant_active"; })) {
      result.problem = "precondition_failed";
      result.detail = fmt::format("{} of {} checks block", std::ranges::count_if(checks, [](const auto& c) { return !c.ok; }), checks.size());
      result.checks = std::move(checks);
      return;
    }
    for (const auto id : merchants_[terminal->merchant]->holds) result.holds.push_back(hold_view(holds_.at(id)));
    if (!result.holds.empty()) {
      result.problem = "holds_remain";
      result.detail = fmt::format("{} inherited hold{} remain{}", result.holds.size(), result.holds.size() == 1 ? "" : "s", result.holds.size() == 1 ? "s" : "");
      return;
    }
  }
  result.change = "update";
  if (caller.dry_run) {
    result.object = view_of(*terminal);
    return;
  }
  release_holds(release, caller.principal, what.note);
  if (!terminal->terminal.activated()) {
    v1::TerminalActivated activated;
    activated.set_terminal(terminal->terminal.id());
    activated.set_by(caller.principal);
    activated.set_note(what.note);
    record(32, activated);
  }
  result.object = view_of(*terminal);
}

void Partition::open_hold(std::string_view scope, std::uint64_t owner, const std::string& reason, const std::string& note, const std::string& evidence,
                          WallTime until, const Caller& caller) {
  v1::HoldOpened opened;
  auto& hold = *opened.mutable_hold();
  hold.set_id(take_id().raw());
  hold.set_scope(scope.data(), scope.size());
  hold.set_owner(owner);
  hold.set_reason(reason);
  hold.set_note(note);
  hold.set_evidence(evidence);
  hold.set_since_us(w_.now.wall.us);
  hold.set_until_us(until.us);
  hold.set_by(caller.principal);
  record(33, opened);
}

void Partition::run(const SuspendTerminal& what, CommandResult& result, const Caller& caller) {
  auto* terminal = terminal_by(what.terminal);
  if (terminal == nullptr) {
    result.problem = "not_found";
    return;
  }
  if (stale(result, what.version, terminal->terminal.version()) || bad_reason(result, what.reason, what.note)) return;
  if (what.until.us != 0 && what.until.us <= w_.now.wall.us) {
    result.problem = "validation_failed";
    result.detail = "until lies in the past";
    return;
  }
  const bool again = std::ranges::any_of(terminal->holds, [&](auto id) { return holds_.at(id).reason() == what.reason; });
  if (again) {  // T4: a further hold needs a different reason
    result.problem = "invalid_transition";
    result.detail = "a hold for " + what.reason + " is open";
    return;
  }
  result.change = "update";
  if (!caller.dry_run) open_hold("terminal", terminal->terminal.id(), what.reason, what.note, what.evidence, what.until, caller);
  result.object = view_of(*terminal);
}

void Partition::run(const SuspendMerchant& what, CommandResult& result, const Caller& caller) {
  auto* merchant = merchant_by(what.merchant);
  if (merchant == nullptr) {
    result.problem = "not_found";
    return;
  }
  if (stale(result, what.version, merchant->merchant.version()) || bad_reason(result, what.reason, what.note)) return;
  const bool again = std::ranges::any_of(merchant->holds, [&](auto id) { return holds_.at(id).reason() == what.reason; });
  if (again) {
    result.problem = "invalid_transition";
    result.detail = "a hold for " + what.reason + " is open";
    return;
  }
  result.change = "update";
  if (!caller.dry_run) open_hold("merchant", merchant->merchant.id(), what.reason, what.note, what.evidence, what.until, caller);
  result.object = view_of(*merchant);
}

void Partition::run(const ActivateMerchant& what, CommandResult& result, const Caller& caller) {
  auto* merchant = merchant_by(what.merchant);
  if (merchant == nullptr) {
    result.problem = "not_found";
    return;
  }
  if (stale(result, what.version, merchant->merchant.version())) return;
  if (merchant->holds.empty()) {
    result.problem = "invalid_transition";
    result.detail = "the merchant is active";
    return;
  }
  result.change = "update";
  if (!caller.dry_run) release_holds(merchant->holds, caller.principal, what.note);
  result.object = view_of(*merchant);
}

}  // namespace tollgate::core
