// The workers of a process, their journal and their commit thread, as one thing that app and the operations
// interface hold: it recovers, serves, drains, takes snapshots off the path, and stops everything when a
// write is unknown (P6).
//
// Order of life: construct, recover(), listen(), start(), drain() or abandon(); or, where the store is
// damaged, recover_for_reading() and nothing more: views work, orders are refused (durability, "safe mode").
// Thread: these by the owner; submit, run_on, the counts and state() by any thread but a worker's. No
// third-party type is visible here.
#pragma once

#include <atomic>
#include <functional>
#include <future>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "storage/committer.h"
#include "storage/high_water_mark.h"
#include "storage/journal.h"
#include "switch/core/engine.h"
#include "switch/net/worker_counts.h"

namespace tollgate::net {

struct ClusterConfig {
  core::EngineConfig engine;           // worker is filled in
  std::vector<std::string> addresses;  // of engine.listeners, in their order
  Duration session_idle = std::chrono::hours(1);
  Duration frame_timeout = std::chrono::seconds(3);
  std::uint32_t sockets_max = 10'000;  // open terminal sockets of the process; beyond it accepting pauses
  std::uint64_t snapshot_records =
      2'000'000;  // of a partition since its last one: a second or two of a start each; 0: never
};

enum class ClusterState : std::uint8_t { recovering, ready, serving, draining, safe_mode, stopped, failed };
[[nodiscard]] std::string_view name(ClusterState state) noexcept;

class Cluster {
 public:
  struct Hooks {
    // Once, on any thread: a write is unknown, or this process lost its store. The process must end, not
    // zero.
    std::function<void(std::string why)> failed;
    // On the commit thread, for each durable group, in the order of its partition; must be short.
    std::function<void(const storage::CommitWork&)> durable;
    // When every worker has it.
    std::function<void(std::shared_ptr<const core::Reference>)> reference;
  };
  struct Doors {  // outlive the cluster
    storage::Journal& journal;
    storage::HighWaterMark* mark = nullptr;  // null only in tests
    std::shared_ptr<crypto::KeyVault> vault;
  };

  Cluster(ClusterConfig config, Doors doors, Hooks hooks);
  ~Cluster();  // stops without draining
  Cluster(const Cluster&) = delete;
  Cluster& operator=(const Cluster&) = delete;

  // Owns every partition; the house first, its reference to all, then the other partitions beside each other.
  [[nodiscard]] Result<void> recover();
  // Owns nothing, writes nothing. What cannot be read is missing from the views and named in the result; the
  // rest is shown.
  [[nodiscard]] std::vector<Error> recover_for_reading();
  // The addresses as bound, in the order of the listeners.
  [[nodiscard]] Result<std::vector<std::string>> listen();
  void start();
  // No new work; what is in flight ends, or `patience` does; everything durable is answered; snapshots;
  // stops. False: patience ended first, and what was in flight is settled by the next start.
  bool drain(Duration patience);
  void abandon();  // stops at once

  [[nodiscard]] ClusterState state() const noexcept;
  [[nodiscard]] std::uint16_t workers() const noexcept;
  [[nodiscard]] std::uint16_t partitions() const noexcept;
  [[nodiscard]] std::shared_ptr<const core::Reference> reference() const;
  [[nodiscard]] const storage::Journal& journal() const noexcept;
  [[nodiscard]] storage::CommitStats commit_stats() const;

  // `done` is called exactly once, on some thread; with problem "not_ready" when no order is taken now.
  using Done = std::function<void(core::CommandResult&&)>;
  void submit(core::Command&& command, Done done);
  [[nodiscard]] std::future<core::CommandResult> submit(core::Command&& command);

  // Runs fn on the worker's thread. False when its mailbox is full or it has stopped: fn is dropped.
  using View = std::function<void(core::Engine& engine, const Now& now)>;
  [[nodiscard]] bool run_on(std::uint16_t worker, View fn) const;
  // The same, and waits for the value; nullopt when it was dropped or did not come within `patience`.
  template <class Fn>
  [[nodiscard]] auto ask(std::uint16_t worker, Fn fn, Duration patience = std::chrono::seconds(5)) const {
    using Value = std::invoke_result_t<Fn&, core::Engine&>;
    auto promise = std::make_shared<std::promise<Value>>();
    auto future = promise->get_future();
    const bool taken =
        run_on(worker, [promise, fn = std::move(fn)](core::Engine& engine, const Now&) mutable {
          promise->set_value(fn(engine));
        });
    std::optional<Value> value;
    if (taken && future.wait_for(patience) == std::future_status::ready) value.emplace(future.get());
    return value;
  }
  [[nodiscard]] std::optional<WorkerCounts> counts(std::uint16_t worker) const;  // nullopt: it did not answer
  [[nodiscard]] std::uint32_t queue_depth(std::uint16_t worker) const;
  [[nodiscard]] std::int64_t busy_millionths(std::uint16_t worker) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tollgate::net
