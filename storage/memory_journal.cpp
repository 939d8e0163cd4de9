#include "storage/memory_journal.h"

#include <fmt/format.h>

#include <algorithm>

#include "storage/group.h"
#include "storage/snapshot_frame.h"
#include "switch/base/check.h"

namespace tollgate::storage {
namespace {

constexpr std::size_t kSnapshotsKept = 2;

Digest stored_digest(const Bytes& stored) {
  Digest hash{};
  std::copy(stored.end() - 32, stored.end(), hash.begin());
  return hash;
}

constexpr const char* kBroken = "the result of an earlier write is unknown: the journal takes nothing more";

}  // namespace

MemoryStore::MemoryStore(std::uint16_t partitions, StoreIdentity identity)
    : identity_(identity), partitions_(std::size_t{partitions} + 1) {
  TG_CHECK(partitions >= 1 && partitions <= kPartitionsMax);
}

void MemoryStore::flip_group_byte(PartitionId partition, GroupNo group, std::size_t offset) {
  const std::unique_lock lock(mutex_);
  auto& stored = partitions_.at(partition.value).groups.at(group.value - 1);
  Bytes copy = *stored;
  copy.at(offset) ^= 1;
  stored = std::make_shared<const Bytes>(std::move(copy));
}

void MemoryStore::flip_snapshot_byte(PartitionId partition, GroupNo group, std::size_t offset) {
  const std::unique_lock lock(mutex_);
  auto& snapshot = partitions_.at(partition.value).snapshots.at(group.value);
  (offset < snapshot.manifest.size() ? snapshot.manifest.at(offset)
                                     : snapshot.state.at(offset - snapshot.manifest.size())) ^= 1;
}

void MemoryStore::lose_group(PartitionId partition, GroupNo group) {
  const std::unique_lock lock(mutex_);
  partitions_.at(partition.value).groups.at(group.value - 1) = nullptr;
}

void MemoryStore::drop_groups_after(PartitionId partition, GroupNo last) {
  const std::unique_lock lock(mutex_);
  auto& p = partitions_.at(partition.value);
  TG_CHECK(last.value <= p.groups.size());
  p.groups.resize(last.value);
  find_head(p);
}

void MemoryStore::find_head(Partition& partition) const {
  partition.head.group = {partition.groups.size()};
  partition.head.hash = partition.groups.empty() ? Digest{} : stored_digest(*partition.groups.back());
}

MemoryJournal::MemoryJournal(std::shared_ptr<MemoryStore> store, FaultAt fault)
    : store_(std::move(store)), fault_(std::move(fault)) {}

MemoryJournal::MemoryJournal(std::uint16_t partitions)
    : MemoryJournal(
          std::make_shared<MemoryStore>(partitions, StoreIdentity{{'m', 'e', 'm', 'o', 'r', 'y'}, 1})) {}

StoreIdentity MemoryJournal::identity() const {
  return store_->identity_;
}

std::uint16_t MemoryJournal::partitions() const noexcept {
  return static_cast<std::uint16_t>(store_->partitions_.size() - 1);
}

Result<Epoch> MemoryJournal::own(PartitionId partition) {
  const std::unique_lock lock(store_->mutex_);
  if (partition.value >= store_->partitions_.size()) {
    return fail(ErrorCode::not_found, fmt::format("the store has no partition {}", partition.value));
  }
  if (broken_) return fail(ErrorCode::unknown, kBroken);
  auto& head = store_->partitions_[partition.value].head;
  if (head.epoch.value >= kEpochMax) return fail(ErrorCode::full, "the partition has used all its epochs");
  ++head.epoch.value;
  return head.epoch;
}

Head MemoryJournal::head(PartitionId partition) const {
  const std::shared_lock lock(store_->mutex_);
  TG_CHECK(partition.value < store_->partitions_.size());
  return store_->partitions_[partition.value].head;
}

AppendResult MemoryJournal::append(std::span<const GroupAppend> groups, std::string& why) {
  if (broken_) {
    why = kBroken;
    return AppendResult::unknown;
  }
  const auto fault = fault_ ? fault_(++appends_) : MemoryFault::none;
  const std::unique_lock lock(store_->mutex_);
  std::vector<Head> heads;
  for (const auto& p : store_->partitions_) heads.push_back(p.head);
  if (auto refusal = check_append(groups, heads)) {
    why = std::move(refusal->why);
    return refusal->result;
  }
  const bool essential = std::all_of(groups.begin(), groups.end(), [](const auto& g) { return g.essential; });
  if (fault == MemoryFault::full || space_exhausted_ || (space_low_ && !essential)) {
    why = "below the free-space watermark";
    return AppendResult::full;
  }
  if (fault == MemoryFault::fenced) {
    why = "another owner took the partition";
    return AppendResult::fenced;
  }
  if (fault != MemoryFault::unknown_before) write(groups);
  if (fault == MemoryFault::none) return AppendResult::durable;
  broken_ = true;
  why = "the write failed and its result is unknown";
  return AppendResult::unknown;
}

void MemoryJournal::write(std::span<const GroupAppend> groups) {
  for (const auto& g : groups) {
    auto& p = store_->partitions_[g.partition.value];
    const auto stored = group_writer_.write(store_->identity_.id, p.head.hash, g);
    p.head.hash = stored.hash;
    p.head.group = g.group;
    p.groups.push_back(std::make_shared<const Bytes>(stored.joined()));
    for (const auto& c : g.cells) {
      if (c.value) {
        store_->cells_.insert_or_assign(c.key, *c.value);
      } else {
        store_->cells_.erase(c.key);
      }
    }
  }
}

Result<void> MemoryJournal::read(PartitionId partition, GroupNo from, const Visit& visit, Proof proof) const {
  TG_CHECK(partition.value < store_->partitions_.size() && from.value >= 1);
  const auto end = head(partition).group;
  ChainReader chain(store_->identity_.id, partition, from, proof);
  while (chain.expected() <= end) {
    MemoryStore::Stored stored;
    {
      const std::shared_lock lock(store_->mutex_);
      const auto& all = store_->partitions_[partition.value].groups;
      if (chain.expected().value > all.size()) break;
      stored = all[chain.expected().value - 1];
    }
    if (stored == nullptr) {
      return fail(ErrorCode::damaged, "the group is missing", group_place(partition, chain.expected()));
    }
    const auto group = chain.next(*stored);
    if (!group) return std::unexpected(group.error());
    if (!visit(*group)) break;
  }
  return {};
}

std::optional<Digest> MemoryJournal::stored_hash(PartitionId partition, GroupNo group) const {
  const auto& groups = store_->partitions_[partition.value].groups;
  if (group.value > groups.size() || (group.value > 0 && groups[group.value - 1] == nullptr))
    return std::nullopt;
  return group.value == 0 ? Digest{} : stored_digest(*groups[group.value - 1]);
}

Result<std::unique_ptr<StagedSnapshot>> MemoryJournal::stage_snapshot(PartitionId partition,
                                                                      Snapshot&& snapshot) {
  TG_CHECK(partition.value < store_->partitions_.size());
  const std::shared_lock lock(store_->mutex_);
  if (broken_) return fail(ErrorCode::unknown, kBroken);
  if (stored_hash(partition, snapshot.group) != snapshot.hash) {
    return fail(ErrorCode::conflict, "the hash of the snapshot is not the chain's",
                group_place(partition, snapshot.group));
  }
  return std::make_unique<Staged>(*this, partition, std::move(snapshot));
}

Result<void> MemoryJournal::Staged::install() {
  auto& store = *journal_.store_;
  const std::unique_lock lock(store.mutex_);
  if (journal_.broken_) return fail(ErrorCode::unknown, kBroken);
  const auto manifest = make_snapshot_manifest(store.identity_.id, partition_, snapshot_);
  auto& kept = store.partitions_[partition_.value].snapshots;
  kept.insert_or_assign(snapshot_.group.value, MemoryStore::StoredSnapshot{{manifest.begin(), manifest.end()},
                                                                           std::move(snapshot_.state)});
  while (kept.size() > kSnapshotsKept) kept.erase(kept.begin());
  return {};
}

Result<std::optional<Snapshot>> MemoryJournal::latest_snapshot(PartitionId partition) const {
  TG_CHECK(partition.value < store_->partitions_.size());
  const std::shared_lock lock(store_->mutex_);
  const auto& kept = store_->partitions_[partition.value].snapshots;
  for (auto it = kept.rbegin(); it != kept.rend(); ++it) {
    auto snapshot =
        parse_snapshot(store_->identity_.id, partition, it->second.manifest, Bytes(it->second.state));
    if (snapshot && stored_hash(partition, snapshot->group) == snapshot->hash)
      return std::optional(std::move(*snapshot));
  }
  return std::nullopt;
}

Result<std::optional<Bytes>> MemoryJournal::cell(std::string_view key) const {
  const std::shared_lock lock(store_->mutex_);
  const auto it = store_->cells_.find(key);
  return it == store_->cells_.end() ? std::nullopt : std::optional(it->second);
}

Result<void> MemoryJournal::cells(std::string_view prefix, const VisitCell& visit) const {
  std::vector<std::pair<std::string, Bytes>> found;
  {
    const std::shared_lock lock(store_->mutex_);
    for (auto it = store_->cells_.lower_bound(prefix);
         it != store_->cells_.end() && it->first.starts_with(prefix); ++it) {
      found.emplace_back(*it);
    }
  }
  for (const auto& [key, value] : found) {
    if (!visit(key, value)) break;
  }
  return {};
}

}  // namespace tollgate::storage
