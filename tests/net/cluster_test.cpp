// Whole clusters: real engines on two worker threads, real sockets, simulated terminals and a simulated host
// that speak the real protocol, over the journal in memory.
#include "switch/net/cluster.h"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <thread>

#include "storage/memory_journal.h"
#include "switch/sim/fleet.h"
#include "switch/sim/host_server.h"
#include "tests/net/estate.h"
#include "tests/net/peer.h"

namespace tollgate::net {
namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t kTerminals = 8;

struct Options {
  std::uint16_t workers = 2;
  std::uint64_t snapshot_records = 0;
  storage::MemoryJournal::FaultAt fault{};
};

class ClusterTest : public ::testing::Test {
 protected:
  ClusterTest() {
    const Bytes kek(32, 0x42);
    vault_ = std::make_shared<crypto::KeyVault>(crypto::KeyVault::from_kek(kek));
    auto host = sim::HostServer::make({.host = {.timeout = 3s}});
    EXPECT_TRUE(host.has_value());
    host_ = std::move(*host);
    host_thread_ = std::thread([this] { host_->run(); });
  }
  ~ClusterTest() override {
    cluster_.reset();
    host_->stop();
    host_thread_.join();
  }

  void make(Options options) {
    ClusterConfig config;
    config.engine.workers = options.workers;
    config.engine.partitions = 4;
    config.engine.listeners.push_back({"pos", iso::Dialect::builtin("cup"), true});
    config.addresses = {"127.0.0.1:0"};
    config.snapshot_records = options.snapshot_records;
    journal_ = std::make_unique<storage::MemoryJournal>(store_, options.fault);
    cluster_ = std::make_unique<Cluster>(
        std::move(config), Cluster::Doors{*journal_, nullptr, vault_},
        Cluster::Hooks{.failed = [this](const std::string& why) { failed_.set_value(why); },
                       .durable = {},
                       .reference = {}});
  }
  void serve(Options options = {}) {
    make(std::move(options));
    const auto recovered = cluster_->recover();
    ASSERT_TRUE(recovered.has_value()) << recovered.error().text();
    const auto bound = cluster_->listen();
    ASSERT_TRUE(bound.has_value()) << bound.error().text();
    address_ = bound->front();
    cluster_->start();
  }
  void estate() {
    test::order_host(*cluster_, host_->address());
    for (std::uint32_t i = 1; i <= kTerminals; ++i) test::order_terminal(*cluster_, i);
    ASSERT_TRUE(until([&] { return links_up() == cluster_->workers(); }));
  }
  [[nodiscard]] std::uint32_t links_up() const {
    std::uint32_t up = 0;
    for (std::uint16_t w = 0; w < cluster_->workers(); ++w) {
      const auto hosts = cluster_->ask(w, [](core::Engine& engine) { return engine.hosts(); });
      if (hosts && !hosts->empty()) up += hosts->front().links_up;
    }
    return up;
  }
  static bool until(const std::function<bool()>& holds, Duration patience = 20s) {
    const auto end = SystemClock::now().instant + patience;
    while (!holds()) {
      if (SystemClock::now().instant >= end) return false;
      std::this_thread::sleep_for(5ms);
    }
    return true;
  }
  [[nodiscard]] sim::FleetReport trade(Duration run_for, std::uint32_t tps, std::uint64_t seed = 1) {
    sim::FleetOptions options;
    options.target = address_;
    options.terminals = test::terminal_configs(kTerminals);
    options.connections = 5;
    options.tps = tps;
    options.run_for = run_for;
    options.mix = *sim::parse_mix("sale=70,qr=20,instant=10");
    options.trouble_ppm = 0;
    options.first_stan = static_cast<std::uint32_t>(seed * 1000);
    options.seed = seed;
    auto fleet = sim::Fleet::make(std::move(options));
    EXPECT_TRUE(fleet.has_value());
    (*fleet)->run();
    return (*fleet)->report();
  }
  [[nodiscard]] std::map<std::uint16_t, std::pair<std::uint64_t, Digest>> heads() const {
    std::map<std::uint16_t, std::pair<std::uint64_t, Digest>> all;
    for (std::uint16_t w = 0; w < cluster_->workers(); ++w) {
      const auto part = cluster_->ask(w, [](core::Engine& engine) { return engine.ledger_heads(); });
      if (!part) continue;
      for (const auto& head : *part) all[head.partition.value] = {head.last.value, head.chain};
    }
    return all;
  }
  [[nodiscard]] std::string sum_of_balances() const {
    Int128 sum = 0;
    for (std::uint16_t w = 0; w < cluster_->workers(); ++w) {
      const auto rows = cluster_->ask(w, [](core::Engine& engine) { return engine.balances(); });
      if (!rows) return "no answer";
      for (const auto& row : *rows) sum += balance_of(row.balance)->value;
    }
    return to_decimal(Balance{sum});
  }

