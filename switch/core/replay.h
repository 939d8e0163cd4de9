// The records of a partition, from a group on, shown one after the other where they lie in the journal: how a start and a fold
// read. Thread: any that may read the journal.
#pragma once

#include <atomic>
#include <functional>

#include "proto/record_wire.h"
#include "storage/journal.h"

namespace tollgate::core {

struct ReplayRange {
  PartitionId partition;
  GroupNo from{1};
  GroupNo upto{UINT64_MAX};
  const std::atomic<bool>* cancelled = nullptr;
};

// False: the record is none that the partition can have, and the reading ends with damaged.
using Replay = std::function<bool(const RecordView& record, GroupNo group)>;

struct Replayed {
  GroupNo last;  // `from` - 1 when there was none
  std::uint64_t records = 0;
};

// unavailable: it was cancelled. damaged: at the first group that is not what was written, after all before it were shown.
[[nodiscard]] Result<Replayed> replay(const storage::Journal& journal, const ReplayRange& range, const Replay& show);

}  // namespace tollgate::core
