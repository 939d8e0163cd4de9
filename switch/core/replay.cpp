#include "switch/core/replay.h"

#include <fmt/format.h>

namespace tollgate::core {

Result<Replayed> replay(const storage::Journal& journal, const ReplayRange& range, const Replay& show) {
  Replayed replayed{.last = {range.from.value - 1}};
  std::optional<Error> damage;
  const auto damaged = [&](const storage::Group& group, std::string what) {
    damage = Error{.code = ErrorCode::damaged, .where = fmt::format("partition {} group {}", group.partition.value, group.group.value), .what = std::move(what)};
    return false;
  };
  const auto done = journal.read(range.partition, range.from, [&](const storage::Group& group) {
    if (group.group > range.upto || (range.cancelled != nullptr && *range.cancelled)) return false;
    RecordCursor records(group.payload);
    std::uint32_t count = 0;
    for (; records.next(); ++count)
      if (!show(RecordView::of(records.bytes()), group.group))
        return damaged(group, fmt::format("the record at offset {} does not read, or is of another partition or a newer release", records.offset()));
    if (records.damaged() || count != group.records)
      return damaged(group, fmt::format("the group holds {} whole records, its header says {}", count, group.records));
    replayed.last = group.group;
    replayed.records += count;
    return true;
  });
  if (damage) return std::unexpected(std::move(*damage));
  if (!done) return std::unexpected(done.error());
  if (range.cancelled != nullptr && *range.cancelled) return fail(ErrorCode::unavailable, "the switch is stopping");
  return replayed;
}

}  // namespace tollgate::core
