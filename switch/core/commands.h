// What operators order, as values: the admin interface builds a Command, the engine that owns the object decides, writes a
// record and answers when that is durable and in force. The answer carries the object as it is after the command, as plain
// values: no reference into the engine leaves its thread.
//
// Problem codes are those of the operations interface (problem+json `code`): invalid_transition, holds_remain,
// precondition_failed, version_mismatch, not_found, already_exists, use_replace, role_required …
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "fees/report.h"
#include "proto/records.h"
#include "switch/base/ids.h"
#include "switch/base/time.h"
#include "switch/crypto/vault.h"

namespace tollgate::core {

struct HoldView {
  ObjectId id;
  std::string scope, reason, note, evidence, by;
  WallTime since, until;  // until.us == 0: open-ended
};

enum class TerminalState : std::uint8_t { pending, active, suspended, replacing, deregistering, deregistered };
[[nodiscard]] std::string_view name(TerminalState state) noexcept;

struct Acceptance {
  bool financial = false, reversal = false, advice = false, batch_upload = false, management = false;
};

struct TerminalView {
  v1::Terminal terminal;       // as recorded
  ObjectId merchant;
  TerminalState state = TerminalState::pending;
  Acceptance accepts;
  std::vector<HoldView> holds;  // own and inherited
  std::uint32_t key_generation = 0;
  WallTime signed_on_at, last_seen_at, last_transaction_at;  // us == 0: never
  std::uint32_t batch = 0;
  std::uint32_t batch_count = 0;
  std::int64_t batch_total_minor = 0;
  std::vector<std::string> allowed_actions;
};

struct MerchantView {
  v1::Merchant merchant;
  bool suspended = false;
  std::vector<HoldView> holds;
  std::uint32_t terminals = 0;
};

struct CheckView {  // of precondition_failed
  std::string id;
  bool ok = false;
  std::string detail;
};

struct CommandResult {
  std::string problem;  // empty: done
  std::string detail;
  std::vector<CheckView> checks;
  std::vector<HoldView> holds;  // of holds_remain
  std::uint64_t current_version = 0;
  std::string change;           // estate: create, update, unchanged
  std::variant<std::monostate, TerminalView, MerchantView> object;
  bool replayed = false;        // Idempotency-Key seen before: status and body are the stored ones
  std::uint32_t status = 0;
  std::string body;
  std::shared_ptr<const fees::Examination> examined;  // what a draft or publication was decided on; its findings
  [[nodiscard]] bool ok() const noexcept { return problem.empty(); }
};

// Who asks, and how often it may count. `render` turns the result into the answer that a replay of the same key gets; it runs
// on the engine's thread and must be pure.
struct Caller {
  std::string principal;
  std::string path;
  std::string idempotency_key;  // empty: none
  Bytes body_sha256;
  std::function<std::pair<std::uint32_t, std::string>(const CommandResult&)> render;
  bool dry_run = false;
};

struct SetMerchant { v1::Merchant merchant; };   // by merchant_code; id, version filled in
struct SetTerminal {                             // by tid + merchant_code
  v1::Terminal terminal;
  bool want_active = false;
  std::optional<Bytes> lab_tmk;                  // clear, lab only: sealed at once, wiped
};
struct ActivateTerminal {
  ObjectId terminal;
  std::optional<std::uint64_t> version;          // If-Match; absent: any
  std::optional<ObjectId> hold;                  // only this one
  std::string note, evidence;
};
struct SuspendTerminal {
  ObjectId terminal;
  std::optional<std::uint64_t> version;
  std::string reason, note, evidence;
  WallTime until;
};
struct SuspendMerchant {
  ObjectId merchant;
  std::optional<std::uint64_t> version;
  std::string reason, note, evidence;
  WallTime until;
};
struct ActivateMerchant {
  ObjectId merchant;
  std::optional<std::uint64_t> version;
  std::string note;
};

// House: reference data and access.
struct SetHost {
  v1::Host host;
  std::optional<Bytes> lab_zmk;
};
struct SetRoutes { std::vector<v1::Route> routes; };
struct SetCards { std::vector<v1::CardRange> cards; };
// Findings (fees/report.h) are published only with a written override. `examined` is made of the same text beforehand, off the
// engine's thread; without it the engine does it.
struct PublishSchedule {
  std::string json;
  std::string file;
  std::string override_reason = {};
  std::shared_ptr<const fees::Examination> examined = {};
};
struct DraftSchedule {
  std::string json;
  std::string file = {};
  std::shared_ptr<const fees::Examination> examined = {};
};
struct PublishDraft {
  std::string schedule_id;
  std::int32_t version = 0;
  std::string override_reason = {};
  bool second_person = true;                               // whoever drafted it may not publish it
  std::shared_ptr<const fees::Examination> examined = {};  // of the draft that was seen
};
struct Assign { std::string json; };
struct SetDevice { v1::Device device; };
struct CreateToken { v1::TokenCreated token; };
struct RevokeToken { ObjectId token; };

using PartitionCommand = std::variant<SetMerchant, SetTerminal, ActivateTerminal, SuspendTerminal, SuspendMerchant, ActivateMerchant>;
using HouseCommand = std::variant<SetHost, SetRoutes, SetCards, PublishSchedule, DraftSchedule, PublishDraft, Assign, SetDevice, CreateToken, RevokeToken>;

struct Command {
  PartitionId partition;  // kHouse for HouseCommand
  Caller caller;
  std::variant<PartitionCommand, HouseCommand> what;
};

}  // namespace tollgate::core
