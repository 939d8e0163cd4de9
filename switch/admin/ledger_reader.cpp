#include "switch/admin/ledger_reader.h"

#include "switch/admin/record_reader.h"
#include "switch/ledger/books.h"

namespace tollgate::admin {

LedgerReader::Place LedgerReader::place_before(PartitionId partition, EntrySeq after) const {
  const std::lock_guard guard(mutex_);
  const auto of = places_.find(partition.value);
  if (of == places_.end()) return {};
  auto it = of->second.upper_bound(after.value);
  return it == of->second.begin() ? Place{} : std::prev(it)->second;
}

void LedgerReader::remember(PartitionId partition, const Place& place) {
  const std::lock_guard guard(mutex_);
  auto& places = places_[partition.value];
  auto& stride = stride_.try_emplace(partition.value, 1024).first->second;
  const auto it = places.upper_bound(place.before.value);
  const auto nearest = it == places.begin() ? 0 : std::prev(it)->first;
  if (place.before.value < nearest + stride) return;
  places.emplace(place.before.value, place);
  if (places.size() <= kPlacesMax) return;
  stride *= 2;
  bool drop = false;
  std::erase_if(places, [&](const auto&) { return drop = !drop; });
}

EntryScan::EntryScan(LedgerReader& reader, PartitionId partition, EntrySeq after)
    : reader_(reader), partition_(partition), after_(after) {
  const auto place = reader.place_before(partition, after);
  seen_ = place.before;
  next_ = place.group;
  chain_ = place.chain;
  end_ = reader.backend().journal().head(partition).group;
}

Result<bool> EntryScan::step(const Visit& visit, std::size_t bytes_wanted) {
  if (next_ > end_) return false;
  std::size_t bytes = 0;
  Result<void> parsed;
  const auto show = [&](const std::string& serialised) {
    if (!parsed) return;
    if (!entry_.ParseFromString(serialised) || entry_.seq() != seen_.value + 1) {
      parsed =
          fail(ErrorCode::damaged, "ledger entry " + std::to_string(seen_.value + 1) + " is not the next one",
               "partition " + std::to_string(partition_.value));
      return;
    }
    seen_.value = entry_.seq();
    chain_ = ledger::chain_next(chain_, as_bytes(serialised));
    if (seen_ > after_) visit({entry_, as_bytes(serialised), chain_});
  };
  const auto read = reader_.backend().journal().read(partition_, next_, [&](const storage::Group& group) {
    if (group.group > end_) return false;
    if (bytes == 0 && seen_.value != 0) reader_.remember(partition_, {group.group, seen_, chain_});
    auto records = each_record(group, records_, [&](const v1::Record& record) {
      if (const auto* entries = entries_of(record))
        for (const auto& serialised : *entries) show(serialised);
    });
    if (!records) parsed = std::move(records);
    if (!parsed) return false;
    next_.value = group.group.value + 1;
    bytes += group.payload.size() + 1;
    return bytes < bytes_wanted;
  });
  if (!read) return std::unexpected(read.error());
  if (!parsed) return std::unexpected(parsed.error());
  if (bytes == 0)
    return fail(ErrorCode::damaged, "the journal ends before its head",
                "partition " + std::to_string(partition_.value));
  return true;
}

}  // namespace tollgate::admin
