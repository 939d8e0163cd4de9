// One worker: a thread, its loop, its engine, and the sockets of both. It carries events to the engine and
// what the engine wants done to the world (core::Outside); it decides nothing about money. Per batch of
// events: handlers run, the engine flushes once, other workers get their mail, sockets are written.
//
// Owner: the cluster. Thread: start() begins it, everything private is its; put_*, stop and the counts may be
// used from any.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "storage/committer.h"
#include "switch/base/chance.h"
#include "switch/core/engine.h"
#include "switch/core/outside.h"
#include "switch/net/acceptor.h"
#include "switch/net/link.h"
#include "switch/net/loop.h"
#include "switch/net/mailbox.h"
#include "switch/net/session.h"

namespace tollgate::net {

class Worker;

struct WorkerConfig {
  core::EngineConfig engine;
  Sessions::Limits sessions;
  Links::Limits links;
  Mailbox::Bounds mailbox;
};

// What the workers of a cluster share. Filled before any of them starts; outlives them.
struct Neighbours {
  std::vector<std::unique_ptr<Worker>> workers;
  std::unique_ptr<storage::Committer> committer;
  const storage::Journal* journal = nullptr;
  SocketBudget budget;
  // Runs on the house's worker when every engine has the reference.
  std::function<void(std::shared_ptr<const core::Reference>)> reference_installed;
};

class Worker final : private core::Outside, private Sessions::Events, private Links::Events {
 public:
  Worker(WorkerConfig config, Neighbours& neighbours, std::shared_ptr<crypto::KeyVault> vault);
  ~Worker() override;  // joins
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  void start();
  void stop();  // any thread; the loop ends after its batch
  void join();

  // From any thread.
  [[nodiscard]] bool put_task(std::function<void()> task) { return mailbox_.put_task(std::move(task)); }
  void put_committed(storage::CommitWork&& work, storage::AppendResult result);
  void put_messages(const Mail& mail);
  void put_socket(int fd, std::uint16_t listener);
  [[nodiscard]] bool has_room(std::size_t messages, std::size_t bytes) const noexcept {
    return mailbox_.has_room(messages, bytes);
  }
  [[nodiscard]] std::uint32_t queue_depth() const noexcept { return mailbox_.depth(); }
  [[nodiscard]] std::int64_t busy_millionths() const noexcept {
    return busy_millionths_.load(std::memory_order_relaxed);
  }

  // On the worker's thread, inside a task.
  [[nodiscard]] core::Engine& engine() noexcept { return *engine_; }
  [[nodiscard]] const Now& now() noexcept { return loop_.now(); }
  [[nodiscard]] WorkerCounts counts() const;
  using Done = std::function<void(core::CommandResult&&)>;
  void command(core::Command&& command, Done done);
  [[nodiscard]] Result<std::string> listen(std::uint16_t listener,
                                           std::string_view address);  // before start_traffic
  void start_traffic();                                                // engine and acceptor
  void close_all();                                                    // what was answered leaves first
  void drain(std::function<void()> idle);  // calls `idle` once, when nothing is in flight
  // Waits for the journal, a millisecond or so, until nothing of the partition is on its way there. nullopt:
  // it never was.
  [[nodiscard]] std::optional<storage::Snapshot> take_snapshot(PartitionId partition);

 private:
  void run();
  void end_of_batch();
  void read_mail();
  void send_mail();
  void hand_in();
  void on_sweep();
  void measure_busy();

  // core::Outside
  void send_terminal(const core::ConnRef& connection, ByteView bytes) override;
  void close_terminal(const core::ConnRef& connection, core::CloseReason reason) override;
  [[nodiscard]] bool forward_frame(std::uint16_t worker, const core::ConnRef& from, std::uint16_t listener,
                                   ByteView frame) override;
  void connect_link(core::LinkId link, std::string_view address) override;
  void send_link(core::LinkId link, ByteView bytes) override { links_.send(link, bytes); }
  void close_link(core::LinkId link) override { links_.close(link); }
  void submit(storage::CommitWork&& work) override { groups_.push_back(std::move(work)); }
  void command_done(std::uint64_t ticket, core::CommandResult&& result) override;
  void publish_reference(std::shared_ptr<const core::Reference> reference,
                         std::function<void()> installed) override;

  // Sessions::Events, Links::Events
  [[nodiscard]] std::optional<core::ConnRef> on_open(std::uint16_t listener) override;
  [[nodiscard]] std::size_t on_bytes(const core::ConnRef& connection, ByteView bytes) override;
  void on_closed(const core::ConnRef& connection) override;
  void on_up(core::LinkId link) override;
  [[nodiscard]] std::size_t on_bytes(core::LinkId link, ByteView bytes) override;
  void on_down(core::LinkId link) override;

  const std::uint16_t number_;
  Neighbours& neighbours_;
  Loop loop_;
  Mailbox mailbox_;
  Sessions sessions_;
  Links links_;
  Acceptor acceptor_;
  SystemChance chance_;
  std::unique_ptr<core::Engine> engine_;
  std::vector<Mail> outgoing_;               // by worker
  std::vector<storage::CommitWork> groups_;  // of this batch, for the commit thread
  std::unordered_map<std::uint64_t, Done> commands_;
  std::vector<std::pair<Done, core::CommandResult>> finished_;
  std::uint64_t last_ticket_ = 0;
  std::uint64_t batches_ = 0;
  bool serving_ = false;
  std::function<void()> when_idle_;
  std::vector<std::pair<core::LinkId, std::string>>
      deferred_;                   // links that reference data asked for before traffic began
  std::uint16_t next_worker_ = 0;  // to whom the next connection goes
  Instant busy_since_{};
  std::int64_t busy_cpu_ns_ = 0;
  std::atomic<std::int64_t> busy_millionths_{0};
  std::thread thread_;
};

}  // namespace tollgate::net
