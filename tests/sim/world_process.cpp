#include <fmt/format.h>

#include <algorithm>

#include "switch/core/directory.h"
#include "tests/core/folded.h"
#include "tests/sim/world.h"

// The process of the switch: its start, its journal, its end, and what operators order.
namespace tollgate::test {
namespace {

constexpr std::string_view kSchedule = R"({
  "schedule_id": "retail", "version": 1, "valid_from": "2026-01-01T00:00:00Z", "currency": "CNY", "time_zone": "Asia/Shanghai",
  "cutoff": "23:00",
  "components": [
    {"id": "mdr", "account": "4100", "rules": [
      {"id": "qr", "match": {"channel": ["QR_MERCHANT_PRESENTED", "QR_CUSTOMER_PRESENTED"]}, "rate": "0.0038", "account": "4110"},
      {"id": "debit", "match": {"funding": ["DEBIT"]}, "rate": "0.005", "max": 2000},
      {"id": "card", "rate": "0.006"}]},
    {"id": "instant", "account": "4120", "refund": "KEEP", "rules": [
      {"id": "instant", "match": {"settlement": ["INSTANT"]}, "fixed": 300}]},
    {"id": "watched", "payer": "NONE", "volume": "RUNNING", "rules": [
      {"id": "w", "tiers": [{"up_to": 1000000, "rate": "0.002"}, {"rate": "0.001"}]}]}]})";

constexpr const char* kReasons[] = {"device_fault", "planned_maintenance", "risk", "lost_stolen"};

}  // namespace

// ---- start and end
// ---------------------------------------------------------------------------------------------------

void World::boot() {
  note("boot");
  core::EngineConfig config;
  config.partitions = weather_.partitions;
  config.listeners.push_back({"pos", iso::Dialect::builtin("cup"), true});
  config.in_flight_max = weather_.in_flight_max;
  config.transactions_max = 1U << 16;
  config.directory = std::make_shared<core::Directory>();
  config.test = options_.flags;
  journal_ = std::make_unique<storage::MemoryJournal>(
      store_, [this](std::uint64_t) { return std::exchange(fault_, storage::MemoryFault::none); });
  config_ = config;
  engine_ = std::make_unique<core::Engine>(std::move(config), *this, engine_chance_, vault_);
  if (const auto recovered = engine_->recover_alone(*journal_); !recovered)
    return auditor_.violated("P6", "the store cannot be recovered: " + recovered.error().text());
  auditor_.started(*journal_);
  compare_books();
  engine_->start(now_);
}

