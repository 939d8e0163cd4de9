#include "switch/net/cluster.h"

#include <algorithm>
#include <atomic>
#include <thread>

#include "switch/base/log.h"
#include "switch/core/directory.h"
#include "switch/core/fold.h"
#include "switch/net/snapshots.h"
#include "switch/net/worker.h"

namespace tollgate::net {

namespace {
constexpr std::string_view kComponent = "cluster";

// Runs on each of these workers' threads, beside each other, and waits for all of them.
void on_workers(std::span<const std::unique_ptr<Worker>> workers, const std::function<void(Worker&)>& fn) {
  std::vector<std::future<void>> done;
  for (const auto& worker : workers) {
    auto promise = std::make_shared<std::promise<void>>();
    done.push_back(promise->get_future());
    auto* target = worker.get();
    const bool taken = worker->put_task([promise, target, &fn] {
      fn(*target);
      promise->set_value();
    });
    if (!taken) promise->set_value();  // thousands of tasks wait: this one is not worth the wait
  }
  for (auto& one : done) one.wait();
}
}  // namespace

std::string_view name(ClusterState state) noexcept {
  switch (state) {
    case ClusterState::recovering:
      return "recovering";
    case ClusterState::ready:
      return "ready";
    case ClusterState::serving:
      return "serving";
    case ClusterState::draining:
      return "draining";
    case ClusterState::safe_mode:
      return "in safe mode";
    case ClusterState::stopped:
      return "stopped";
    case ClusterState::failed:
      return "failed";
  }
  return "";
}

struct Cluster::State {
  State(ClusterConfig given, Doors outside, Hooks called)
      : config(std::move(given)), doors(std::move(outside)), hooks(std::move(called)) {}

  ClusterConfig config;
  Doors doors;
  Hooks hooks;
  Neighbours neighbours;
  std::unique_ptr<Snapshots> snapshots;
  std::atomic<ClusterState> state{ClusterState::recovering};
  mutable std::mutex reference_mutex;
  std::shared_ptr<const core::Reference> reference;

