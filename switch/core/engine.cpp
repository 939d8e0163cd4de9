#include "switch/core/engine.h"

#include <algorithm>
#include <unordered_map>

#include "switch/base/check.h"
#include "switch/core/house.h"
#include "switch/core/partition.h"
#include "switch/core/replay.h"
#include "switch/iso/framing.h"

namespace tollgate::core {

struct Connection {
  bool open = false;
  std::uint32_t generation = 0;
  std::uint16_t listener = 0;
};

struct Engine::State final : LinkListener {
  EngineConfig config;
  Outside& outside;
  std::shared_ptr<crypto::KeyVault> vault;
  Counters counters;
  Links links;
  WorkerContext w;
  std::unique_ptr<House> house;
  std::vector<std::unique_ptr<Partition>> partitions;
  std::vector<std::int32_t> position;  // partition id -> index in partitions, -1: another worker's
  std::vector<Connection> connections;
  std::vector<std::uint32_t> free_connections;
  Instant next_second;

  State(EngineConfig c, Outside& o, Chance& chance, std::shared_ptr<crypto::KeyVault> v, TimeZone zone)
      : config(std::move(c)),
        outside(o),
        vault(std::move(v)),
        links(outside, chance, counters, *this),
        w{.config = config, .outside = outside, .chance = chance, .vault = *vault, .counters = counters, .links = links,
          .day = ledger::BusinessDay(std::move(zone), config.cutoff_s), .directory = config.directory, .reference = nullptr, .now = {}} {
    if (w.directory == nullptr) w.directory = std::make_shared<Directory>();
    w.reference = std::make_shared<const Reference>(Reference::Parts{});
    position.assign(config.partitions + 1U, -1);
  }

  [[nodiscard]] Partition* partition(PartitionId id) {
    const auto at = id.value < position.size() ? position[id.value] : -1;
    return at < 0 ? nullptr : partitions[static_cast<std::size_t>(at)].get();
  }
  [[nodiscard]] Connection* connection(const ConnRef& ref) {
    if (ref.worker != config.worker || ref.slot >= connections.size()) return nullptr;
    auto& c = connections[ref.slot];
    return c.open && c.generation == ref.generation ? &c : nullptr;
  }
  // Messages come a few at a time; those behind are read ahead, so that what they need is on its way from memory.
  struct Arrived {
    ByteView frame;
    iso::MessageView message;
    iso::DecodeStatus decoded;
    PartitionId id;
    Partition* owner = nullptr;  // null: another worker's, or nobody's
    std::uint32_t terminal = kNone;
    bool named = false;  // says which terminal it is of
  };
  std::array<Arrived, 8> arrived;

  void read(Arrived& one, const iso::Dialect& dialect, ByteView frame);
  void on_arrived(const ConnRef& from, std::uint16_t listener, const Arrived& one, bool forwarded);

