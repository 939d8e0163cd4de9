// The operations interface's door over real engines, without sockets, threads or disk: each call runs the
// engine to the end. Fresh is an empty switch of its own; OverRig shows (and orders) what the core's test rig
// does, so that there is traffic to look at.
#pragma once

#include <atomic>
#include <deque>
#include <map>
#include <mutex>

#include "storage/memory_journal.h"
#include "switch/admin/backend.h"
#include "switch/base/chance.h"
#include "switch/core/engine.h"
#include "tests/core/rig.h"

namespace tollgate::test {

// Reads over one engine that owns everything.
class EngineViews : public admin::Backend {
 public:
  [[nodiscard]] const admin::Facts& facts() const noexcept override { return facts_; }
  [[nodiscard]] admin::Mode mode() const noexcept override { return mode_; }
  [[nodiscard]] std::shared_ptr<const admin::ReferenceData> reference() const override;
  [[nodiscard]] std::optional<core::TerminalView> terminal(ObjectId id) const override;
  [[nodiscard]] std::vector<core::TerminalView> find_terminals(std::string_view tid,
                                                               std::string_view merchant_code,
                                                               std::string_view serial) const override;
  [[nodiscard]] std::vector<core::TerminalView> terminals(PartitionId partition, ObjectId before,
                                                          std::size_t limit) const override;
  [[nodiscard]] std::optional<core::MerchantView> merchant(std::string_view merchant_code) const override;
  [[nodiscard]] std::vector<core::MerchantView> merchants(PartitionId partition, ObjectId before,
                                                          std::size_t limit) const override;
  [[nodiscard]] PartitionId partition_of(std::string_view merchant_code) const noexcept override;
  [[nodiscard]] std::vector<admin::HostStatus> hosts() const override;
  [[nodiscard]] std::vector<admin::BalanceRow> balances() const override;
  [[nodiscard]] std::vector<admin::LedgerHead> ledger_heads() const override;
  [[nodiscard]] bool alive() const override { return alive_; }
  [[nodiscard]] std::vector<admin::HealthCheck> readiness() const override { return checks_; }
  [[nodiscard]] admin::MachineStatus machine() const override;
  [[nodiscard]] std::string metrics() const override { return "tollgate_ledger_imbalance 0\n"; }

  admin::Facts facts_;
  std::atomic<admin::Mode> mode_ = admin::Mode::normal;
  std::atomic<bool> alive_ = true;
  std::vector<admin::HealthCheck> checks_ = {{"storage", true, ""}, {"hosts", true, "1/1"}};

 protected:
  explicit EngineViews(std::uint16_t partitions);
  [[nodiscard]] virtual core::Engine& engine() const = 0;
  mutable std::recursive_mutex mutex_;  // handlers have threads of their own; an engine has one
};

class FreshBackend final : public EngineViews, public core::Outside {
 public:
  explicit FreshBackend(std::uint16_t partitions = 4);
  ~FreshBackend() override;

  void submit(core::Command&& command, Done done) override;
  [[nodiscard]] Now now() const noexcept override { return now_; }
  [[nodiscard]] const storage::Journal& journal() const noexcept override { return journal_; }
  [[nodiscard]] std::uint64_t records() const;  // that the journal holds
  [[nodiscard]] std::vector<v1::Record> house_records() const;
  void take_house_snapshot();  // as the next engine will find it
  void crash();                // another engine over what was durable
  // Orders wait (their answers do not come) until release().
  void hold() { held_ = true; }
  void release();
  [[nodiscard]] std::size_t waiting() const;
  void set_now(Now now) { now_ = now; }

 private:
  [[nodiscard]] core::Engine& engine() const override { return *engine_; }
  void boot();
  void run();
  void send_terminal(const core::ConnRef&, ByteView) override {}
  void close_terminal(const core::ConnRef&, core::CloseReason) override {}
  bool forward_frame(std::uint16_t, const core::ConnRef&, std::uint16_t, ByteView) override { return false; }
  void connect_link(core::LinkId, std::string_view) override {}
  void send_link(core::LinkId, ByteView) override {}
  void close_link(core::LinkId) override {}
  void submit(storage::CommitWork&& work) override { commits_.push_back(std::move(work)); }
  void command_done(std::uint64_t ticket, core::CommandResult&& result) override;
  void publish_reference(std::shared_ptr<const core::Reference> reference,
                         std::function<void()> installed) override;

  Now now_;
  SeededChance chance_{11};
  std::shared_ptr<crypto::KeyVault> vault_;
  storage::MemoryJournal journal_;
  std::unique_ptr<core::Engine> engine_;
  std::deque<storage::CommitWork> commits_;
  std::map<std::uint64_t, Done> waiting_;
  std::vector<std::pair<core::Command, Done>> held_orders_;
  bool held_ = false;
  std::uint64_t next_ticket_ = 1;
};

// What the rig's switch did. Orders are not given through it.
class OverRig final : public EngineViews {
 public:
  explicit OverRig(Rig& rig, std::uint16_t partitions = 2) : EngineViews(partitions), rig_(rig) {}
  void submit(core::Command&&, Done done) override;
  [[nodiscard]] Now now() const noexcept override { return rig_.now(); }
  [[nodiscard]] const storage::Journal& journal() const noexcept override { return rig_.journal(); }
  // Tokens, which the rig's house does not have.
  std::vector<v1::TokenCreated> tokens;
  [[nodiscard]] std::shared_ptr<const admin::ReferenceData> reference() const override;

 private:
  [[nodiscard]] core::Engine& engine() const override { return rig_.engine(); }
  Rig& rig_;
};

// The example document of the operations interface's reference, section 8, with its schedule inlined.
[[nodiscard]] std::string example_estate();
[[nodiscard]] std::string example_schedule();

}  // namespace tollgate::test
