// Snapshots beside the traffic: counts the durable records of each partition and, when enough have gathered,
// has its state folded anew from the journal on a thread that takes only what the machine has to spare, which
// also writes and syncs the file; this thread then hands the finished file to the store. No worker takes
// part. While the switch drains nothing is served, and the workers' own states are quicker: take_all asks for
// those.
//
// A snapshot that fails costs a longer start, nothing else: it is logged and tried again after as many
// records more. One at a time, so the memory of one partition besides those that serve.
//
// Thread: count() the commit thread's; the rest the owner's.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "storage/journal.h"

namespace tollgate::net {

class Snapshots {
 public:
  struct Doors {
    // The state after this group, folded apart from the worker's. On the thread of low priority; ends early,
    // with an error, once `cancelled` is true.
    std::function<Result<storage::Snapshot>(PartitionId, const storage::Head& upto,
                                            const std::atomic<bool>& cancelled)>
        fold;
    // Has the owner of the partition call `give` with its state, on its thread; false when it cannot now.
    using Give = std::function<void(std::optional<storage::Snapshot>)>;
    std::function<bool(PartitionId, Give)> ask;
  };
  Snapshots(storage::Journal& journal, std::uint16_t partitions, std::uint64_t every_records, Doors doors);
  ~Snapshots();

  void count(PartitionId partition,
             std::uint64_t records) noexcept;  // until the object dies, also after stop()
  void stop();                                 // no snapshot is taken any more; one in the making is dropped
  void take_all();  // of every partition with a new record, from its worker; returns when they are written
  [[nodiscard]] std::uint64_t taken() const noexcept { return taken_.load(std::memory_order_relaxed); }

 private:
  void run();
  void fold(PartitionId partition);
  void take(PartitionId partition);
  void tell(PartitionId partition, const Result<void>& written);

  storage::Journal& journal_;
  const std::uint16_t partitions_;
  const std::uint64_t every_;
  const Doors doors_;
  std::unique_ptr<std::atomic<std::uint64_t>[]> since_;  // records, by partition
  std::atomic<std::uint64_t> taken_{0};
  std::mutex mutex_, taking_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::atomic<bool> cancelled_{false};  // what is in the making is dropped, nothing new is begun
  std::thread thread_;
};

}  // namespace tollgate::net
