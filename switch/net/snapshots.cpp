#include "switch/net/snapshots.h"

#include <chrono>
#include <future>

#include "switch/base/log.h"
#include "switch/base/thread.h"
#include "switch/base/time.h"

namespace tollgate::net {

using namespace std::chrono_literals;

Snapshots::Snapshots(storage::Journal& journal, std::uint16_t partitions, std::uint64_t every_records,
                     Doors doors)
    : journal_(journal),
      partitions_(partitions),
      every_(every_records),
      doors_(std::move(doors)),
      since_(std::make_unique<std::atomic<std::uint64_t>[]>(partitions + 1U)),
      thread_([this] {
        name_this_thread("tg-snapshots");
        run();
      }) {}

Snapshots::~Snapshots() {
  stop();
}

void Snapshots::stop() {
  cancelled_ = true;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Snapshots::count(PartitionId partition, std::uint64_t records) noexcept {
  auto& since = since_[partition.value];
  const auto before = since.fetch_add(records, std::memory_order_relaxed);
  if (before < every_ && before + records >= every_) wake_.notify_one();
}

void Snapshots::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    // count() does not take the mutex, so that the commit thread never waits here: a lost wake-up costs a
    // second.
    wake_.wait_for(lock, 1s);
    for (std::uint16_t p = 0; p <= partitions_ && !stopping_; ++p) {
      if (since_[p].load(std::memory_order_relaxed) < every_) continue;
      lock.unlock();
      fold({p});
      lock.lock();
    }
  }
}

void Snapshots::take_all() {
  cancelled_ = true;  // what is being folded will be older than what the workers hold
  for (std::uint16_t p = 0; p <= partitions_; ++p) {
    if (since_[p].load(std::memory_order_relaxed) != 0) take({p});
  }
}

// The slow part in a thread of its own, because a thread that has lowered its priority cannot raise it again.
void Snapshots::fold(PartitionId partition) {
  const std::lock_guard lock(taking_);
  if (cancelled_) return;
  const auto since = since_[partition.value].load(std::memory_order_relaxed);
  const auto upto = journal_.head(partition);
  Result<std::unique_ptr<storage::StagedSnapshot>> staged;
  const auto began = SystemClock::now().instant;
  auto folded = began;
  std::size_t bytes = 0;
  std::thread([&] {
    name_this_thread("tg-fold");
    yield_to_others();
    auto state = doors_.fold(partition, upto, cancelled_);
    folded = SystemClock::now().instant;
    if (state) bytes = state->state.size();
    if (cancelled_) return;
    staged = state ? journal_.stage_snapshot(partition, std::move(*state)) : std::unexpected(state.error());
  }).join();
  if (cancelled_) return;  // the workers are asked instead, or nobody is
  since_[partition.value].fetch_sub(since, std::memory_order_relaxed);
  const auto written = SystemClock::now().instant;
  const auto installed = staged ? (*staged)->install() : std::unexpected(staged.error());
  tell(partition, installed);
  if (!installed) return;
  log::info("snapshots", "folded beside the traffic",
            {{"partition", partition},
             {"group", upto.group},
             {"bytes", bytes},
             {"fold_ms", (folded - began) / 1ms},
             {"write_ms", (written - folded) / 1ms},
             {"install_ms", (SystemClock::now().instant - written) / 1ms}});
}

void Snapshots::take(PartitionId partition) {
  const std::lock_guard lock(taking_);
  since_[partition.value].store(0, std::memory_order_relaxed);
  auto promise = std::make_shared<std::promise<std::optional<storage::Snapshot>>>();
  auto future = promise->get_future();
  if (!doors_.ask(partition, [promise](std::optional<storage::Snapshot> state) {
        promise->set_value(std::move(state));
      }))
    return;
  if (future.wait_for(30s) != std::future_status::ready)
    return;  // its worker is gone or busy: the next start reads a longer tail
  auto state = future.get();
  if (state) tell(partition, journal_.put_snapshot(partition, std::move(*state)));
}

void Snapshots::tell(PartitionId partition, const Result<void>& written) {
  if (written) {
    taken_.fetch_add(1, std::memory_order_relaxed);
  } else {
    log::warn("snapshots", "not written", {{"partition", partition}, {"why", written.error().text()}});
  }
}

}  // namespace tollgate::net
