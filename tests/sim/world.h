// A whole switch in a virtual world, from one seed: the real engine, framing, codec, fees and postings
// between simulated terminals and hosts that speak the real protocol, under a virtual clock, over a network
// that delays, splits, resets, repeats and stalls, with hosts that are slow, silent, flapping, late or answer
// twice, and with a journal that is slow, full or fails so that nobody knows what it wrote: then, and at
// random, the process ends with all that was not durable, and another begins. After every event the auditor
// looks (auditor.h). At the end everything is healed, time goes on until nothing is owed, and every promise
// of a terminal is held against the books of the switch and of the hosts.
//
// The same options give the same run to the byte: trace_hash says so. Owner: simulate(). Thread: one. No
// clock, no chance but the seed's.
#pragma once

#include <cstdio>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <queue>
#include <string>
#include <vector>

#include "storage/memory_journal.h"
#include "switch/core/engine.h"
#include "switch/sim/host.h"
#include "switch/sim/terminal.h"
#include "tests/sim/auditor.h"

namespace tollgate::test {

struct SimOptions {
  std::uint64_t seed = 1;
  core::EngineConfig::TestFlags flags{};
  std::FILE* trace = nullptr;  // a readable line for each event
};

struct SimReport {
  std::string violation;  // empty: every promise held
  std::uint64_t trace_hash = 0;
  Duration simulated{};
  std::map<std::string, std::uint64_t> tally;  // what happened, how often
};

[[nodiscard]] SimReport simulate(const SimOptions& options);

class World final : public core::Outside {
 public:
  explicit World(const SimOptions& options);
  ~World() override;
  [[nodiscard]] SimReport run();

  // core::Outside
  void send_terminal(const core::ConnRef& connection, ByteView bytes) override;
  void close_terminal(const core::ConnRef& connection, core::CloseReason reason) override;
  bool forward_frame(std::uint16_t, const core::ConnRef&, std::uint16_t, ByteView) override { return false; }
  void connect_link(core::LinkId link, std::string_view address) override;
  void send_link(core::LinkId link, ByteView bytes) override;
  void close_link(core::LinkId link) override;
  void submit(storage::CommitWork&& work) override;
  void command_done(std::uint64_t ticket, core::CommandResult&& result) override;
  void publish_reference(std::shared_ptr<const core::Reference> reference,
                         std::function<void()> installed) override;

 private:
  // How bad this world is: chances in a thousand, some of them zero in every run (swarm testing).
  struct Weather {
    std::uint16_t partitions = 2;
    std::uint32_t hosts = 2, links = 1, terminals = 8, merchants = 3, host_in_flight_max = 16,
                  in_flight_max = 64, timeout_ms = 8'000;
    std::uint64_t split = 0, stall = 0, repeat = 0, impatient = 0;
    std::uint64_t slow_commit = 0, unknown = 0, full = 0, crash_before = 0, crash_after = 0;
    std::uint64_t gusts = 0;
    Duration until{};
  };
  struct Event {
    Instant at;
    std::uint64_t number;
    std::function<void()> run;
    friend bool operator<(const Event& a, const Event& b) noexcept {
      return a.at != b.at ? a.at > b.at : a.number > b.number;
    }
  };
  struct Pos {
    sim::SimTerminal sim;
    std::string tid, merchant;
    std::uint64_t connection = 0,
                  lingering = 0;  // numbers; lingering: closed, but its last replies may still arrive
    Bytes frame;
    std::uint64_t turn = 0, stan = 0;
    std::uint16_t mti = 0;
    int copies = 0, patience = 0;
    bool sign_in_first = true;
  };
  struct Connection {
    core::ConnRef ref;
    std::size_t pos = 0;
    Bytes received;
    Instant up_at, down_at;
  };
  struct Host {
    std::string name;
    std::unique_ptr<sim::SimHost> sim;
    bool up = true, silent = false;
    Duration slow{};
  };
  struct Link {
    std::size_t host = 0;
    bool open = false;
    std::uint64_t life = 0;
    Bytes wire, received;
    Instant up_at;
  };
  struct Order {
    std::string owner;  // TID or merchant code; empty: estate
    bool suspends = false, of_merchant = false;
  };