  [[nodiscard]] Worker& worker_of(PartitionId partition) {
    return *neighbours.workers[core::Engine::worker_of(partition, config.engine.workers)];
  }
  void set_reference(std::shared_ptr<const core::Reference> newest) {
    const std::lock_guard lock(reference_mutex);
    reference = std::move(newest);
  }
  enum class OnError : std::uint8_t { stop, go_on };
  [[nodiscard]] std::vector<Error> recover_engines(const std::vector<Epoch>& epochs, OnError on_error);
  [[nodiscard]] Result<storage::Snapshot> fold(PartitionId partition, const storage::Head& upto,
                                               const std::atomic<bool>& cancelled) const;
  void fail(std::string why);
  void stop_workers();
};

Result<storage::Snapshot> Cluster::State::fold(PartitionId partition, const storage::Head& upto,
                                               const std::atomic<bool>& cancelled) const {
  return core::fold_apart(
      {.config = config.engine, .vault = doors.vault, .partition = partition, .upto = upto, .cancelled = &cancelled},
      doors.journal);
}

void Cluster::State::fail(std::string why) {
  if (state.exchange(ClusterState::failed) == ClusterState::failed) return;
  log::error(kComponent, "the store's last write is unknown: nothing more is answered, the process must end",
             {{"why", why}});
  if (hooks.failed) hooks.failed(std::move(why));
}

void Cluster::State::stop_workers() {
  if (snapshots) snapshots->stop();  // it stays: the commit thread still counts into it
  for (const auto& worker : neighbours.workers) worker->stop();
  for (const auto& worker : neighbours.workers) worker->join();
}

Cluster::Cluster(ClusterConfig config, Doors doors, Hooks hooks)
    : state_(std::make_unique<State>(std::move(config), std::move(doors), std::move(hooks))) {
  auto& s = *state_;
  auto& engine = s.config.engine;
  TG_CHECK(engine.workers > 0 && s.config.addresses.size() == engine.listeners.size());
  s.neighbours.budget.most = s.config.sockets_max;
  s.neighbours.journal = &s.doors.journal;
  if (engine.directory == nullptr) engine.directory = std::make_shared<core::Directory>();
  s.neighbours.reference_installed = [&s](std::shared_ptr<const core::Reference> reference) {
    s.set_reference(reference);
    if (s.hooks.reference) s.hooks.reference(std::move(reference));
  };
  s.neighbours.committer = std::make_unique<storage::Committer>(
      s.doors.journal, s.doors.mark,
      storage::Committer::Hooks{
          .done =
              [&s](storage::CommitWork&& work, storage::AppendResult result) {
                if (result == storage::AppendResult::durable) {
                  if (s.hooks.durable) s.hooks.durable(work);
                  if (s.snapshots) s.snapshots->count(work.partition, work.records);
                }
                s.worker_of(work.partition).put_committed(std::move(work), result);
              },
          .stopped = [&s](storage::AppendResult, std::string why) { s.fail(std::move(why)); }});
  for (std::uint16_t i = 0; i < engine.workers; ++i) {
    WorkerConfig worker{.engine = engine, .sessions = {}, .links = {}, .mailbox = {}};
    worker.engine.worker = i;
    worker.sessions.idle_timeout = s.config.session_idle;
    worker.sessions.frame_timeout = s.config.frame_timeout;
    s.neighbours.workers.push_back(std::make_unique<Worker>(std::move(worker), s.neighbours, s.doors.vault));
  }
}

Cluster::~Cluster() {
  abandon();
  // The commit thread hands its news to workers: it goes first.
  state_->neighbours.committer.reset();
}

Result<void> Cluster::recover() {
  auto& s = *state_;
  std::vector<Epoch> epochs;
  for (std::uint16_t p = 0; p <= partitions(); ++p) {
    auto epoch = s.doors.journal.own({p});
    if (!epoch) return std::unexpected(epoch.error());
    epochs.push_back(*epoch);
  }
  if (auto errors = s.recover_engines(epochs, State::OnError::stop); !errors.empty())
    return std::unexpected(errors.front());
  s.state = ClusterState::ready;
  return {};
}

std::vector<Error> Cluster::recover_for_reading() {
  auto& s = *state_;
  std::vector<Epoch> epochs;
  for (std::uint16_t p = 0; p <= partitions(); ++p) epochs.push_back(s.doors.journal.head({p}).epoch);
  auto errors = s.recover_engines(epochs, State::OnError::go_on);
  s.state = ClusterState::safe_mode;
  return errors;
}

// The house first, its reference to all, then the other partitions beside each other on all processors: until
// the last one is done, nobody is served.
std::vector<Error> Cluster::State::recover_engines(const std::vector<Epoch>& epochs, OnError on_error) {
  for (const auto& worker : neighbours.workers) worker->start();
  std::vector<Error> errors;
  std::mutex errors_mutex;
  const auto workers = static_cast<unsigned>(neighbours.workers.size());
  const auto threads = std::max(1U, (std::thread::hardware_concurrency() + workers - 1) / workers);
  const core::Engine::Beside beside = [threads](std::size_t count,
                                                const std::function<void(std::size_t)>& task) {
    std::atomic<std::size_t> next{0};
    const auto work = [&] {
      for (auto i = next++; i < count; i = next++) task(i);
    };
    std::vector<std::jthread> others;
    for (unsigned i = 1; i < threads && i < count; ++i) others.emplace_back(work);
    work();
  };
  std::shared_ptr<const core::Reference> first;
  on_workers({neighbours.workers.data(), 1}, [&](Worker& worker) {
    auto recovered = worker.engine().recover_house(epochs[kHouse.value], doors.journal);
    if (!recovered) errors.push_back(std::move(recovered.error()));
    first = worker.engine().reference();
  });
  if (!errors.empty() && on_error == OnError::stop) return errors;
  if (first) set_reference(first);
  on_workers(neighbours.workers, [&](Worker& worker) {
    if (first) worker.engine().on_reference(first, worker.now());
    std::vector<core::Engine::Ownership> owned;
    for (const auto partition : worker.engine().owned())
      if (partition != kHouse) owned.push_back({partition, epochs[partition.value]});
    auto failed = worker.engine().recover(owned, doors.journal, beside);
    const std::lock_guard lock(errors_mutex);
    std::ranges::move(failed, std::back_inserter(errors));
  });
  return errors;
}

Result<std::vector<std::string>> Cluster::listen() {
  auto& s = *state_;
  Result<std::vector<std::string>> bound;
  on_workers({s.neighbours.workers.data(), 1}, [&](Worker& worker) {
    for (std::size_t i = 0; i < s.config.addresses.size(); ++i) {
      auto address = worker.listen(static_cast<std::uint16_t>(i), s.config.addresses[i]);
      if (!address) {
        bound = std::unexpected(address.error());
        return;
      }
      bound->push_back(std::move(*address));
    }
  });
  return bound;
}

void Cluster::start() {
  auto& s = *state_;
  TG_CHECK(s.state == ClusterState::ready);
  if (s.config.snapshot_records != 0) {
    s.snapshots = std::make_unique<Snapshots>(
        s.doors.journal, s.config.engine.partitions, s.config.snapshot_records,
        Snapshots::Doors{
            .fold = [&s](PartitionId partition, const storage::Head& upto,
                         const std::atomic<bool>& cancelled) { return s.fold(partition, upto, cancelled); },
            .ask =
                [&s](PartitionId partition, Snapshots::Doors::Give give) {
                  auto& worker = s.worker_of(partition);
                  return worker.put_task([&worker, partition, give = std::move(give)] {
                    give(worker.take_snapshot(partition));
                  });
                }});
    // What this start had to read counts, or a tail would grow from crash to crash.
    on_workers(s.neighbours.workers, [&s](Worker& worker) {
      for (const auto id : worker.engine().owned())
        s.snapshots->count(id, worker.engine().replayed_records(id));
    });
  }
  for (const auto& worker : s.neighbours.workers) {
    auto* target = worker.get();
    const bool taken = worker->put_task([target] { target->start_traffic(); });
    TG_CHECK(taken);
  }
  s.state = ClusterState::serving;
}

bool Cluster::drain(Duration patience) {
  auto& s = *state_;
  auto expected = ClusterState::serving;
  if (!s.state.compare_exchange_strong(expected, ClusterState::draining)) return false;
  const auto until = SystemClock::now().instant + patience;
  std::vector<std::future<void>> idles;
  for (const auto& worker : s.neighbours.workers) {
    auto promise = std::make_shared<std::promise<void>>();
    idles.push_back(promise->get_future());
    auto* target = worker.get();
    (void)worker->put_task([target, promise] { target->drain([promise] { promise->set_value(); }); });
  }
  bool idle = true;
  for (const auto& one : idles) {
    const auto left = std::max(until - SystemClock::now().instant, Duration::zero());
    idle = one.wait_for(left) == std::future_status::ready && idle;
  }
  // What was handed in is decided, then told: the answers leave before the connections close.
  s.neighbours.committer->drain();
  on_workers(s.neighbours.workers, [](Worker&) {});
  if (s.snapshots && s.state == ClusterState::draining) s.snapshots->take_all();
  on_workers(s.neighbours.workers, [](Worker& worker) { worker.close_all(); });
  s.stop_workers();
  expected = ClusterState::draining;
  s.state.compare_exchange_strong(expected, ClusterState::stopped);
  return idle;
}

void Cluster::abandon() {
  auto& s = *state_;
  s.stop_workers();
  if (s.state != ClusterState::failed) s.state = ClusterState::stopped;
}

ClusterState Cluster::state() const noexcept {
  return state_->state;
}
std::uint16_t Cluster::workers() const noexcept {
  return state_->config.engine.workers;
}
std::uint16_t Cluster::partitions() const noexcept {
  return state_->config.engine.partitions;
}
const storage::Journal& Cluster::journal() const noexcept {
  return state_->doors.journal;
}
storage::CommitStats Cluster::commit_stats() const {
  return state_->neighbours.committer->stats();
}
std::uint32_t Cluster::queue_depth(std::uint16_t worker) const {
  return state_->neighbours.workers.at(worker)->queue_depth();
}
std::int64_t Cluster::busy_millionths(std::uint16_t worker) const {
  return state_->neighbours.workers.at(worker)->busy_millionths();
}

std::shared_ptr<const core::Reference> Cluster::reference() const {
  const std::lock_guard lock(state_->reference_mutex);
  return state_->reference;
}

void Cluster::submit(core::Command&& command, Done done) {
  auto& s = *state_;
  auto shared = std::make_shared<Done>(std::move(done));
  bool taken = false;
  // What only looks (a dry run) needs no room; everything else would wait for it, and nobody knows how long.
  const auto state = s.state.load();
  const bool full =
      state == ClusterState::serving && !command.caller.dry_run && s.doors.journal.space_exhausted();
  if (!full && state == ClusterState::serving && command.partition.value <= partitions()) {
    auto& worker = s.worker_of(command.partition);
    auto order =
        std::make_shared<core::Command>(std::move(command));  // a task is copyable, a command need not be
    taken =
        worker.put_task([&worker, order, shared] { worker.command(std::move(*order), std::move(*shared)); });
  }
  if (taken) return;
  core::CommandResult refused;
  refused.problem = state == ClusterState::draining    ? "draining"
                    : state == ClusterState::safe_mode ? "safe_mode"
                    : full                             ? "storage_full"
                                                       : "not_ready";
  refused.detail = full ? "no space is left but the reserve: nothing is written until there is room"
                        : "the switch is " + std::string(name(state));
  (*shared)(std::move(refused));
}

std::future<core::CommandResult> Cluster::submit(core::Command&& command) {
  auto promise = std::make_shared<std::promise<core::CommandResult>>();
  auto future = promise->get_future();
  submit(std::move(command),
         [promise](core::CommandResult&& result) { promise->set_value(std::move(result)); });
  return future;
}

bool Cluster::run_on(std::uint16_t worker, View fn) const {
  const auto& s = *state_;
  const auto state = s.state.load();
  if (worker >= s.neighbours.workers.size() || state == ClusterState::stopped ||
      state == ClusterState::failed)
    return false;
  auto* target = s.neighbours.workers[worker].get();
  return target->put_task([target, fn = std::move(fn)] { fn(target->engine(), target->now()); });
}

std::optional<WorkerCounts> Cluster::counts(std::uint16_t worker) const {
  if (worker >= workers()) return std::nullopt;
  auto* target = state_->neighbours.workers[worker].get();
  return ask(worker, [target](core::Engine&) { return target->counts(); });
}

}  // namespace tollgate::net
