// The records of groups as messages, for whoever reads the journal; a start and a fold read most of them where
// they lie (proto/record_wire.h). Thread: any; nothing is shared.
#pragma once

#include <functional>
#include <memory>

#include "proto/record_wire.h"
#include "storage/journal.h"
#include "tollgate/v1/records.pb.h"

namespace tollgate::storage {

// Where a record lies: its group, and the offset of its length in the group's payload.
struct Position {
  PartitionId partition;
  GroupNo group;
  std::uint32_t offset = 0;
  friend auto operator<=>(const Position&, const Position&) noexcept = default;
};

// Adds one record to a payload; the owner counts them.
void append_record(Bytes& payload, const v1::Record& record);

// A record lives until the visitor returns; false ends the reading.
using RecordVisit = std::function<bool(const v1::Record& record, const Position& position)>;

// Reads the records of groups one after the other. One message object per kind of record is kept and filled
// again, with the strings and sub-messages that it has grown: a warm reader allocates nothing. (An arena
// frees nothing either, but protobuf 3.21 puts every string above 15 bytes on the heap even there.)
class RecordReader {
 public:
  RecordReader();
  ~RecordReader();
  RecordReader(const RecordReader&) = delete;
  RecordReader& operator=(const RecordReader&) = delete;
  // True: go on. False: the visitor had enough. Damaged when a record does not parse or the count is not the
  // group's.
  [[nodiscard]] Result<bool> read(const Group& group, const RecordVisit& visit);
  [[nodiscard]] std::uint64_t records() const noexcept { return records_; }

 private:
  struct Kept;
  [[nodiscard]] const v1::Record* parse(ByteView bytes);  // null when it does not parse

  std::unique_ptr<Kept> kept_;
  std::uint64_t records_ = 0;
};

}  // namespace tollgate::storage
