// Records of a commit group's payload, one after the other: varint length and proto tollgate.v1.Record,
// repeated. What the journal shows is verified, so a payload that does not parse was damaged by this code and
// is named, never skipped.
//
// Thread: its owner's. The record is reused from one to the next.
#pragma once

#include <functional>

#include "proto/records.h"
#include "storage/journal.h"
#include "storage/record_stream.h"

namespace tollgate::admin {

using VisitRecord = std::function<void(const v1::Record& record)>;
[[nodiscard]] Result<void> each_record(const storage::Group& group, storage::RecordReader& scratch,
                                       const VisitRecord& visit);

// The serialised ledger entries that a record posts, in order; nullptr when it posts none.
[[nodiscard]] const google::protobuf::RepeatedPtrField<std::string>* entries_of(
    const v1::Record& record) noexcept;

}  // namespace tollgate::admin
