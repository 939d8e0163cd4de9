// Snapshots off the path: counts the durable records of each partition and, when enough have gathered, has
// its worker hand out the state and writes it to the journal's store in a thread of its own. A snapshot that
// fails costs a longer start, nothing else: it is logged and tried again after as many records more.
//
// Thread: count() the commit thread's; the rest the owner's. Refuses nothing; holds one state at a time.
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
  using Give = std::function<void(std::optional<storage::Snapshot>)>;
  // Has the owner of the partition call `give`, on its thread; false when it cannot now.
  using Ask = std::function<bool(PartitionId, Give)>;
  Snapshots(storage::Journal& journal, std::uint16_t partitions, std::uint64_t every_records, Ask ask);
  ~Snapshots();

  void count(PartitionId partition,
             std::uint32_t records) noexcept;  // until the object dies, also after stop()
  void stop();                                 // no snapshot is taken any more
  void take_all();  // of every partition with a new record; returns when they are written
  [[nodiscard]] std::uint64_t taken() const noexcept { return taken_.load(std::memory_order_relaxed); }

 private:
  void run();
  void take(PartitionId partition);

  storage::Journal& journal_;
  const std::uint16_t partitions_;
  const std::uint64_t every_;
  const Ask ask_;
  std::unique_ptr<std::atomic<std::uint64_t>[]> since_;  // records, by partition
  std::atomic<std::uint64_t> taken_{0};
  std::mutex mutex_, taking_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace tollgate::net
