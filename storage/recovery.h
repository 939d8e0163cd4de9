// Reading the journal as messages, every record in order or one. (A start and a fold read records where they
// lie: switch/core/replay.h.) Thread: any that may read the journal.
#pragma once

#include "storage/record_stream.h"

namespace tollgate::storage {

struct ReadReport {
  std::uint64_t groups = 0, records = 0, bytes = 0;
  GroupNo last;  // the last group read; from - 1 when there was none
};

// Every record from a group on. Stops with damaged at the first group or record that is not what was written,
// after all before it were shown.
[[nodiscard]] Result<ReadReport> read_records(const Journal& journal, PartitionId partition, GroupNo from,
                                              const RecordVisit& visit);

// The one record at a position; damaged or not_found otherwise. Reads and checks its whole group.
[[nodiscard]] Result<v1::Record> read_record(const Journal& journal, const Position& position);

}  // namespace tollgate::storage
