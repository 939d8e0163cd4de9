// Snapshots in the RocksDB journal: the state in chunks that are written without a sync, then the manifest
// with one. The log keeps their order, so a manifest that is there has its chunks. The two newest are kept.
#include <fmt/format.h>

#include <algorithm>

#include "storage/group.h"
#include "storage/rocks_internal.h"
#include "storage/snapshot_frame.h"
#include "switch/base/check.h"

namespace tollgate::storage {

using rocks::bytes_of;
using rocks::error_of;
using rocks::Family;
using rocks::slice_of;

namespace {

constexpr std::size_t kChunk = 1U << 20;
constexpr std::size_t kKept = 2;

// 'M' partition group -> manifest; 'C' partition group chunk -> bytes of the state.
std::string snapshot_key(char kind, PartitionId partition, GroupNo group) {
  const auto key = rocks::group_key(partition, group);
  return std::string(1, kind).append(reinterpret_cast<const char*>(key.data()), key.size());
}

std::string chunk_key(PartitionId partition, GroupNo group, std::uint32_t chunk) {
  auto key = snapshot_key('C', partition, group);
  std::array<std::uint8_t, 4> number;
  store_be32(number.data(), chunk);
  return key.append(reinterpret_cast<const char*>(number.data()), number.size());
}

GroupNo group_of(const rocksdb::Slice& key) {
  return {load_be64(bytes_of(key).data() + 3)};
}

// Manifests of a partition, the newest first.
Result<std::vector<std::pair<GroupNo, Bytes>>> manifests(const RocksJournal::Impl& s, PartitionId partition) {
  std::vector<std::pair<GroupNo, Bytes>> out;
  const auto prefix = snapshot_key('M', partition, {0}).substr(0, 3);
  const std::unique_ptr<rocksdb::Iterator> it(s.db->NewIterator(s.reading(), s.family(Family::snapshots)));
  for (it->Seek(prefix); it->Valid() && it->key().starts_with(prefix); it->Next()) {
    const auto value = bytes_of(it->value());
    out.emplace_back(group_of(it->key()), Bytes(value.begin(), value.end()));
  }
  // A block that cannot be read hides what lies behind it; what was found before it still counts.
  if (out.empty() && !it->status().ok()) {
    return std::unexpected(error_of(it->status(), fmt::format("snapshots of partition {}", partition.value)));
  }
  std::reverse(out.begin(), out.end());
  return out;
}

Result<Bytes> gather(const RocksJournal::Impl& s, PartitionId partition, GroupNo group, std::uint64_t size) {
  Bytes state;
  const auto prefix = snapshot_key('C', partition, group);
  const std::unique_ptr<rocksdb::Iterator> it(s.db->NewIterator(s.reading(), s.family(Family::snapshots)));
  for (it->Seek(prefix); it->Valid() && it->key().starts_with(prefix) && state.size() < size; it->Next()) {
    const auto chunk = bytes_of(it->value());
    state.insert(state.end(), chunk.begin(), chunk.end());
  }
  if (!it->status().ok()) return std::unexpected(error_of(it->status(), group_place(partition, group)));
  return state;
}

}  // namespace

Result<Digest> RocksJournal::Impl::stored_hash(PartitionId partition, GroupNo group) const {
  if (group.value == 0) return Digest{};
  const auto key = rocks::group_key(partition, group);
  rocksdb::PinnableSlice value;
  const auto status = db->Get(reading(), family(Family::groups), slice_of(key), &value);
  if (!status.ok()) return std::unexpected(error_of(status, group_place(partition, group)));
  ChainReader chain(identity.id, partition, group);
  const auto parsed = chain.next(bytes_of(value));
  if (!parsed) return std::unexpected(parsed.error());
  return parsed->hash;
}

Result<void> RocksJournal::put_snapshot(PartitionId partition, const Snapshot& snapshot) {
  auto& s = *impl_;
  TG_CHECK(partition.value <= s.partitions);
  const std::lock_guard lock(s.snapshots);
  if (auto ok = s.writable(); !ok) return ok;
  if (s.space.level() != SpaceLevel::plenty)
    return fail(ErrorCode::full, "below the free-space watermark", s.path);
  const auto hash = s.stored_hash(partition, snapshot.group);
  if (!hash) return std::unexpected(hash.error());
  if (*hash != snapshot.hash) {
    return fail(ErrorCode::conflict, "the hash of the snapshot is not the chain's",
                group_place(partition, snapshot.group));
  }
  rocksdb::Status status;
  const ByteView state(snapshot.state);
  for (std::size_t at = 0; at < state.size() && status.ok(); at += kChunk) {
    const auto part = state.subspan(at, std::min(kChunk, state.size() - at));
    status = s.db->Put(s.unsynced, s.family(Family::snapshots),
                       chunk_key(partition, snapshot.group, static_cast<std::uint32_t>(at / kChunk)),
                       slice_of(part));
  }
  if (status.ok()) {
    const auto manifest = make_snapshot_manifest(s.identity.id, partition, snapshot);
    status = s.db->Put(s.synced, s.family(Family::snapshots), snapshot_key('M', partition, snapshot.group),
                       slice_of(manifest));
  }
  if (!status.ok()) {
    s.broken->set(status.ToString());
    return fail(ErrorCode::unknown, status.ToString(), group_place(partition, snapshot.group));
  }
  return s.drop_old_snapshots(partition);
}

// All but the two newest, and chunks older than both that no manifest names (a snapshot that a crash cut
// short).
Result<void> RocksJournal::Impl::drop_old_snapshots(PartitionId partition) {
  const auto found = manifests(*this, partition);
  if (!found || found->size() <= kKept) return {};
  const auto oldest_kept = (*found)[kKept - 1].first;
  for (const char kind : {'M', 'C'}) {
    const auto upper = snapshot_key(kind, partition, oldest_kept);
    const rocksdb::Slice bound(upper);
    auto read_options = reading();
    read_options.iterate_upper_bound = &bound;
    const std::unique_ptr<rocksdb::Iterator> it(db->NewIterator(read_options, family(Family::snapshots)));
    for (it->Seek(snapshot_key(kind, partition, {0})); it->Valid(); it->Next()) {
      const auto status = db->Delete(unsynced, family(Family::snapshots), it->key());
      if (!status.ok()) {
        broken->set(status.ToString());
        return fail(ErrorCode::unknown, status.ToString(), "snapshots");
      }
    }
  }
  return {};
}

Result<std::optional<Snapshot>> RocksJournal::latest_snapshot(PartitionId partition) const {
  const auto& s = *impl_;
  TG_CHECK(partition.value <= s.partitions);
  const auto found = manifests(s, partition);
  if (!found) return std::nullopt;  // the journal is the truth; a snapshot only saves time
  for (const auto& [group, manifest] : *found) {
    const auto size = snapshot_state_size(manifest);
    if (!size) continue;
    auto state = gather(s, partition, group, *size);
    if (!state) continue;
    auto snapshot = parse_snapshot(s.identity.id, partition, manifest, std::move(*state));
    if (!snapshot || snapshot->group != group) continue;
    if (const auto hash = s.stored_hash(partition, group); !hash || *hash != snapshot->hash) continue;
    return std::optional(std::move(*snapshot));
  }
  return std::nullopt;
}

}  // namespace tollgate::storage