  void expect(const Waiter& waiter, int step) override { partitions[waiter.partition]->expect(waiter, step); }
  void on_answer(const Waiter& waiter, const iso::MessageView& message, Duration) override { partitions[waiter.partition]->on_answer(waiter, message); }
  void on_timeout(const Waiter& waiter) override { partitions[waiter.partition]->on_timeout(waiter); }
  void on_lost(const Waiter& waiter, bool sent) override { partitions[waiter.partition]->on_lost(waiter, sent); }
  void on_late(const Waiter& waiter, const iso::MessageView& message, bool duplicate) override {
    partitions[waiter.partition]->on_late(waiter, message, duplicate);
  }
  void on_host_ready(std::string_view) override {
    for (auto& p : partitions) p->kick_reversals();
  }
};

std::string_view name(CloseReason reason) noexcept {
  switch (reason) {
    case CloseReason::peer: return "peer";
    case CloseReason::malformed: return "malformed";
    case CloseReason::idle: return "idle";
    case CloseReason::frame_timeout: return "frame_timeout";
    case CloseReason::full: return "full";
    case CloseReason::shutdown: return "shutdown";
  }
  return "unknown";
}

std::string_view name(TerminalState state) noexcept {
  switch (state) {
    case TerminalState::pending: return "pending";
    case TerminalState::active: return "active";
    case TerminalState::suspended: return "suspended";
    case TerminalState::replacing: return "replacing";
    case TerminalState::deregistering: return "deregistering";
    case TerminalState::deregistered: return "deregistered";
  }
  return "unknown";
}

Engine::Engine(EngineConfig config, Outside& outside, Chance& chance, std::shared_ptr<crypto::KeyVault> vault) {
  auto zone = TimeZone::load(config.time_zone);
  TG_CHECK(zone.has_value());  // the configuration was checked
  state_ = std::make_unique<State>(std::move(config), outside, chance, std::move(vault), std::move(*zone));
}

Engine::~Engine() = default;

std::uint16_t Engine::worker_of(PartitionId partition, std::uint16_t workers) noexcept {
  return partition == kHouse ? std::uint16_t{0} : static_cast<std::uint16_t>((partition.value - 1) % workers);
}

// FNV-1a, 64 bits: the same for ever, because it decides where a merchant's journal is.
PartitionId Engine::partition_of(std::string_view merchant_code, std::uint16_t partitions) noexcept {
  std::uint64_t hash = 14695981039346656037ULL;
  for (const char c : merchant_code) hash = (hash ^ static_cast<std::uint8_t>(c)) * 1099511628211ULL;
  hash ^= hash >> 32;
  return PartitionId{static_cast<std::uint16_t>(1 + hash % partitions)};
}

std::vector<PartitionId> Engine::owned() const {
  std::vector<PartitionId> ids;
  if (state_->config.worker == 0) ids.push_back(kHouse);
  for (std::uint16_t i = 1; i <= state_->config.partitions; ++i)
    if (worker_of({i}, state_->config.workers) == state_->config.worker) ids.push_back({i});
  return ids;
}

Result<void> Engine::recover_house(Epoch epoch, const storage::Journal& journal) {
  auto& s = *state_;
  auto snapshot = journal.latest_snapshot(kHouse);
  if (!snapshot) return std::unexpected(snapshot.error());
  const auto from = GroupNo{*snapshot ? (*snapshot)->group.value + 1 : 1};
  s.house = std::make_unique<House>(s.w, epoch);
  if (*snapshot)
    if (auto loaded = s.house->load_snapshot(**snapshot); !loaded) return loaded;
  const auto shown = replay(journal, {.partition = kHouse, .from = from}, [&](const RecordView& record, GroupNo) { return s.house->replay(record); });
  if (!shown) return std::unexpected(shown.error());
  s.house->recovered(journal.head(kHouse).group, shown->records);
  if (auto opened = s.house->open_cells(journal); !opened) return opened;
  s.w.reference = s.house->make_reference();
  return {};
}

namespace {

Result<void> fold(Partition& partition, PartitionId id, const storage::Journal& journal) {
  auto snapshot = journal.latest_snapshot(id);
  if (!snapshot) return std::unexpected(snapshot.error());
  const auto from = GroupNo{*snapshot ? (*snapshot)->group.value + 1 : 1};
  if (*snapshot)
    if (auto loaded = partition.load_snapshot(**snapshot); !loaded) return loaded;
  const auto shown =
      replay(journal, {.partition = id, .from = from}, [&](const RecordView& record, GroupNo group) { return partition.replay(record, group); });
  if (!shown) return std::unexpected(shown.error());
  partition.recovered(journal.head(id).group, shown->records);
  return partition.open_cells(journal);
}

}  // namespace

// Folds share nothing but the directory, which has a lock of its own.
std::vector<Error> Engine::recover(std::span<const Ownership> owned, const storage::Journal& journal, const Beside& beside) {
  auto& s = *state_;
  std::vector<std::unique_ptr<Partition>> fresh;
  std::vector<Result<void>> results(owned.size());
  for (const auto& [id, epoch] : owned) fresh.push_back(std::make_unique<Partition>(s.w, id, epoch));
  const auto one = [&](std::size_t i) { results[i] = fold(*fresh[i], owned[i].partition, journal); };
  if (beside) {
    beside(owned.size(), one);
  } else {
    for (std::size_t i = 0; i < owned.size(); ++i) one(i);
  }
  std::vector<Error> errors;
  for (std::size_t i = 0; i < owned.size(); ++i) {
    if (!results[i]) {
      errors.push_back(std::move(results[i].error()));
      continue;
    }
    fresh[i]->take_position(static_cast<std::uint16_t>(s.partitions.size()));
    s.position[owned[i].partition.value] = static_cast<std::int32_t>(s.partitions.size());
    s.partitions.push_back(std::move(fresh[i]));
  }
  return errors;
}

std::uint64_t Engine::replayed_records(PartitionId id) const {
  if (id == kHouse) return state_->house ? state_->house->replayed_records() : 0;
  const auto* partition = state_->partition(id);
  return partition == nullptr ? 0 : partition->replayed_records();
}

Result<void> Engine::recover_alone(storage::Journal& journal) {
  std::vector<Ownership> rest;
  for (const auto id : owned()) {
    const auto epoch = journal.own(id);
    if (!epoch) return std::unexpected(epoch.error());
    if (id != kHouse) {
      rest.push_back({id, *epoch});
    } else if (auto recovered = recover_house(*epoch, journal); !recovered) {
      return recovered;
    }
  }
  auto errors = recover(rest, journal);
  return errors.empty() ? Result<void>() : std::unexpected(std::move(errors.front()));
}

std::shared_ptr<const Reference> Engine::reference() const { return state_->w.reference; }

void Engine::start(Now now) {
  auto& s = *state_;
  s.w.now = now;
  if (s.house) s.house->start();
  s.links.install(*s.w.reference, now);
  for (auto& p : s.partitions) p->start();
}

void Engine::on_reference(std::shared_ptr<const Reference> reference, Now now) {
  state_->w.now = now;
  state_->w.reference = std::move(reference);
  state_->links.install(*state_->w.reference, now);
}

// ---- terminal side ---------------------------------------------------------------------------------------------------

std::optional<ConnRef> Engine::on_terminal_open(std::uint16_t listener, Now now) {
  auto& s = *state_;
  s.w.now = now;
  if (s.counters.connections >= s.config.connections_max) {
    ++s.counters.connections_refused;
    return std::nullopt;
  }
  if (s.free_connections.empty()) {
    s.connections.emplace_back();
    s.free_connections.push_back(static_cast<std::uint32_t>(s.connections.size() - 1));
  }
  const auto slot = s.free_connections.back();
  s.free_connections.pop_back();
  auto& c = s.connections[slot];
  c.open = true;
  c.listener = listener;
  ++c.generation;
  ++s.counters.connections;
  ++s.counters.connections_opened;
  return ConnRef{s.config.worker, slot, c.generation};
}

void Engine::on_terminal_closed(const ConnRef& ref) {
  auto& s = *state_;
  auto* c = s.connection(ref);
  if (c == nullptr) return;
  c->open = false;
  s.free_connections.push_back(ref.slot);
  --s.counters.connections;
}

std::size_t Engine::on_terminal_bytes(const ConnRef& ref, ByteView bytes, Now now) {
  auto& s = *state_;
  s.w.now = now;
  std::size_t consumed = 0;
  while (const auto* c = s.connection(ref)) {
    const auto listener = c->listener;
    const auto& dialect = *s.config.listeners[listener].dialect;
    std::size_t count = 0;
    iso::Cut cut;
    while (count < s.arrived.size()) {
      cut = iso::next_frame(dialect.framing(), bytes.subspan(consumed));
      if (cut.kind != iso::Cut::Kind::frame) break;
      consumed += cut.consumed;
      s.read(s.arrived[count++], dialect, cut.frame);
    }
    const auto arrived = std::span(s.arrived).first(count);
    for (const auto& one : arrived)
      if (one.terminal != kNone) one.owner->expect(one.terminal, one.message.has(52));
    for (const auto& one : arrived) {
      if (s.connection(ref) == nullptr) return bytes.size();
      s.on_arrived(ref, listener, one, false);
    }
    if (cut.kind == iso::Cut::Kind::incomplete) return consumed;
    if (cut.kind == iso::Cut::Kind::refused) {
      ++s.counters.closes["malformed"];
      s.outside.close_terminal(ref, CloseReason::malformed);
      return bytes.size();
    }
  }
  return bytes.size();
}

void Engine::on_forwarded_frame(const ConnRef& from, std::uint16_t listener, ByteView frame, Now now) {
  auto& s = *state_;
  s.w.now = now;
  auto& one = s.arrived.front();
  s.read(one, *s.config.listeners[listener].dialect, frame);
  s.on_arrived(from, listener, one, true);
}

void Engine::State::read(Arrived& one, const iso::Dialect& dialect, ByteView frame) {
  one.frame = frame;
  one.decoded = iso::decode(dialect, frame, one.message);
  one.named = one.message.has(41) && one.message.has(42) && (one.decoded.ok() || one.message.mti().bcd != 0);
  one.owner = nullptr;
  one.terminal = kNone;
  if (!one.named) return;
  std::array<char, 32> code;
  one.id = partition_of(one.message.value(42, code), config.partitions);
  one.owner = partition(one.id);
  if (one.owner != nullptr) one.terminal = one.owner->find(one.message);
}

void Engine::State::on_arrived(const ConnRef& from, std::uint16_t listener, const Arrived& one, bool forwarded) {
  ++counters.frames;
  if (!one.decoded.ok()) {
    if (!forwarded) ++counters.decode_reasons[std::string(iso::name(one.decoded.refusal))];
  } else if (!one.named) {
    ++counters.decode_reasons["no_terminal"];
  }
  if (!one.named) {  // nobody to answer
    ++counters.decode_errors;
    return;
  }
  if (one.owner == nullptr) {
    const auto worker = worker_of(one.id, config.workers);
    if (forwarded || worker == config.worker || !outside.forward_frame(worker, from, listener, one.frame)) ++counters.mailbox_full;
    return;
  }
  if (w.reference->tokenizer() == nullptr) return;  // a new store whose first record is not yet durable
  const auto& config_of = config.listeners[listener];
  one.owner->on_message({.dialect = *config_of.dialect, .listener = config_of, .message = one.message, .decoded = one.decoded,
                         .connection = from, .listener_index = listener, .terminal = one.terminal});
}

// ---- host side, journal, operators -----------------------------------------------------------------------------------

void Engine::on_link_up(LinkId link, Now now) {
  state_->w.now = now;
  state_->links.on_up(link, now);
}

std::size_t Engine::on_link_bytes(LinkId link, ByteView bytes, Now now) {
  state_->w.now = now;
  return state_->links.on_bytes(link, bytes, now);
}

void Engine::on_link_down(LinkId link, Now now) {
  state_->w.now = now;
  state_->links.on_down(link, now);
}

void Engine::on_committed(storage::CommitWork&& work, storage::AppendResult result, Now now) {
  auto& s = *state_;
  s.w.now = now;
  if (work.partition == kHouse) return s.house->on_committed(std::move(work), result);
  s.partition(work.partition)->on_committed(std::move(work), result);
}

void Engine::command(Command command, std::uint64_t ticket, Now now) {
  auto& s = *state_;
  s.w.now = now;
  if (auto* what = std::get_if<HouseCommand>(&command.what)) {
    TG_CHECK(s.house != nullptr);
    s.house->set_priced(std::ranges::any_of(s.partitions, [](const auto& p) { return p->books().last().value > 0; }));
    return s.house->command(*what, command.caller, ticket);
  }
  auto* owner = s.partition(command.partition);
  TG_CHECK(owner != nullptr);
  owner->command(std::get<PartitionCommand>(command.what), command.caller, ticket);
}

Instant Engine::next_deadline() const { return std::min(state_->links.next_deadline(state_->w.now), state_->next_second); }

void Engine::on_time(Now now) {
  auto& s = *state_;
  s.w.now = now;
  s.links.on_time(now);
  if (now.instant < s.next_second) return;
  s.next_second = now.instant + std::chrono::milliseconds(100);
  for (auto& p : s.partitions) p->on_time();
}

void Engine::flush(Now now) {
  auto& s = *state_;
  s.w.now = now;
  if (s.house) s.house->flush();
  s.counters.in_flight = 0;
  s.counters.reversals_owed = 0;
  for (auto& p : s.partitions) {
    p->flush();
    s.counters.in_flight += p->in_flight();
    s.counters.reversals_owed += static_cast<std::uint32_t>(p->owed());
  }
}

void Engine::set_storage_full(bool full) { state_->w.storage_full = full; }
void Engine::drain() { state_->w.draining = true; }
bool Engine::idle() const {
  return (state_->house == nullptr || state_->house->idle()) && std::ranges::all_of(state_->partitions, [](const auto& p) { return p->idle(); });
}

// ---- views -----------------------------------------------------------------------------------------------------------

namespace {

// The largest ids below `before` (0: of all), falling, at most `limit`.
std::vector<ObjectId> newest(std::vector<ObjectId> ids, ObjectId before, std::size_t limit) {
  if (before) std::erase_if(ids, [&](ObjectId id) { return !(id < before); });
  const auto middle = ids.begin() + static_cast<std::ptrdiff_t>(std::min(limit, ids.size()));
  std::ranges::partial_sort(ids, middle, std::greater<>());
  ids.erase(middle, ids.end());
  return ids;
}

}  // namespace

std::optional<TerminalView> Engine::terminal(ObjectId id) const {
  auto* p = state_->partition(id.partition());
  return p == nullptr ? std::nullopt : p->terminal_view(id);
}

std::vector<TerminalView> Engine::find_terminals(std::string_view tid, std::string_view merchant_code, std::string_view serial) const {
  std::vector<TerminalView> found;
  if (!tid.empty() && !merchant_code.empty()) {
    auto* p = state_->partition(partition_of(merchant_code, state_->config.partitions));
    auto view = p == nullptr ? std::nullopt : p->terminal_view(tid, merchant_code);
    if (view && (serial.empty() || view->terminal.serial_number() == serial)) found.push_back(std::move(*view));
    return found;
  }
  const auto wanted = [&](const v1::Terminal& t) {
    return (tid.empty() || t.tid() == tid) && (merchant_code.empty() || t.merchant_code() == merchant_code) && (serial.empty() || t.serial_number() == serial);
  };
  for (const auto& p : state_->partitions) p->find_terminals(wanted, found);
  return found;
}

std::vector<TerminalView> Engine::terminals(PartitionId partition, ObjectId before, std::size_t limit) const {
  std::vector<TerminalView> found;
  auto* p = state_->partition(partition);
  if (p == nullptr) return found;
  for (const auto id : newest(p->terminal_ids(), before, limit)) found.push_back(*p->terminal_view(id));
  return found;
}

std::map<TerminalState, std::uint64_t> Engine::count_terminals() const {
  std::map<TerminalState, std::uint64_t> count;
  for (const auto& p : state_->partitions) p->count_terminals(count);
  return count;
}

std::optional<MerchantView> Engine::merchant(std::string_view merchant_code) const {
  for (const auto& p : state_->partitions)
    if (auto view = p->merchant_view(merchant_code)) return view;
  return std::nullopt;
}

std::vector<MerchantView> Engine::merchants(PartitionId partition, ObjectId before, std::size_t limit) const {
  std::vector<MerchantView> found;
  auto* p = state_->partition(partition);
  if (p == nullptr) return found;
  std::unordered_map<std::uint64_t, const MerchantState*> by_id;
  std::vector<ObjectId> ids;
  for (const auto& m : p->merchants()) {
    by_id.emplace(m->merchant.id(), m.get());
    ids.emplace_back(m->merchant.id());
  }
  for (const auto id : newest(std::move(ids), before, limit)) found.push_back(p->view_of(*by_id.at(id.raw())));
  return found;
}

std::vector<HostView> Engine::hosts() const {
  std::vector<HostView> views;
  for (const auto& entry : state_->w.reference->hosts()) {
    const auto& name = entry.host.name();
    const auto status = state_->links.status(name);
    HostView view;
    view.name = name;
    view.links = status.links;
    view.links_up = status.up;
    view.in_flight = status.in_flight;
    view.max_in_flight = status.max_in_flight;
    view.state = status.up > 0 ? "signed_on" : status.links > 0 ? "connecting" : "down";
    view.last_echo_age = status.last_echo.ns == 0 ? Duration::zero() : state_->w.now.instant - status.last_echo;
    if (const auto it = state_->counters.hosts.find(name); it != state_->counters.hosts.end()) {
      const auto& c = it->second;
      view.sent = c.sent;
      view.answered = c.answered;
      view.approved = c.approved;
      view.timeouts = c.timeouts;
      view.late = c.late;
      view.p50 = Duration(static_cast<std::int64_t>(c.round_trip.percentile(500'000)));
      view.p99 = Duration(static_cast<std::int64_t>(c.round_trip.percentile(990'000)));
    }
    views.push_back(std::move(view));
  }
  return views;
}

const Counters& Engine::counters() const noexcept { return state_->counters; }

std::vector<Engine::BalanceRow> Engine::balances() const {
  std::vector<BalanceRow> rows;
  for (const auto& p : state_->partitions)
    p->books().each([&](std::uint32_t account, std::string_view sub, Currency currency, Balance balance) {
      rows.push_back({p->id(), ledger::account_name(account, sub), currency.number, to_decimal(balance)});
    });
  return rows;
}

std::vector<Engine::LedgerHead> Engine::ledger_heads() const {
  std::vector<LedgerHead> heads;
  for (const auto& p : state_->partitions) heads.push_back({p->id(), p->books().last(), p->books().chain()});
  return heads;
}

std::optional<storage::Snapshot> Engine::snapshot(PartitionId id) const {
  if (id == kHouse) return state_->house ? state_->house->snapshot() : std::nullopt;
  const auto* p = state_->partition(id);
  return p == nullptr ? std::nullopt : p->snapshot();
}

}  // namespace tollgate::core