  std::shared_ptr<storage::MemoryStore> store_ =
      std::make_shared<storage::MemoryStore>(4, storage::StoreIdentity{});
  std::shared_ptr<crypto::KeyVault> vault_;
  std::unique_ptr<sim::HostServer> host_;
  std::thread host_thread_;
  std::unique_ptr<storage::MemoryJournal> journal_;
  std::promise<std::string> failed_;
  std::unique_ptr<Cluster> cluster_;
  std::string address_;
};

TEST_F(ClusterTest, ServesTerminalsOfEveryPartitionOverTwoWorkers) {
  serve();
  estate();
  std::set<std::uint16_t> workers;
  for (std::uint32_t i = 1; i <= kTerminals; ++i)
    workers.insert(core::Engine::worker_of(core::Engine::partition_of(test::merchant_code(i), 4), 2));
  ASSERT_EQ(workers.size(), 2U) << "the estate must need both workers";
  const auto report = trade(2s, 150);
  EXPECT_EQ(report.signed_in, kTerminals);
  EXPECT_GT(report.approved, 50U);
  EXPECT_EQ(report.faults, 0U);
  EXPECT_EQ(report.wrong_mac, 0U);
  EXPECT_EQ(report.unanswered, 0U);
  EXPECT_EQ(sum_of_balances(), "0");
  std::uint64_t entries = 0;
  for (const auto& [partition, head] : heads()) entries += head.first;
  EXPECT_GE(entries, report.approved);
  EXPECT_TRUE(cluster_->drain(10s));
  EXPECT_EQ(cluster_->state(), ClusterState::stopped);
}

TEST_F(ClusterTest, RecoversTheSameBooksAfterADrainAndWithAnotherNumberOfWorkers) {
  serve({.workers = 2, .snapshot_records = 0, .fault = {}});
  estate();
  const auto first = trade(1s, 100, 1);
  EXPECT_GT(first.approved, 20U);
  const auto before = heads();
  ASSERT_TRUE(cluster_->drain(10s));
  cluster_.reset();
  serve({.workers = 1, .snapshot_records = 0, .fault = {}});
  EXPECT_EQ(heads(), before);
  ASSERT_TRUE(until([&] { return links_up() == 1; }));
  const auto second = trade(1s, 100, 2);
  EXPECT_GT(second.approved, 20U);
  EXPECT_EQ(second.faults, 0U);
  EXPECT_EQ(sum_of_balances(), "0");
}

TEST_F(ClusterTest, TakesSnapshotsUnderTrafficAndStartsFromThem) {
  serve({.workers = 2, .snapshot_records = 40, .fault = {}});
  estate();
  const auto report = trade(3s, 150);
  EXPECT_EQ(report.faults, 0U);
  EXPECT_EQ(report.unanswered, 0U);
  std::size_t snapshots = 0;
  for (std::uint16_t p = 1; p <= 4; ++p) {
    const auto newest = journal_->latest_snapshot({p});
    ASSERT_TRUE(newest.has_value());
    if (newest->has_value()) ++snapshots;
  }
  EXPECT_GE(snapshots, 2U);
  const auto before = heads();
  cluster_->abandon();
  cluster_.reset();
  serve({.workers = 2, .snapshot_records = 0, .fault = {}});
  EXPECT_EQ(heads(), before);
  EXPECT_EQ(sum_of_balances(), "0");
}

// Or a tail would grow from crash to crash, and every start with it.
TEST_F(ClusterTest, FoldsTheTailThatAStartHadToRead) {
  serve({.workers = 2, .snapshot_records = 0, .fault = {}});
  estate();
  EXPECT_GT(trade(1s, 150).approved, 50U);
  cluster_->abandon();
  cluster_.reset();
  const auto snapshots = [&] {
    std::size_t count = 0;
    for (std::uint16_t p = 1; p <= 4; ++p) count += journal_->latest_snapshot({p}).value().has_value() ? 1 : 0;
    return count;
  };
  ASSERT_EQ(snapshots(), 0U);
  serve({.workers = 2, .snapshot_records = 40, .fault = {}});
  EXPECT_TRUE(until([&] { return snapshots() >= 1; }));
}

TEST_F(ClusterTest, StopsAndSaysSoWhenAWriteIsUnknown) {
  std::atomic<bool> broken{false};
  serve({.workers = 2, .snapshot_records = 0, .fault = [&](std::uint64_t) {
           return broken ? storage::MemoryFault::unknown_after : storage::MemoryFault::none;
         }});
  estate();
  EXPECT_GT(trade(500ms, 100).approved, 5U);
  broken = true;
  core::SetRoutes routes;
  routes.routes.emplace_back().set_name("other");
  core::Command command{kHouse, {}, core::HouseCommand(routes)};
  command.caller.principal = "test";
  auto answer = cluster_->submit(std::move(command));
  auto failed = failed_.get_future();
  ASSERT_EQ(failed.wait_for(10s), std::future_status::ready);
  EXPECT_EQ(cluster_->state(), ClusterState::failed);
  EXPECT_NE(answer.wait_for(100ms), std::future_status::ready)
      << "what is not known to be durable must not be told";
  auto refused = cluster_->submit(core::Command{kHouse, {}, core::HouseCommand(core::SetRoutes{})}).get();
  EXPECT_EQ(refused.problem, "not_ready");
  EXPECT_FALSE(cluster_->drain(1s));
}

TEST_F(ClusterTest, RefusesOrdersUntilItServesAndWhenItHasStopped) {
  make({});
  EXPECT_EQ(cluster_->submit(core::Command{kHouse, {}, core::HouseCommand(core::SetRoutes{})}).get().problem,
            "not_ready");
  cluster_.reset();
  serve();
  EXPECT_EQ(cluster_->submit(core::Command{PartitionId{99}, {}, core::PartitionCommand(core::SetMerchant{})})
                .get()
                .problem,
            "not_ready");
  ASSERT_TRUE(cluster_->drain(5s));
  EXPECT_EQ(cluster_->submit(core::Command{kHouse, {}, core::HouseCommand(core::SetRoutes{})}).get().problem,
            "not_ready");
  EXPECT_FALSE(cluster_->ask(0, [](core::Engine&) { return 1; }).has_value());
}

TEST_F(ClusterTest, RefusesOrdersAsStorageFullWhileNothingCanBeWritten) {
  serve();
  estate();
  const auto order = [&](bool dry_run) {
    core::Command command{kHouse, {}, core::HouseCommand(core::SetRoutes{})};
    command.caller.dry_run = dry_run;
    return cluster_->submit(std::move(command)).get().problem;
  };
  journal_->set_space_exhausted(true);
  EXPECT_EQ(order(false), "storage_full");
  EXPECT_EQ(order(true), "");  // writes nothing
  journal_->set_space_exhausted(false);
  journal_->set_space_low(true);
  EXPECT_EQ(order(false), "");  // the console goes on below the watermark
}

// Space ended between the order and its write: it is done when there is room again, and nobody spins
// meanwhile.
TEST_F(ClusterTest, AnOrderThatMetAFullStoreIsDoneWhenThereIsRoom) {
  serve();
  estate();
  std::atomic<std::uint64_t> refused{0};
  cluster_.reset();
  std::atomic<bool> full{false};
  serve({.workers = 2, .snapshot_records = 0, .fault = [&](std::uint64_t) {
           if (full) ++refused;
           return full ? storage::MemoryFault::full : storage::MemoryFault::none;
         }});
  full = true;
  auto done = cluster_->submit(core::Command{kHouse, {}, core::HouseCommand(core::SetRoutes{})});
  EXPECT_EQ(done.wait_for(700ms), std::future_status::timeout);
  EXPECT_LE(refused, 10U);  // about five a second
  EXPECT_GE(refused, 2U);
  full = false;
  ASSERT_EQ(done.wait_for(5s), std::future_status::ready);
  EXPECT_TRUE(done.get().ok());
  cluster_.reset();
}

TEST_F(ClusterTest, ShowsButDoesNotServeInSafeMode) {
  serve();
  estate();
  EXPECT_GT(trade(500ms, 100).approved, 5U);
  const auto before = heads();
  const auto epoch = journal_->head({1}).epoch;
  ASSERT_TRUE(cluster_->drain(10s));
  cluster_.reset();
  make({});
  EXPECT_TRUE(cluster_->recover_for_reading().empty());
  EXPECT_EQ(cluster_->state(), ClusterState::safe_mode);
  EXPECT_EQ(heads(), before);
  EXPECT_EQ(journal_->head({1}).epoch, epoch) << "reading owns nothing";
  EXPECT_EQ(cluster_->reference()->hosts().size(), 1U);
  EXPECT_EQ(cluster_->submit(core::Command{kHouse, {}, core::HouseCommand(core::SetRoutes{})}).get().problem,
            "safe_mode");
  std::this_thread::sleep_for(100ms);
  EXPECT_EQ(host_->links(), 0U) << "nobody is called in safe mode";
}

TEST_F(ClusterTest, SuspendsATerminalOfTheOtherWorkerForItsVeryNextMessage) {
  serve();
  estate();
  EXPECT_GT(trade(500ms, 100, 1).approved, 5U);
  for (std::uint32_t i = 1; i <= kTerminals; ++i) {
    const auto partition = core::Engine::partition_of(test::merchant_code(i), 4);
    const auto found = cluster_->ask(core::Engine::worker_of(partition, 2), [i](core::Engine& engine) {
      return engine.find_terminals(test::tid(i), "", "");
    });
    ASSERT_TRUE(found.has_value() && found->size() == 1);
    core::SuspendTerminal suspend;
    suspend.terminal = ObjectId(found->front().terminal.id());
    suspend.reason = "device_fault";
    test::order(*cluster_, partition, core::PartitionCommand(suspend));
  }
  const auto before = heads();
  const auto refused = trade(500ms, 100, 2);
  EXPECT_EQ(refused.approved, kTerminals)
      << "sign-in stays open to a suspended terminal, nothing else here does";
  EXPECT_EQ(heads(), before) << "the books do not move";
  EXPECT_GT(refused.codes.contains("58") ? refused.codes.at("58") : 0, 5U);
}

}  // namespace
}  // namespace tollgate::net
