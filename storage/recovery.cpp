#include "storage/recovery.h"

#include <fmt/format.h>

#include "storage/group.h"

namespace tollgate::storage {

Result<ReadReport> read_records(const Journal& journal, PartitionId partition, GroupNo from,
                                const RecordVisit& visit) {
  ReadReport report{.last = {from.value - 1}};
  RecordReader reader;
  std::optional<Error> stopped;
  const auto ok = journal.read(partition, from, [&](const Group& group) {
    const auto go_on = reader.read(group, visit);
    if (!go_on) {
      stopped = go_on.error();
      return false;
    }
    ++report.groups;
    report.bytes += group.payload.size();
    report.last = group.group;
    return *go_on;
  });
  report.records = reader.records();
  if (stopped) return std::unexpected(std::move(*stopped));
  if (!ok) return std::unexpected(ok.error());
  return report;
}

Result<v1::Record> read_record(const Journal& journal, const Position& position) {
  v1::Record record;
  bool found = false, parsed = false;
  const auto ok = journal.read(position.partition, position.group, [&](const Group& group) {
    RecordCursor cursor(group.payload, position.offset);
    found = cursor.next();
    parsed = found && record.ParseFromArray(cursor.bytes().data(), static_cast<int>(cursor.bytes().size()));
    return false;
  });
  if (!ok) return std::unexpected(ok.error());
  const auto place =
      fmt::format("{} offset {}", group_place(position.partition, position.group), position.offset);
  if (!found) return fail(ErrorCode::not_found, "no record lies here", place);
  if (!parsed) return fail(ErrorCode::damaged, "the record does not parse", place);
  return record;
}

}  // namespace tollgate::storage
