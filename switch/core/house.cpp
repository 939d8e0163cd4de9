#include "switch/core/house.h"

#include <algorithm>

#include "switch/base/check.h"
#include "switch/crypto/lab.h"

namespace tollgate::core {
namespace {

constexpr std::string_view kTokenizerCell = "vault/tokenizer";
constexpr Duration kFullRetry = std::chrono::milliseconds(200);

template <class Message>
bool equal_messages(const Message& a, const Message& b) {
  return a.SerializeAsString() == b.SerializeAsString();
}

}  // namespace

House::House(WorkerContext& worker, Epoch epoch) : w_(worker), epoch_(epoch) {}

// ---- the fold --------------------------------------------------------------------------------------------------------

bool House::replay(const RecordView& view) {
  v1::Record record;
  if (!record.ParseFromArray(view.bytes.data(), static_cast<int>(view.bytes.size()))) return false;
  return apply(record);
}

bool House::apply(const v1::Record& record) {
  switch (record.body_case()) {
    case v1::Record::kHostSet: apply(record.host_set(), record.at_us()); break;
    case v1::Record::kRoutesSet: apply(record.routes_set(), record.at_us()); break;
    case v1::Record::kCardsSet: apply(record.cards_set(), record.at_us()); break;
    case v1::Record::kDeviceSet: apply(record.device_set(), record.at_us()); break;
    case v1::Record::kSchedulePublished: apply(record.schedule_published(), record.at_us()); break;
    case v1::Record::kScheduleDrafted: apply(record.schedule_drafted(), record.at_us()); break;
    case v1::Record::kAssignmentRecorded: apply(record.assignment_recorded(), record.at_us()); break;
    case v1::Record::kTokenCreated: apply(record.token_created(), record.at_us()); break;
    case v1::Record::kTokenRevoked: apply(record.token_revoked(), record.at_us()); break;
    case v1::Record::kIdempotency: apply(record.idempotency(), record.at_us()); break;
    case v1::Record::kVaultChanged: apply(record.vault_changed(), record.at_us()); break;
    default: return false;  // of a partition, of a newer release, or not as we write it
  }
  return true;
}

void House::apply(const v1::HostSet& set, std::int64_t) {
  hosts_[set.host().name()] = set.host();
  ++version_;
}

void House::apply(const v1::RoutesSet& set, std::int64_t) {
  routes_.assign(set.routes().begin(), set.routes().end());
  ++version_;
}

void House::apply(const v1::CardsSet& set, std::int64_t) {
  cards_.assign(set.cards().begin(), set.cards().end());
  ++version_;
}

void House::apply(const v1::DeviceSet& set, std::int64_t) {
  devices_[set.device().serial_number()] = set.device();
  ++version_;
}

void House::apply(const v1::TokenCreated& created, std::int64_t) {
  tokens_[created.id()] = created;
  ++version_;
}

void House::apply(const v1::TokenRevoked& revoked, std::int64_t) {
  tokens_.erase(revoked.id());
  ++version_;
}

void House::apply(const v1::Idempotency& idempotency, std::int64_t at_us) { idempotency_.add(idempotency, at_us); }

void House::apply(const v1::VaultChanged&, std::int64_t) { ++version_; }

// ---- life ------------------------------------------------------------------------------------------------------------

Result<void> House::open_cells(const storage::Journal& journal) {
  auto cell = journal.cell(kTokenizerCell);
  if (!cell) return std::unexpected(cell.error());
  if (*cell) {
    auto tokenizer = w_.vault.open_tokenizer(kTokenizerCell, **cell);
    if (!tokenizer) return std::unexpected(tokenizer.error());
    tokenizer_ = std::make_shared<const crypto::PanTokenizer>(std::move(*tokenizer));
  } else if (next_group_.value > 1) {
    return fail(ErrorCode::damaged, "the store has records but no tokenizer key", std::string(kTokenizerCell));
  }
  for (const auto& [name, host] : hosts_) {
    if (host.zmk_kcv().empty()) continue;
    auto sealed = journal.cell("zmk/" + name);
    if (!sealed) return std::unexpected(sealed.error());
    if (!*sealed) return fail(ErrorCode::damaged, "the zone key of host " + name + " is missing", "vault");
    auto key = w_.vault.open_zone_key("zmk/" + name, **sealed);
    if (!key) return std::unexpected(key.error());
    zone_keys_[name] = std::make_shared<const crypto::ZonePinKey>(std::move(*key));
  }
  return {};
}

void House::start() {
  if (tokenizer_ != nullptr) return;
  auto cell = w_.vault.create_tokenizer_key(kTokenizerCell, w_.chance);
  auto tokenizer = w_.vault.open_tokenizer(kTokenizerCell, cell);
  TG_CHECK(tokenizer.has_value());
  tokenizer_ = std::make_shared<const crypto::PanTokenizer>(std::move(*tokenizer));
  v1::VaultChanged changed;
  changed.set_key(std::string(kTokenizerCell));
  changed.set_generation(1);
  record(71, changed);
  gathering_.cells.push_back({std::string(kTokenizerCell), std::move(cell)});
  changed_ = true;
  flush();
}

void House::flush() {
  if (again_ && w_.now.instant >= again_at_) {
    w_.outside.submit(std::move(*again_));
    again_.reset();
  }
  if (committing_ || gathering_.empty()) return;
  if (gathering_.records == 0) return;
  std::swap(gathering_, in_commit_);
  committing_ = true;
  storage::CommitWork work{kHouse, epoch_, next_group_, in_commit_.records, std::move(in_commit_.payload), std::move(in_commit_.cells), false};
  next_group_ = GroupNo{next_group_.value + 1};
  w_.outside.submit(std::move(work));
}

void House::on_committed(storage::CommitWork&& work, storage::AppendResult result) {
  if (result == storage::AppendResult::full) {  // rare and small: what was ordered is written, below the last reserve later
    work.essential = true;
    again_ = std::move(work);
    again_at_ = w_.now.instant + kFullRetry;
    return;
  }
  TG_CHECK(result == storage::AppendResult::durable && committing_);
  auto calls = std::make_shared<std::vector<std::function<void()>>>(std::move(in_commit_.calls));
  in_commit_.clear();
  committing_ = false;
  // In force everywhere before anybody is told.
  w_.outside.publish_reference(make_reference(), [calls] {
    for (auto& call : *calls) call();
  });
}

std::shared_ptr<const Reference> House::make_reference() const {
  Reference::Parts parts;
  for (const auto& [name, host] : hosts_) {
    const auto key = zone_keys_.find(name);
    parts.hosts.push_back({host, iso::Dialect::builtin(host.dialect()), key == zone_keys_.end() ? nullptr : key->second});
  }
  parts.routes = routes_;
  parts.cards = cards_;
  for (const auto& [serial, device] : devices_) parts.devices.push_back(device);
  for (const auto& [id, token] : tokens_) parts.tokens.push_back(token);
  parts.prices = std::make_shared<const fees::PriceBook>(prices_);
  parts.tokenizer = tokenizer_;
  parts.version = version_;
  return std::make_shared<const Reference>(std::move(parts));
}

void House::done(std::uint64_t ticket, CommandResult&& result) {
  gathering_.calls.push_back(
      [this, ticket, r = std::make_shared<CommandResult>(std::move(result))] { w_.outside.command_done(ticket, std::move(*r)); });
}

void House::command(const HouseCommand& what, Caller& caller, std::uint64_t ticket) {
  CommandResult result;
  if (!caller.idempotency_key.empty() && !caller.dry_run) {
    if (const auto* known = idempotency_.find(caller.principal, caller.path, caller.idempotency_key)) {
      const bool same = known->body_sha256() == as_text(caller.body_sha256);
      result.replayed = same;
      result.status = known->status();
      result.body = same ? known->body() : "";
      if (!same) result.problem = "idempotency_key_reused";
      return w_.outside.command_done(ticket, std::move(result));
    }
  }
  const auto records = gathering_.records;
  std::visit([&](const auto& c) { run(c, result, caller); }, what);
  if (caller.render) std::tie(result.status, result.body) = caller.render(result);
  if (gathering_.records == records) return w_.outside.command_done(ticket, std::move(result));
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
  done(ticket, std::move(result));
}

// ---- commands --------------------------------------------------------------------------------------------------------

void House::run(const SetHost& what, CommandResult& result, const Caller& caller) {
  auto host = what.host;
  const auto it = hosts_.find(host.name());
  const auto* known = it == hosts_.end() ? nullptr : &it->second;
  if (iso::Dialect::builtin(host.dialect()) == nullptr) {
    result.problem = "validation_failed";
    result.detail = "dialect \"" + host.dialect() + "\" is not known";
    return;
  }
  std::optional<crypto::ZonePinKey> key;
  if (what.lab_zmk) {
    auto imported = crypto::import_clear_zone_key(*what.lab_zmk);
    if (!imported) {
      result.problem = "validation_failed";
      result.detail = imported.error().what;
      return;
    }
    host.set_zmk_kcv(imported->check_value().hex());
    key = std::move(*imported);
  } else if (known != nullptr) {
    host.set_zmk_kcv(known->zmk_kcv());
  }
  host.set_version(known != nullptr ? known->version() : 1);
  if (known != nullptr && equal_messages(*known, host)) {
    result.change = "unchanged";
    return;
  }
  if (known != nullptr) host.set_version(known->version() + 1);
  result.change = known == nullptr ? "create" : "update";
  if (caller.dry_run) return;
  const bool new_key = key && (known == nullptr || known->zmk_kcv() != host.zmk_kcv());
  v1::HostSet set;
  *set.mutable_host() = host;
  record(50, set);
  if (new_key) {
    gathering_.cells.push_back({"zmk/" + host.name(), w_.vault.seal_zone_key("zmk/" + host.name(), *key, w_.chance)});
    zone_keys_[host.name()] = std::make_shared<const crypto::ZonePinKey>(std::move(*key));
  }
}

void House::run(const SetRoutes& what, CommandResult& result, const Caller& caller) {
  v1::RoutesSet set, known;
  for (const auto& route : what.routes) {
    for (const auto& target : route.to()) {
      if (hosts_.contains(target.host())) continue;
      result.problem = "validation_failed";
      result.detail = "route " + route.name() + " names host " + target.host() + ", which is not known";
      return;
    }
    *set.add_routes() = route;
  }
  for (const auto& route : routes_) *known.add_routes() = route;
  result.change = equal_messages(set, known) ? "unchanged" : routes_.empty() ? "create" : "update";
  if (result.change != "unchanged" && !caller.dry_run) record(51, set);
}

void House::run(const SetCards& what, CommandResult& result, const Caller& caller) {
  v1::CardsSet set, known;
  for (const auto& card : what.cards) *set.add_cards() = card;
  for (const auto& card : cards_) *known.add_cards() = card;
  result.change = equal_messages(set, known) ? "unchanged" : cards_.empty() ? "create" : "update";
  if (result.change != "unchanged" && !caller.dry_run) record(52, set);
}

void House::run(const SetDevice& what, CommandResult& result, const Caller& caller) {
  auto device = what.device;
  const auto it = devices_.find(device.serial_number());
  const auto* known = it == devices_.end() ? nullptr : &it->second;
  device.set_id(known != nullptr ? known->id() : take_id().raw());
  device.set_version(known != nullptr ? known->version() : 1);
  if (device.state().empty()) device.set_state(known != nullptr ? known->state() : "in_stock");
  device.set_terminal(known != nullptr ? known->terminal() : 0);
  if (known != nullptr && equal_messages(*known, device)) {
    result.change = "unchanged";
    return;
  }
  if (known != nullptr) device.set_version(known->version() + 1);
  result.change = known == nullptr ? "create" : "update";
  if (caller.dry_run) return;
  v1::DeviceSet set;
  *set.mutable_device() = device;
  record(57, set);
}

void House::run(const CreateToken& what, CommandResult& result, const Caller& caller) {
  // A name says who did something: no two tokens in force share one.
  if (std::ranges::any_of(tokens_, [&](const auto& known) { return known.second.name() == what.token.name(); })) {
    result.problem = "already_exists";
    result.detail = "a token has this name";
    return;
  }
  result.change = "create";
  if (caller.dry_run) return;
  auto token = what.token;
  if (token.id() == 0) token.set_id(take_id().raw());
  token.set_by(caller.principal);
  record(55, token);
}

void House::run(const RevokeToken& what, CommandResult& result, const Caller& caller) {
  if (!tokens_.contains(what.token.raw())) {
    result.problem = "not_found";
    return;
  }
  result.change = "update";
  if (caller.dry_run) return;
  v1::TokenRevoked revoked;
  revoked.set_id(what.token.raw());
  revoked.set_by(caller.principal);
  record(56, revoked);
}

// ---- snapshot --------------------------------------------------------------------------------------------------------

std::optional<storage::Snapshot> House::snapshot() const {
  if (!idle()) return std::nullopt;
  v1::HouseSnapshot out;
  for (const auto& [name, host] : hosts_) *out.add_hosts() = host;
  for (const auto& route : routes_) *out.add_routes() = route;
  for (const auto& card : cards_) *out.add_cards() = card;
  for (const auto& [serial, device] : devices_) *out.add_devices() = device;
  for (const auto& [id, token] : tokens_) *out.add_tokens() = token;
  for (const auto& [published, at_us] : schedules_) {
    *out.add_schedules() = published;
    out.add_schedule_at_us(at_us);
  }
  for (const auto& [key, draft] : drafts_) *out.add_drafts() = draft;
  for (const auto& [recorded, at_us] : assignments_) {
    *out.add_assignments() = recorded;
    out.add_assignment_at_us(at_us);
  }
  idempotency_.each([&](const v1::Idempotency& record, std::int64_t at_us) {
    *out.add_idempotency() = record;
    out.add_idempotency_at_us(at_us);
  });
  out.set_version(version_);
  storage::Snapshot snapshot;
  snapshot.group = GroupNo{next_group_.value - 1};
  snapshot.state.resize(out.ByteSizeLong());
  if (!out.SerializeToArray(snapshot.state.data(), static_cast<int>(snapshot.state.size()))) return std::nullopt;
  return snapshot;
}

Result<void> House::load_snapshot(const storage::Snapshot& snapshot) {
  v1::HouseSnapshot in;
  if (!in.ParseFromArray(snapshot.state.data(), static_cast<int>(snapshot.state.size()))) return fail(ErrorCode::damaged, "a snapshot that does not parse");
  for (const auto& host : in.hosts()) hosts_[host.name()] = host;
  routes_.assign(in.routes().begin(), in.routes().end());
  cards_.assign(in.cards().begin(), in.cards().end());
  for (const auto& device : in.devices()) devices_[device.serial_number()] = device;
  for (const auto& token : in.tokens()) tokens_[token.id()] = token;
  for (int i = 0; i < in.schedules_size(); ++i) apply(in.schedules(i), in.schedule_at_us(i));
  for (const auto& draft : in.drafts()) apply(draft, 0);
  for (int i = 0; i < in.assignments_size(); ++i) apply(in.assignments(i), in.assignment_at_us(i));
  for (int i = 0; i < in.idempotency_size(); ++i) idempotency_.add(in.idempotency(i), in.idempotency_at_us(i));
  version_ = in.version();
  next_group_ = GroupNo{snapshot.group.value + 1};
  return {};
}

}  // namespace tollgate::core