void World::crash(std::string_view why) {
  note("crash", {}, why);
  count(fmt::format("crash {}", why));
  ++life_;
  for (auto& pos : terminals_) {
    pos->lingering = hits(500) ? pos->connection : 0;  // what it had written may still be on its way
    pos->connection = 0;
  }
  connections_.clear();
  for (auto& [id, link] : links_) {
    link.open = false;
    ++link.life;
  }
  commits_.clear();
  committing_ = false;
  fault_ = storage::MemoryFault::none;
  orders_.clear();
  engine_.reset();
  after(between_us(20'000, 4'000'000), [this] { boot(); });
}

// What the engine holds is what is durable only while nothing of it waits for the journal.
void World::compare_books() {
  std::map<std::uint16_t, Auditor::Books> books;
  for (const auto& head : engine_->ledger_heads()) {
    auto& b = books[head.partition.value];
    b.last = head.last.value;
    b.chain = head.chain;
  }
  for (const auto& row : engine_->balances()) books[row.partition.value].balances[row.account] = row.balance;
  for (const auto& [id, b] : books) auditor_.compare(id, b);
}

// ---- the journal
// -----------------------------------------------------------------------------------------------------

void World::submit(storage::CommitWork&& work) {
  note("submit", work.payload);
  commits_.push_back(std::move(work));
  start_commit();
}

void World::start_commit() {
  if (committing_ || commits_.empty()) return;
  committing_ = true;
  const bool slow = !calm_ && hits(weather_.slow_commit);
  if (slow) count("commit stalls");
  to_process(slow ? between_us(50'000, 5'000'000) : between_us(100, 1'500), [this] { append(); });
}

void World::append() {
  if (!calm_ && hits(weather_.crash_before)) return crash("before append");
  std::vector<storage::CommitWork> taken;
  const auto many = pick(1, commits_.size());
  std::vector<storage::GroupAppend> groups;
  for (std::uint64_t i = 0; i < many; ++i) {
    taken.push_back(std::move(commits_.front()));
    commits_.pop_front();
  }
  for (const auto& w : taken)
    groups.push_back({w.partition, w.epoch, w.group, w.records, w.payload, w.cells, w.essential});
  if (!calm_ && hits(weather_.unknown))
    fault_ = hits(500) ? storage::MemoryFault::unknown_before : storage::MemoryFault::unknown_after;
  if (!calm_ && fault_ == storage::MemoryFault::none && hits(weather_.full))
    fault_ = storage::MemoryFault::full;
  const bool written = fault_ == storage::MemoryFault::unknown_after;
  std::string why;
  const auto result = journal_->append(groups, why);
  auditor_.durable(*journal_);
  note("append", {}, result == storage::AppendResult::durable ? "durable" : why);
  if (result == storage::AppendResult::unknown) {
    auditor_.stopped();
    return crash(written ? "unknown, written" : "unknown, not written");
  }
  if (result == storage::AppendResult::fenced)
    return auditor_.violated("P6", "the only owner was fenced: " + why);
  if (result == storage::AppendResult::full) {
    count("journal full");
    to_process(between_us(500'000, 3'000'000), [this] { engine_->set_storage_full(false); });
  } else if (!calm_ && hits(weather_.crash_after)) {
    return crash("after append");
  }
  for (auto& w : taken) {
    auto shared = std::make_shared<storage::CommitWork>(std::move(w));
    to_process(between_us(10, 300),
               [this, shared, result] { engine_->on_committed(std::move(*shared), result, now_); });
  }
  committing_ = false;
  start_commit();
}

void World::snapshot() {
  if (engine_ == nullptr) return;
  for (const auto id : engine_->owned()) {
    auto taken = engine_->snapshot(id);
    const auto head = journal_->head(id);
    if (!taken || taken->group != head.group || head.group.value == 0) continue;
    taken->hash = head.hash;
    // What the worker holds is what a fold beside it gives: either may be written down.
    const auto fold = test::folded(config_, vault_, *journal_, id, head);
    const auto different = fold ? test::difference(id, *taken, *fold) : fold.error().text();
    if (!different.empty())
      return auditor_.violated("fold", fmt::format("partition {}: {}", id.value, different));
    if (!journal_->put_snapshot(id, std::move(*taken))) auditor_.violated("P6", "a snapshot was refused");
    count("snapshot");
  }
}

// ---- operators
// -------------------------------------------------------------------------------------------------------

void World::command_done(std::uint64_t ticket, core::CommandResult&& result) {
  note("command done", {}, result.problem);
  done_[ticket] = result.ok();
  const auto it = orders_.find(ticket);
  if (it == orders_.end()) return;
  const auto what = std::move(it->second);
  orders_.erase(it);
  if (what.owner.empty()) return;
  count(fmt::format("{} {} {}", what.suspends ? "suspend" : "activate",
                    what.of_merchant ? "merchant" : "terminal", result.ok() ? "done" : "refused"));
  if (!result.ok() || !what.suspends) return;
  what.of_merchant ? auditor_.merchant_suspended(what.owner) : auditor_.terminal_suspended(what.owner);
}

void World::publish_reference(std::shared_ptr<const core::Reference> reference,
                              std::function<void()> installed) {
  to_process({}, [this, reference = std::move(reference), installed = std::move(installed)] {
    engine_->on_reference(reference, now_);
    installed();
  });
}

bool World::wait_for(std::uint64_t ticket) {
  const auto deadline = now_.instant + std::chrono::seconds(10);
  engine_->flush(now_);
  while (!done_.contains(ticket) && now_.instant < deadline) step();
  return done_[ticket];
}

bool World::order(core::PartitionCommand what, const std::string& merchant) {
  core::Command command{core::Engine::partition_of(merchant, weather_.partitions), {}, std::move(what)};
  command.caller.principal = "estate";
  engine_->command(std::move(command), ++ticket_, now_);
  return wait_for(ticket_);
}

bool World::order(core::HouseCommand what) {
  core::Command command{kHouse, {}, std::move(what)};
  command.caller.principal = "estate";
  engine_->command(std::move(command), ++ticket_, now_);
  return wait_for(ticket_);
}

bool World::is_held(const std::string& owner) const {
  if (std::ranges::find(merchants_, owner) != merchants_.end()) return engine_->merchant(owner)->suspended;
  return engine_->terminal(ids_.at(owner))->state == core::TerminalState::suspended;
}

// A random terminal or merchant is suspended or activated; once healed, everything is activated. One order at
// a time for each.
void World::operate() {
  std::vector<std::string> owners;
  if (calm_) {
    for (const auto& [owner, id] : ids_) owners.push_back(owner);
  } else {
    // Mostly what is held already: a world in which nobody may trade shows little.
    for (const auto& [owner, id] : ids_)
      if (is_held(owner)) owners.push_back(owner);
    if (owners.empty() || hits(400)) {
      for (const auto& merchant : merchants_)
        if (hits(150)) owners.push_back(merchant);
      owners.push_back(terminals_[pick(0, terminals_.size() - 1)]->tid);
    }
    owners = {owners[pick(0, owners.size() - 1)]};
  }
  for (const auto& owner : owners) {
    if (std::ranges::any_of(orders_, [&](const auto& o) { return o.second.owner == owner; })) continue;
    const bool of_merchant = std::ranges::find(merchants_, owner) != merchants_.end();
    const auto id = ids_.at(owner);
    const bool held = is_held(owner);
    if (calm_ && !held) continue;
    const bool suspend = !calm_ && (!held || hits(200));
    core::Command command;
    command.partition = id.partition();
    command.caller.principal = "operator";
    const std::string reason = of_merchant ? "risk" : kReasons[pick(0, std::size(kReasons) - 1)];
    if (of_merchant && suspend)
      command.what = core::PartitionCommand(core::SuspendMerchant{
          .merchant = id, .version = {}, .reason = reason, .note = {}, .evidence = {}, .until = {}});
    if (!of_merchant && suspend)
      command.what = core::PartitionCommand(core::SuspendTerminal{
          .terminal = id, .version = {}, .reason = reason, .note = {}, .evidence = {}, .until = {}});
    if (of_merchant && !suspend)
      command.what =
          core::PartitionCommand(core::ActivateMerchant{.merchant = id, .version = {}, .note = {}});
    if (!of_merchant && !suspend)
      command.what = core::PartitionCommand(
          core::ActivateTerminal{.terminal = id, .version = {}, .hold = {}, .note = {}, .evidence = {}});
    if (!suspend) auditor_.activation_asked(owner);
    note(suspend ? "suspend" : "activate", {}, owner);
    orders_[++ticket_] = {owner, suspend, of_merchant};
    engine_->command(std::move(command), ticket_, now_);
  }
}

bool World::estate() {
  bool ok = true;
  for (const auto* name : {"cup", "spare"}) {
    auto made = sim::SimHost::make({.timeout = std::chrono::milliseconds(weather_.timeout_ms),
                                    .seed = options_.seed,
                                    .books_max = 1 << 14},
                                   {});
    hosts_.push_back({name, std::make_unique<sim::SimHost>(std::move(*made)), true, false, {}});
    core::SetHost host;
    host.host.set_name(name);
    host.host.set_dialect("iso87-ascii");
    host.host.add_addresses(name);
    host.host.set_links(weather_.links);
    host.host.set_max_in_flight(weather_.host_in_flight_max);
    host.host.set_timeout_ms(weather_.timeout_ms);
    host.host.set_echo_interval_s(20);
    host.lab_zmk = Bytes(16, 0x55);
    ok = order(core::HouseCommand(host)) && ok;
  }
  core::SetCards cards;
  for (const auto& [prefix, funding] : {std::pair("62", "DEBIT"), std::pair("622202", "CREDIT")}) {
    auto& card = cards.cards.emplace_back();
    card.set_prefix(prefix);
    card.set_brand("UNIONPAY");
    card.set_funding(funding);
    card.set_region("DOMESTIC");
  }
  ok = order(core::HouseCommand(cards)) && ok;
  core::SetRoutes routes;
  auto& route = routes.routes.emplace_back();
  route.set_name("default");
  route.set_priority(99);
  for (const auto& host : hosts_) route.add_to()->set_host(host.name);
  ok = order(core::HouseCommand(routes)) && ok;
  ok = order(core::HouseCommand(core::PublishSchedule{std::string(kSchedule), "retail.json", "small tickets may be free"})) && ok;
  ok =
      order(core::HouseCommand(core::Assign{
          R"({"id":"fa_1","level":"DEFAULT","schedule_id":"retail","valid_from":"2026-01-01T00:00:00Z"})"})) &&
      ok;
  for (std::uint32_t i = 1; i <= weather_.merchants; ++i) {
    core::SetMerchant what;
    what.merchant.set_merchant_code(fmt::format("10229005812{:04}", i));
    what.merchant.set_name(fmt::format("演示商户 {}", i));
    what.merchant.set_mcc(5812);
    what.merchant.set_unified_credit_code("91310000DEMK00012N");
    what.merchant.set_settlement_account("acct_demo_1");
    what.merchant.set_settlement_cycle("T1");
    merchants_.push_back(what.merchant.merchant_code());
    ok = order(core::PartitionCommand(what), merchants_.back()) && ok;
    ids_[merchants_.back()] = ObjectId(engine_->merchant(merchants_.back())->merchant.id());
  }
  for (std::uint32_t i = 1; i <= weather_.terminals; ++i) {
    core::SetDevice device;
    device.device.set_serial_number(fmt::format("N{:09}", i));
    device.device.set_model("demo-a1");
    device.device.set_certified_until("2029-12-31");
    ok = order(core::HouseCommand(device)) && ok;
    const auto tid = fmt::format("{:08}", 10'000'000 + i);
    const auto& merchant = merchants_[i % merchants_.size()];
    core::SetTerminal what;
    what.terminal.set_tid(tid);
    what.terminal.set_merchant_code(merchant);
    what.terminal.set_serial_number(device.device.serial_number());
    what.terminal.set_dialect("cup");
    what.terminal.mutable_location()->set_address("上海市 1 号");
    what.want_active = true;
    what.lab_tmk = Bytes(16, 0x11);
    ok = order(core::PartitionCommand(what), merchant) && ok;
    ids_[tid] = ObjectId(engine_->find_terminals(tid, {}, {}).at(0).terminal.id());
    auto made = sim::SimTerminal::make({.tid = tid,
                                        .merchant_code = merchant,
                                        .tmk = "11111111111111111111111111111111",
                                        .journal_max = 4096});
    terminals_.push_back(
        std::make_unique<Pos>(Pos{.sim = std::move(*made), .tid = tid, .merchant = merchant, .frame = {}}));
  }
  return ok;
}

// ---- trouble
// ---------------------------------------------------------------------------------------------------------

// Now and then something happens that is nobody's message.
void World::gust() {
  if (calm_) return;
  after(between_us(200'000, 4'000'000), [this] { gust(); });
  if (engine_ != nullptr && hits(350)) operate();
  if (hits(50)) snapshot();
  if (!hits(weather_.gusts)) return;
  const auto host = pick(0, hosts_.size() - 1);
  const auto pause = between_us(500'000, 15'000'000);
  switch (pick(0, 6)) {
    case 0:
      return hang_up(pick(0, terminals_.size() - 1));
    case 1:
      if (!links_.empty()) drop_link(static_cast<std::uint32_t>(pick(0, links_.size() - 1)));
      return;
    case 2:
      host_down(host, true);
      return after(pause, [this, host] { host_down(host, false); });
    case 3:
      count("host silent");
      hosts_[host].silent = true;
      return after(pause, [this, host] { hosts_[host].silent = false; });
    case 4:
      count("host slow");
      hosts_[host].slow = between_us(200'000, 12'000'000);
      return after(pause, [this, host] { hosts_[host].slow = {}; });
    case 5:
      if (engine_ != nullptr && hits(500)) crash("at random");
      return;
    default:  // the clock on the wall is set: deadlines must not notice, ids must not repeat
      count("wall clock jumps");
      now_.wall.us += hits(500) ? -static_cast<std::int64_t>(pick(1, 2'000'000))
                                : static_cast<std::int64_t>(pick(1, 36'000)) * 1'000'000;
  }
}

}  // namespace tollgate::test
