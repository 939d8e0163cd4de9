// Group commit: one thread that takes what all partitions have ready and makes it durable with one append
// (DESIGN, decision 5), then the high-water mark, and only then tells the owners. Owners hand in at most one
// group per partition at a time, so what arrives meanwhile gathers in the partition's next group.
//
// Owned by the composition root. submit() from any thread, never blocks; the queue is bounded by one group
// per partition. `done` runs on the commit thread and must only hand the news to the owner's own thread.
// After a result other than durable or full, nothing is appended any more and `stopped` is called once: the
// process must end and look again (P6).
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>

#include "storage/journal.h"

namespace tollgate::storage {

class HighWaterMark;

struct CommitStats {
  std::uint64_t appends = 0, groups = 0, records = 0, bytes = 0, full = 0;
  std::uint64_t append_ns = 0, mark_ns = 0;
};

class Committer {
 public:
  struct Hooks {
    // durable, or full (the group was refused whole and was not written; the owner may hand it in again).
    // The work comes back so that its buffers can be used again.
    std::function<void(CommitWork&& work, AppendResult result)> done;
    std::function<void(AppendResult result, std::string why)> stopped;
  };
  // mark may be null only in tests.
  Committer(Journal& journal, HighWaterMark* mark, Hooks hooks);
  ~Committer();  // finishes what was handed in, then joins

  void submit(CommitWork&& work) { submit(std::span(&work, 1)); }
  // Several partitions' groups in one step: they share an append, and with it the price of a sync. The works
  // are moved from.
  void submit(std::span<CommitWork> works);
  // Waits until all that was submitted before is decided.
  void drain();
  [[nodiscard]] CommitStats stats() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tollgate::storage
