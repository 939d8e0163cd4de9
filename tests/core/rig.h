// A whole switch on one thread without sockets or disk: the real engine over the in-memory journal, simulated
// terminals and hosts that speak the real protocol, and a clock that the test moves. What is sent waits in
// queues until the test delivers it, so that a test decides what happens when; crash() drops the engine and
// recovers another from what was durable.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "storage/memory_journal.h"
#include "switch/core/engine.h"
#include "switch/sim/host.h"
#include "switch/sim/terminal.h"
#include "tests/core/estate.h"

namespace tollgate::test {

class Rig final : public core::Outside {
 public:
  struct Options {
    std::uint16_t partitions = 2;
    std::vector<std::string> hosts = {"cup"};
    std::uint32_t links = 1;
    std::uint32_t timeout_ms = 15'000;
    core::EngineConfig::TestFlags flags{};
    std::uint32_t in_flight_max = 64;
    std::uint32_t connection_in_flight_max = 64;
    std::uint32_t transactions_max = 4096;
    std::uint32_t host_in_flight_max = 32;
    bool zone_keys = true;  // of the hosts
    bool mac_required = true;
    std::string schedule;   // JSON; empty: 0.6 % cards, 0.38 % QR, instant 3.00
  };
  explicit Rig(Options options);
  Rig() : Rig(Options{}) {}
  ~Rig() override;

  // Terminals 10000001 … of merchant kMerchant, active, with a published test TMK.
  [[nodiscard]] sim::SimTerminal terminal(std::uint32_t number = 1);
  void add_terminal(std::uint32_t number, bool active = true);

  // Sends a frame over the terminal's connection and lets everything run until nothing moves; the replies
  // that came.
  std::vector<Bytes> exchange(ByteView frame);
  // The same, and the terminal checks the one reply. Stops the test when there is not exactly one.
  sim::Verdict ask(sim::SimTerminal& terminal, ByteView frame);
  void sign_in(sim::SimTerminal& terminal);

  void run();                       // until nothing moves
  void advance(Duration duration);  // in steps of 10 ms, running in between
  void leap(Duration duration);     // in one step: days and months
  void take_snapshots();            // of every partition, as recovery will find them
  void crash();                     // everything volatile is lost; recovers from the journal
  void hold_commits(bool hold) { hold_commits_ = hold; }
  void take_host_down(const std::string& host);
  void bring_host_up(const std::string& host);

  core::CommandResult command(core::PartitionCommand what, std::optional<std::string> key = std::nullopt);
  core::CommandResult command(core::HouseCommand what);
  core::CommandResult suspend(std::uint32_t number, const std::string& reason = "device_fault");
  core::CommandResult activate(std::uint32_t number);
  [[nodiscard]] core::TerminalView view(std::uint32_t number) const;

  [[nodiscard]] core::Engine& engine() { return *engine_; }
  [[nodiscard]] sim::SimHost& host(const std::string& name) { return hosts_.at(name)->sim; }
  [[nodiscard]] storage::MemoryJournal& journal() { return *journal_; }
  [[nodiscard]] const core::EngineConfig& config() const { return config_; }
  [[nodiscard]] const std::shared_ptr<crypto::KeyVault>& vault() const { return vault_; }
  [[nodiscard]] std::string balance(
      const std::string& account) const;  // decimal, summed over partitions; "0" when unused
  [[nodiscard]] std::vector<v1::LedgerEntry> entries() const;
  [[nodiscard]] std::vector<v1::Receipt> receipts() const;  // in the order of the ledger
  [[nodiscard]] std::vector<v1::Record> records() const;
  [[nodiscard]] Now now() const { return now_; }
  std::vector<Bytes> replies;   // what came back on the terminal's connection
  std::vector<Bytes> requests;  // what left on the links, sign-ons and echoes included
  std::function<void(Bytes&)> alter_answer;  // what a host sends, on its way
  bool host_silent = false;    // requests reach the host, answers do not leave it
  bool hold_answers = false;   // answers wait between the host and the switch
  bool join_answers = false;   // all that are due on a link come with one read

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
  struct Host {
    sim::SimHost sim;
    bool up = true;
  };
  struct ToEngine {
    core::LinkId link;
    Bytes bytes;
  };
  struct Delayed {
    Instant at;
    core::LinkId link;
    Bytes bytes;
  };
  void boot();
  void estate();
  bool step();

  Options options_;
  core::EngineConfig config_;  // of the engine that runs
  Now now_;
  SeededChance chance_{7};
  std::shared_ptr<crypto::KeyVault> vault_;
  std::shared_ptr<storage::MemoryStore> store_;
  std::unique_ptr<storage::MemoryJournal> journal_;
  std::unique_ptr<core::Engine> engine_;
  std::map<std::string, std::unique_ptr<Host>> hosts_;
  std::map<std::uint32_t, std::string> link_host_;  // links that are connected, or connecting
  std::deque<core::LinkId> connecting_;
  std::deque<ToEngine> to_hosts_, to_engine_;
  std::deque<Delayed> delayed_;
  std::deque<storage::CommitWork> commits_;
  bool hold_commits_ = false;
  std::map<std::uint64_t, core::CommandResult> done_;
  std::uint64_t next_ticket_ = 1;
  std::optional<core::ConnRef> connection_;
};

}  // namespace tollgate::test
