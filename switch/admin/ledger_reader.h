// Ledger entries out of the journal, in order, by pulls: a scan holds one piece of one partition in memory,
// however long the ledger is. The chain is computed along the way; places that a scan passed are remembered,
// so that resuming in the middle need not start at the first group again (after a restart the first resume
// does).
//
// LedgerReader: any thread. EntryScan: its owner's thread; the reader outlives it.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <vector>

#include "proto/records.h"
#include "storage/record_stream.h"
#include "switch/admin/backend.h"
#include "switch/base/hash.h"

namespace tollgate::admin {

class LedgerReader {
 public:
  explicit LedgerReader(const Backend& backend) : backend_(backend) {}

  struct Place {  // before this group, so many entries have been posted and the chain is this
    GroupNo group{1};
    EntrySeq before;
    Digest chain{};
  };
  // The last known place from which entry after + 1 is still ahead.
  [[nodiscard]] Place place_before(PartitionId partition, EntrySeq after) const;
  void remember(PartitionId partition, const Place& place);
  [[nodiscard]] const Backend& backend() const noexcept { return backend_; }

 private:
  static constexpr std::size_t kPlacesMax = 4096;  // per partition; then every second one is forgotten

  const Backend& backend_;
  mutable std::mutex mutex_;
  std::map<std::uint16_t, std::map<std::uint64_t, Place>> places_;  // by partition, by entries before
  std::map<std::uint16_t, std::uint64_t> stride_;
};

class EntryScan {
 public:
  // Entries after `after`, up to what is durable now.
  EntryScan(LedgerReader& reader, PartitionId partition, EntrySeq after);

  struct Visited {
    const v1::LedgerEntry& entry;
    ByteView bytes;       // what the chain covers
    const Digest& chain;  // after it
  };
  using Visit = std::function<void(const Visited&)>;
  // Shows the entries of the next groups, about `bytes_wanted` of payload. False: the end was reached before
  // this call.
  [[nodiscard]] Result<bool> step(const Visit& visit, std::size_t bytes_wanted = 256U << 10);

 private:
  LedgerReader& reader_;
  PartitionId partition_;
  EntrySeq after_, seen_;
  GroupNo next_, end_;
  Digest chain_{};
  storage::RecordReader records_;
  v1::LedgerEntry entry_;
};

}  // namespace tollgate::admin
