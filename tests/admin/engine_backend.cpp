#include "tests/admin/engine_backend.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "storage/recovery.h"
#include "switch/core/directory.h"

namespace tollgate::test {
namespace {

constexpr std::int64_t kStart = 1'795'255'200'000'000;  // 2026-11-21T10:00:00Z, 18:00 in Shanghai

}  // namespace

// ---- views
// -----------------------------------------------------------------------------------------------------------

EngineViews::EngineViews(std::uint16_t partitions) {
  facts_.version = "test";
  facts_.partitions = partitions;
  facts_.started_at.us = kStart;
  for (const auto name : iso::Dialect::builtin_names()) facts_.dialects.emplace_back(name);
}

std::shared_ptr<const admin::ReferenceData> EngineViews::reference() const {
  const std::lock_guard guard(mutex_);
  const auto reference = engine().reference();
  auto data = std::make_shared<admin::ReferenceData>();
  data->version = reference->version();
  for (const auto& host : reference->hosts()) data->hosts.push_back(host.host);
  data->routes = reference->routes();
  data->cards = reference->cards();
  data->devices = reference->devices();
  data->tokens = reference->tokens();
  data->prices = reference->prices_ptr();
  return data;
}

std::optional<core::TerminalView> EngineViews::terminal(ObjectId id) const {
  const std::lock_guard guard(mutex_);
  if (id.partition() == kHouse || id.partition().value > facts_.partitions) return std::nullopt;
  return engine().terminal(id);
}

std::vector<core::TerminalView> EngineViews::find_terminals(std::string_view tid,
                                                            std::string_view merchant_code,
                                                            std::string_view serial) const {
  const std::lock_guard guard(mutex_);
  return engine().find_terminals(tid, merchant_code, serial);
}

std::vector<core::TerminalView> EngineViews::terminals(PartitionId partition, ObjectId before,
                                                       std::size_t limit) const {
  const std::lock_guard guard(mutex_);
  return engine().terminals(partition, before, limit);
}

std::optional<core::MerchantView> EngineViews::merchant(std::string_view merchant_code) const {
  const std::lock_guard guard(mutex_);
  return engine().merchant(merchant_code);
}

std::vector<core::MerchantView> EngineViews::merchants(PartitionId partition, ObjectId before,
                                                       std::size_t limit) const {
  const std::lock_guard guard(mutex_);
  return engine().merchants(partition, before, limit);
}

PartitionId EngineViews::partition_of(std::string_view merchant_code) const noexcept {
  return core::Engine::partition_of(merchant_code, facts_.partitions);
}

std::vector<admin::HostStatus> EngineViews::hosts() const {
  const std::lock_guard guard(mutex_);
  std::vector<admin::HostStatus> all;
  for (const auto& h : engine().hosts()) {
    admin::HostStatus s;
    s.name = h.name;
    s.state = h.state;
    s.links = h.links;
    s.links_up = h.links_up;
    s.in_flight = h.in_flight;
    s.max_in_flight = h.max_in_flight;
    s.sent = h.sent;
    s.answered = h.answered;
    s.approved = h.approved;
    all.push_back(s);
  }
  return all;
}

std::vector<admin::BalanceRow> EngineViews::balances() const {
  const std::lock_guard guard(mutex_);
  std::vector<admin::BalanceRow> all;
  for (const auto& row : engine().balances())
    all.push_back({row.partition, row.account, row.currency, row.balance});
  return all;
}

std::vector<admin::LedgerHead> EngineViews::ledger_heads() const {
  const std::lock_guard guard(mutex_);
  std::vector<admin::LedgerHead> all;
  for (const auto& head : engine().ledger_heads()) all.push_back({head.partition, head.last, head.chain});
  return all;
}

admin::MachineStatus EngineViews::machine() const {
  admin::MachineStatus status;
  status.workers.push_back({0, engine().owned(), 0, 0, 0});
  status.storage_free_bytes = 1'000'000;
  return status;
}

// ---- an empty switch
// -------------------------------------------------------------------------------------------------

FreshBackend::FreshBackend(std::uint16_t partitions) : EngineViews(partitions), journal_(partitions) {
  now_ = {Instant{1'000'000'000}, WallTime{kStart}};
  vault_ = std::make_shared<crypto::KeyVault>(crypto::KeyVault::from_kek(Bytes(32, 0x42)));
  boot();
}

FreshBackend::~FreshBackend() = default;

void FreshBackend::boot() {
  core::EngineConfig config;
  config.partitions = facts_.partitions;
  config.environment = facts_.environment;
  config.listeners.push_back({"pos", iso::Dialect::builtin("cup"), true});
  config.transactions_max = 4096;
  config.directory = std::make_shared<core::Directory>();
  engine_ = std::make_unique<core::Engine>(std::move(config), *this, chance_, vault_);
  const auto recovered = engine_->recover_alone(journal_);
  ASSERT_TRUE(recovered.has_value()) << recovered.error().text();
  engine_->start(now_);
  run();
}

void FreshBackend::run() {
  engine_->flush(now_);
  while (!commits_.empty()) {
    auto work = std::move(commits_.front());
    commits_.pop_front();
    const storage::GroupAppend append{work.partition, work.epoch,   work.group,
                                      work.records,   work.payload, work.cells};
    std::string why;
    const auto result = journal_.append({&append, 1}, why);
    ASSERT_EQ(result, storage::AppendResult::durable) << why;
    engine_->on_committed(std::move(work), result, now_);
    engine_->flush(now_);
  }
}

void FreshBackend::crash() {
  const std::lock_guard guard(mutex_);
  engine_.reset();
  commits_.clear();
  boot();
}

void FreshBackend::submit(core::Command&& command, Done done) {
  const std::lock_guard guard(mutex_);
  if (held_) {
    held_orders_.emplace_back(std::move(command), std::move(done));
    return;
  }
  const auto ticket = next_ticket_++;
  waiting_[ticket] = std::move(done);
  engine_->command(std::move(command), ticket, now_);
  run();
}

void FreshBackend::release() {
  const std::lock_guard guard(mutex_);
  held_ = false;
  for (auto& [command, done] : std::exchange(held_orders_, {})) submit(std::move(command), std::move(done));
}

std::size_t FreshBackend::waiting() const {
  const std::lock_guard guard(mutex_);
  return held_orders_.size();
}

void FreshBackend::command_done(std::uint64_t ticket, core::CommandResult&& result) {
  const auto it = waiting_.find(ticket);
  ASSERT_NE(it, waiting_.end());
  auto done = std::move(it->second);
  waiting_.erase(it);
  done(std::move(result));
}

void FreshBackend::publish_reference(std::shared_ptr<const core::Reference> reference,
                                     std::function<void()> installed) {
  engine_->on_reference(std::move(reference), now_);
  installed();
}

std::vector<v1::Record> FreshBackend::house_records() const {
  std::vector<v1::Record> all;
  const auto read = storage::read_records(journal_, kHouse, GroupNo{1},
                                          [&](const v1::Record& record, const storage::Position&) {
                                            all.push_back(record);
                                            return true;
                                          });
  EXPECT_TRUE(read.has_value());
  return all;
}

void FreshBackend::take_house_snapshot() {
  auto snapshot = engine_->snapshot(kHouse);
  ASSERT_TRUE(snapshot.has_value());
  snapshot->hash = journal_.head(kHouse).hash;
  ASSERT_TRUE(journal_.put_snapshot(kHouse, *snapshot).has_value());
}

std::uint64_t FreshBackend::records() const {
  const std::lock_guard guard(mutex_);
  std::uint64_t n = 0;
  for (std::uint16_t p = 0; p <= facts_.partitions; ++p)
    EXPECT_TRUE(journal_
                    .read({p}, GroupNo{1},
                          [&](const storage::Group& group) {
                            n += group.records;
                            return true;
                          })
                    .has_value());
  return n;
}

// ---- the rig
// ---------------------------------------------------------------------------------------------------------

void OverRig::submit(core::Command&&, Done done) {
  core::CommandResult result;
  result.problem = "not_ready";
  done(std::move(result));
}

std::shared_ptr<const admin::ReferenceData> OverRig::reference() const {
  auto data = std::make_shared<admin::ReferenceData>(*EngineViews::reference());
  data->tokens = tokens;
  return data;
}

// ---- the example
// -----------------------------------------------------------------------------------------------------

std::string example_schedule() {
  return R"({"schedule_id":"std-card","version":1,"valid_from":"2026-01-01T00:00:00Z","currency":"CNY","time_zone":"Asia/Shanghai","cutoff":"23:00",
"components":[{"id":"mdr","account":"4100","rules":[{"id":"r1","rate":"0.006"}]}]})";
}

std::string example_estate() {
  return R"({ "estate": 1,
  "hosts": [
    { "name": "cup", "dialect": "cup", "addresses": ["127.0.0.1:9583"], "links": 2, "max_in_flight": 500,
      "timeout_ms": 15000, "echo_interval_s": 60, "tls": false, "acquirer_code": "01020000",
      "lab_keys": { "zmk": "55555555555555555555555555555555" } } ],
  "cards": [
    { "prefix": "62", "brand": "UNIONPAY", "funding": "DEBIT", "region": "DOMESTIC" },
    { "prefix": "622202", "brand": "UNIONPAY", "funding": "CREDIT", "region": "DOMESTIC" } ],
  "routes": [
    { "name": "card", "priority": 10, "match": { "bin": ["62"] }, "to": [{ "host": "cup" }] },
    { "name": "wallets", "priority": 20, "match": { "qr": ["10-15", "25-30"] }, "to": [{ "host": "cup" }] },
    { "name": "default", "priority": 99, "match": {}, "to": [{ "host": "cup" }] } ],
  "fee_schedules": [ { "file": "fees/std-card-1.json", "publish": true, "schedule": )" +
         example_schedule() + R"( } ],
  "merchants": [
    { "merchant_code": "102290058120001", "name": "演示餐厅", "mcc": "5812", "region": "310000",
      "unified_credit_code": "91310000DEMK00012N", "settlement_account": "acct_demo_1", "settlement_cycle": "T1" },
    { "merchant_code": "102290054110002", "name": "演示便利店", "mcc": "5411", "region": "310000",
      "unified_credit_code": "91310000DEMK00020H", "settlement_account": "acct_demo_2", "settlement_cycle": "T1" } ],
  "fee_assignments": [
    { "id": "fa_1", "level": "MERCHANT", "subject": "102290058120001", "schedule_id": "std-card", "valid_from": "2026-11-01T00:00:00Z" },
    { "id": "fa_2", "level": "MERCHANT", "subject": "102290054110002", "schedule_id": "std-card", "valid_from": "2026-11-01T00:00:00Z" } ],
  "devices": [
    { "serial_number": "N3300001231", "model": "demo-a1", "firmware_version": "2.4.0", "certified_until": "2029-12-31" },
    { "serial_number": "N3300001232", "model": "demo-a1", "firmware_version": "2.4.0", "certified_until": "2029-12-31" },
    { "serial_number": "N3300001233", "model": "demo-a1", "firmware_version": "2.4.0", "certified_until": "2029-12-31" } ],
  "terminals": [
    { "tid": "10000001", "merchant_code": "102290058120001", "serial_number": "N3300001231", "dialect": "cup", "state": "active",
      "location": { "lat": "31.2304", "lon": "121.4737", "address": "上海市 1 号", "radius_m": 500 },
      "labels": { "chain": "demo" }, "lab_keys": { "tmk": "11111111111111111111111111111111" } },
    { "tid": "10000002", "merchant_code": "102290058120001", "serial_number": "N3300001232", "dialect": "cup", "state": "active",
      "location": { "lat": "31.2304", "lon": "121.4737", "address": "上海市 1 号", "radius_m": 500 },
      "lab_keys": { "tmk": "22222222222222222222222222222222" } },
    { "tid": "10000003", "merchant_code": "102290054110002", "serial_number": "N3300001233", "dialect": "cup", "state": "pending",
      "location": { "lat": "31.2310", "lon": "121.4700", "address": "上海市 2 号", "radius_m": 500 },
      "lab_keys": { "tmk": "33333333333333333333333333333333" } } ] })";
}

}  // namespace tollgate::test