  // chance and time (world.cpp)
  [[nodiscard]] std::uint64_t pick(std::uint64_t low, std::uint64_t high) {
    return low + chance_.below(high - low + 1);
  }
  [[nodiscard]] bool hits(std::uint64_t permille) { return chance_.below(1000) < permille; }
  [[nodiscard]] Duration between_us(std::uint64_t low, std::uint64_t high) {
    return std::chrono::microseconds(pick(low, high));
  }
  void after(Duration delay, std::function<void()> run) { at(now_.instant + delay, std::move(run)); }
  void at(Instant when, std::function<void()> run) { events_.push({when, ++event_number_, std::move(run)}); }
  void to_process(Duration delay, std::function<void()> run) {
    to_process_at(now_.instant + delay, std::move(run));
  }
  void to_process_at(Instant when, std::function<void()> run);
  void step();
  void note(std::string_view what, ByteView bytes = {}, std::string_view who = {});
  void count(const std::string& what) { ++tally_[what]; }
  void make_weather();

  // the process and its journal (world_process.cpp)
  void boot();
  void crash(std::string_view why);
  void compare_books();
  void start_commit();
  void append();
  [[nodiscard]] bool estate();
  [[nodiscard]] bool order(core::PartitionCommand what, const std::string& merchant);
  [[nodiscard]] bool order(core::HouseCommand what);
  [[nodiscard]] bool wait_for(std::uint64_t ticket);
  void operate();
  [[nodiscard]] bool is_held(const std::string& owner) const;
  void gust();
  void snapshot();

  // terminals and hosts (world_peers.cpp)
  void act(std::size_t index);
  [[nodiscard]] ByteView choose(Pos& pos);
  [[nodiscard]] sim::SaleOrder sale();
  void speak(std::size_t index, ByteView frame);
  void send_up(std::size_t index, const Bytes& frame);
  void arrive(std::uint64_t connection, const Bytes& bytes);
  void hear(std::size_t index, const Bytes& frame);
  void lose_patience(std::size_t index, std::uint64_t turn);
  void next_act(std::size_t index);
  void hang_up(std::size_t index);
  void at_host(std::uint32_t link, std::uint64_t life, const Bytes& frame);
  void answer(std::uint32_t link, std::uint64_t life, const Bytes& frame);
  void pump(std::uint32_t link);
  void drop_link(std::uint32_t link);
  void host_down(std::size_t host, bool down);

  void heal();
  [[nodiscard]] bool quiet() const;
  void settle();

  SimOptions options_;
  SeededChance chance_, engine_chance_;
  Weather weather_;
  Now now_;
  Instant begin_, last_tick_;
  std::priority_queue<Event> events_;
  std::uint64_t event_number_ = 0, life_ = 0, connection_number_ = 0, ticket_ = 0,
                hash_ = 14695981039346656037ULL;
  bool calm_ = true;  // no faults: during the estate, and at the end

  std::shared_ptr<crypto::KeyVault> vault_;
  core::EngineConfig config_;  // of the engine that runs
  std::shared_ptr<storage::MemoryStore> store_;
  std::unique_ptr<storage::MemoryJournal> journal_;
  std::unique_ptr<core::Engine> engine_;
  storage::MemoryFault fault_ = storage::MemoryFault::none;
  std::deque<storage::CommitWork> commits_;
  bool committing_ = false;
  std::map<std::uint64_t, Order> orders_;
  std::map<std::uint64_t, bool> done_;

  std::vector<std::string> merchants_;
  std::map<std::string, ObjectId> ids_;  // of terminals and merchants
  std::vector<std::unique_ptr<Pos>> terminals_;
  std::map<std::uint64_t, Connection> connections_;
  std::vector<Host> hosts_;
  std::map<std::uint32_t, Link> links_;

  Auditor auditor_;
  std::map<std::string, std::uint64_t> tally_;
};

}  // namespace tollgate::test
