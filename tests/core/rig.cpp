#include "tests/core/rig.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "storage/record_stream.h"
#include "storage/recovery.h"
#include "switch/core/directory.h"
#include "switch/iso/framing.h"

namespace tollgate::test {
namespace {

// Records are written without the library; parsed and written by it again, they are the same bytes.
void expect_library_bytes(ByteView payload) {
  RecordCursor records(payload);
  while (records.next()) {
    v1::Record record;
    EXPECT_TRUE(record.ParseFromArray(records.bytes().data(), static_cast<int>(records.bytes().size())));
    EXPECT_EQ(record.SerializeAsString(), as_text(records.bytes())) << record.ShortDebugString();
  }
  EXPECT_FALSE(records.damaged());
}

constexpr std::int64_t kStart = 1'795'255'200'000'000;  // 2026-11-21T10:00:00Z, 18:00 in Shanghai

}  // namespace

Rig::Rig(Options options) : options_(std::move(options)) {
  now_ = {Instant{1'000'000'000}, WallTime{kStart}};
  const Bytes kek(32, 0x42);
  vault_ = std::make_shared<crypto::KeyVault>(crypto::KeyVault::from_kek(kek));
  journal_ = std::make_unique<storage::MemoryJournal>(options_.partitions);
  store_ = journal_->store();
  for (const auto& name : options_.hosts) {
    auto sim = sim::SimHost::make({.timeout = std::chrono::milliseconds(options_.timeout_ms)}, {});
    EXPECT_TRUE(sim.has_value());
    hosts_[name] = std::make_unique<Host>(Host{std::move(*sim), true});
  }
  boot();
  estate();
}

Rig::~Rig() = default;

void Rig::boot() {
  core::EngineConfig config;
  config.partitions = options_.partitions;
  config.listeners.push_back({"pos", iso::Dialect::builtin("cup"), options_.mac_required});
  config.in_flight_max = options_.in_flight_max;
  config.connection_in_flight_max = options_.connection_in_flight_max;
  config.transactions_max = options_.transactions_max;
  config.directory = std::make_shared<core::Directory>();
  config.test = options_.flags;
  config_ = config;
  engine_ = std::make_unique<core::Engine>(std::move(config), *this, chance_, vault_);
  const auto recovered = engine_->recover_alone(*journal_);
  ASSERT_TRUE(recovered.has_value()) << recovered.error().text();
  engine_->start(now_);
  connection_ = engine_->on_terminal_open(0, now_);
  ASSERT_TRUE(connection_.has_value());
  run();
}

void Rig::estate() {
  for (auto& what : house_commands({.hosts = options_.hosts,
                    .links = options_.links,
                    .host_in_flight_max = options_.host_in_flight_max,
                    .timeout_ms = options_.timeout_ms,
                    .zone_keys = options_.zone_keys,
                    .schedule = options_.schedule})) {
    const auto done = command(std::move(what));
    ASSERT_TRUE(done.ok()) << done.problem << " " << done.detail;
  }
  ASSERT_TRUE(command(core::PartitionCommand(merchant_command(1))).ok());
  add_terminal(1);
  run();
}

void Rig::add_terminal(std::uint32_t number, bool active) {
  ASSERT_TRUE(command(core::HouseCommand(device_command(number))).ok());
  const auto result = command(core::PartitionCommand(terminal_command(number, 1, active)));
  ASSERT_TRUE(result.ok()) << result.problem << " " << result.detail;
}

sim::SimTerminal Rig::terminal(std::uint32_t number) {
  auto made = sim::SimTerminal::make(
      {.tid = tid_of(number), .merchant_code = kMerchant, .tmk = "11111111111111111111111111111111"});
  EXPECT_TRUE(made.has_value());
  return std::move(*made);
}

std::vector<Bytes> Rig::exchange(ByteView frame) {
  EXPECT_FALSE(frame.empty());
  replies.clear();
  const Bytes copy(frame.begin(), frame.end());
  EXPECT_EQ(engine_->on_terminal_bytes(*connection_, copy, now_), copy.size());
  engine_->flush(now_);
  run();
  return replies;
}

sim::Verdict Rig::ask(sim::SimTerminal& terminal, ByteView frame) {
  const auto got = exchange(frame);
  if (got.size() != 1) {
    ADD_FAILURE() << "expected one reply, got " << got.size();
    return {};
  }
  const auto verdict = terminal.receive(ByteView(got[0]).subspan(2));
  EXPECT_EQ(verdict.fault, sim::ReplyFault::none)
      << sim::name(verdict.fault) << " field " << int{verdict.field};
  return verdict;
}

void Rig::sign_in(sim::SimTerminal& terminal) {
  EXPECT_EQ(ask(terminal, terminal.sign_in()).code(), "00");
}

// ---- running
// ---------------------------------------------------------------------------------------------------------

bool Rig::step() {
  bool moved = false;
  while (!connecting_.empty()) {
    const auto link = connecting_.front();
    connecting_.pop_front();
    if (hosts_.at(link_host_.at(link.value))->up)
      engine_->on_link_up(link, now_);
    else
      engine_->on_link_down(link, now_);
    moved = true;
  }
  while (!to_hosts_.empty()) {
    auto item = std::move(to_hosts_.front());
    to_hosts_.pop_front();
    auto& host = *hosts_.at(link_host_.at(item.link.value));
    if (!host.up) continue;
    const auto cut = iso::next_frame(host.sim.dialect().framing(), item.bytes);
    EXPECT_EQ(cut.kind, iso::Cut::Kind::frame);
    const auto answer = host.sim.receive(cut.frame, now_.wall);
    const bool management = item.bytes.size() > 5 && item.bytes[3] == '8';
    Bytes reply(answer.reply.begin(), answer.reply.end());
    if (alter_answer) alter_answer(reply);
    for (int i = 0; i < answer.copies && (!host_silent || management); ++i)
      delayed_.push_back({now_.instant + answer.delay, item.link, reply});
    moved = true;
  }
  for (std::size_t i = 0; i < delayed_.size();) {
    if (hold_answers || delayed_[i].at > now_.instant) {
      ++i;
      continue;
    }
    auto item = std::move(delayed_[i]);
    delayed_.erase(delayed_.begin() + static_cast<std::ptrdiff_t>(i));
    for (auto next = delayed_.begin() + static_cast<std::ptrdiff_t>(i);
         join_answers && next != delayed_.end();) {
      if (next->link != item.link || next->at > now_.instant) {
        ++next;
        continue;
      }
      item.bytes.insert(item.bytes.end(), next->bytes.begin(), next->bytes.end());
      next = delayed_.erase(next);
    }
    EXPECT_EQ(engine_->on_link_bytes(item.link, item.bytes, now_), item.bytes.size());
    moved = true;
  }
  while (!hold_commits_ && !commits_.empty()) {
    auto work = std::move(commits_.front());
    commits_.pop_front();
    const storage::GroupAppend append{work.partition, work.epoch,   work.group,
                                      work.records,   work.payload, work.cells};
    expect_library_bytes(work.payload);
    std::string why;
    const auto result = journal_->append({&append, 1}, why);
    EXPECT_EQ(result, storage::AppendResult::durable) << why;
    engine_->on_committed(std::move(work), result, now_);
    moved = true;
  }
  engine_->flush(now_);
  return moved;
}

void Rig::run() {
  while (step()) {
  }
}

void Rig::advance(Duration duration) {
  const auto until = now_.instant + duration;
  while (now_.instant < until) {
    now_.instant = now_.instant + std::chrono::milliseconds(10);
    now_.wall.us += 10'000;
    engine_->on_time(now_);
    run();
  }
}

void Rig::leap(Duration duration) {
  now_.instant = now_.instant + duration;
  now_.wall.us += std::chrono::duration_cast<std::chrono::microseconds>(duration).count();
  engine_->on_time(now_);
  run();
}

void Rig::take_snapshots() {
  for (std::uint16_t p = 0; p <= options_.partitions; ++p) {
    const auto snapshot = engine_->snapshot({p});
    ASSERT_TRUE(snapshot.has_value()) << p;
    if (snapshot->group.value == 0) continue;
    auto state = *snapshot;
    state.hash = journal_->head({p}).hash;
    ASSERT_EQ(state.group, journal_->head({p}).group);
    ASSERT_TRUE(journal_->put_snapshot({p}, state).has_value());
  }
}

void Rig::crash() {
  engine_.reset();
  commits_.clear();
  connecting_.clear();
  to_hosts_.clear();
  delayed_.clear();
  link_host_.clear();
  done_.clear();
  hold_commits_ = false;
  journal_ = std::make_unique<storage::MemoryJournal>(store_);
  boot();
}

void Rig::take_host_down(const std::string& name) {
  hosts_.at(name)->up = false;
  for (const auto& [link, host] : link_host_)
    if (host == name) engine_->on_link_down(core::LinkId{link}, now_);
  engine_->flush(now_);
  run();
}

void Rig::bring_host_up(const std::string& name) {
  hosts_.at(name)->up = true;
}

// ---- commands and views
// ----------------------------------------------------------------------------------------------

core::CommandResult Rig::command(core::PartitionCommand what, std::optional<std::string> key) {
  core::Command command;
  command.partition = core::Engine::partition_of(kMerchant, options_.partitions);
  command.caller.principal = "test";
  command.caller.path = "/v1/test";
  if (key) command.caller.idempotency_key = *key;
  command.caller.render = [](const core::CommandResult& r) {
    return std::pair<std::uint32_t, std::string>(r.ok() ? 200 : 409, r.problem);
  };
  command.what = std::move(what);
  const auto ticket = next_ticket_++;
  engine_->command(std::move(command), ticket, now_);
  engine_->flush(now_);
  run();
  EXPECT_TRUE(done_.contains(ticket));
  return std::move(done_[ticket]);
}

core::CommandResult Rig::command(core::HouseCommand what) {
  core::Command command;
  command.partition = kHouse;
  command.caller.principal = "test";
  command.what = std::move(what);
  const auto ticket = next_ticket_++;
  engine_->command(std::move(command), ticket, now_);
  engine_->flush(now_);
  run();
  EXPECT_TRUE(done_.contains(ticket));
  return std::move(done_[ticket]);
}

core::TerminalView Rig::view(std::uint32_t number) const {
  const auto found = engine_->find_terminals(tid_of(number), {}, {});
  EXPECT_EQ(found.size(), 1U);
  return found.at(0);
}

core::CommandResult Rig::suspend(std::uint32_t number, const std::string& reason) {
  core::SuspendTerminal what;
  what.terminal = ObjectId(view(number).terminal.id());
  what.reason = reason;
  return command(core::PartitionCommand(what));
}

core::CommandResult Rig::activate(std::uint32_t number) {
  core::ActivateTerminal what;
  what.terminal = ObjectId(view(number).terminal.id());
  return command(core::PartitionCommand(what));
}

std::string Rig::balance(const std::string& account) const {
  Int128 sum = 0;
  for (const auto& row : engine_->balances())
    if (row.account == account) sum += balance_of(row.balance)->value;
  return to_decimal(Balance{sum});
}

std::vector<v1::Record> Rig::records() const {
  std::vector<v1::Record> all;
  for (std::uint16_t p = 1; p <= options_.partitions; ++p) {
    const auto read = storage::read_records(*journal_, {p}, GroupNo{1},
                                            [&](const v1::Record& record, const storage::Position&) {
                                              all.push_back(record);
                                              return true;
                                            });
    EXPECT_TRUE(read.has_value());
  }
  return all;
}

std::vector<v1::Receipt> Rig::receipts() const {
  std::vector<v1::Receipt> all;
  for (const auto& record : records())
    if (record.has_outcome() && record.outcome().has_receipt()) all.push_back(record.outcome().receipt());
  return all;
}

std::vector<v1::LedgerEntry> Rig::entries() const {
  std::vector<v1::LedgerEntry> all;
  const auto take = [&](const auto& list) {
    for (const auto& bytes : list) EXPECT_TRUE(all.emplace_back().ParseFromString(bytes));
  };
  for (const auto& record : records()) {
    if (record.has_outcome()) take(record.outcome().entries());
    if (record.has_reversal_owed()) take(record.reversal_owed().entries());
  }
  return all;
}

// ---- core::Outside
// ---------------------------------------------------------------------------------------------------

void Rig::send_terminal(const core::ConnRef&, ByteView bytes) {
  replies.emplace_back(bytes.begin(), bytes.end());
}
void Rig::close_terminal(const core::ConnRef& connection, core::CloseReason) {
  engine_->on_terminal_closed(connection);
}
void Rig::connect_link(core::LinkId link, std::string_view address) {
  link_host_[link.value] = std::string(address);
  connecting_.push_back(link);
}
void Rig::send_link(core::LinkId link, ByteView bytes) {
  requests.emplace_back(bytes.begin(), bytes.end());
  to_hosts_.push_back({link, requests.back()});
}
void Rig::close_link(core::LinkId link) {
  std::erase_if(delayed_, [&](const auto& d) { return d.link == link; });
}
void Rig::submit(storage::CommitWork&& work) {
  commits_.push_back(std::move(work));
}
void Rig::command_done(std::uint64_t ticket, core::CommandResult&& result) {
  done_[ticket] = std::move(result);
}
void Rig::publish_reference(std::shared_ptr<const core::Reference> reference,
                            std::function<void()> installed) {
  engine_->on_reference(std::move(reference), now_);
  installed();
}

}  // namespace tollgate::test
