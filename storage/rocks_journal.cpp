#include "storage/rocks_journal.h"

#include <fmt/format.h>

#include <algorithm>

#include "storage/group.h"
#include "storage/rocks_internal.h"
#include "switch/base/check.h"

namespace tollgate::storage {

using rocks::bytes_of;
using rocks::error_of;
using rocks::Family;
using rocks::slice_of;

Result<void> RocksJournal::Impl::writable() const {
  if (read_only) return fail(ErrorCode::unavailable, "the store is open read-only", path);
  if (broken->is_set()) return fail(ErrorCode::unknown, broken->why(), path);
  return {};
}

Result<Epoch> RocksJournal::own(PartitionId partition) {
  auto& s = *impl_;
  if (partition.value > s.partitions) {
    return fail(ErrorCode::not_found, fmt::format("the store has no partition {}", partition.value), s.path);
  }
  const std::lock_guard lock(s.writer);
  if (auto ok = s.writable(); !ok) return std::unexpected(ok.error());
  if (!s.writes) {
    if (const auto status = s.files->begin_writing(); !status.ok())
      return std::unexpected(rocks::error_of(status, s.path));
    s.writes = true;
  }
  const Epoch next{s.heads[partition.value].epoch.value + 1};
  if (next.value > kEpochMax) return fail(ErrorCode::full, "the partition has used all its epochs", s.path);
  std::array<std::uint8_t, 4> value;
  store_be32(value.data(), next.value);
  const auto key = fmt::format("epoch/{:05}", partition.value);
  const auto status = s.db->Put(s.synced, s.family(Family::meta), key, slice_of(value));
  if (!status.ok()) {
    s.broken->set(status.ToString());
    return fail(ErrorCode::unknown, status.ToString(), key);
  }
  const std::unique_lock heads(s.heads_mutex);
  s.heads[partition.value].epoch = next;
  return next;
}

Head RocksJournal::head(PartitionId partition) const {
  TG_CHECK(partition.value <= impl_->partitions);
  const std::shared_lock lock(impl_->heads_mutex);
  return impl_->heads[partition.value];
}

namespace {

// One value per group, gathered from its parts: the payload is copied once, into the batch.
// The batch's own status is dropped only because it has no bound that a put could meet.
Digest put_group(RocksJournal::Impl& s, const GroupAppend& g) {
  auto& batch = s.batch;
  const auto stored = s.group_writer.write(s.identity.id, s.heads[g.partition.value].hash, g);
  const auto key = rocks::group_key(g.partition, g.group);
  const rocksdb::Slice key_slice = slice_of(key);
  const std::array value{slice_of(stored.prefix), slice_of(stored.payload), slice_of(stored.hash)};
  auto status = batch.Put(s.family(Family::groups), rocksdb::SliceParts(&key_slice, 1),
                          rocksdb::SliceParts(value.data(), static_cast<int>(value.size())));
  TG_CHECK(status.ok());
  for (const auto& cell : g.cells) {
    status = cell.value ? batch.Put(s.family(Family::cells), cell.key, slice_of(*cell.value))
                        : batch.Delete(s.family(Family::cells), cell.key);
    TG_CHECK(status.ok());
  }
  return stored.hash;
}

}  // namespace

AppendResult RocksJournal::append(std::span<const GroupAppend> groups, std::string& why) {
  auto& s = *impl_;
  const std::lock_guard lock(s.writer);
  if (auto ok = s.writable(); !ok) {
    why = ok.error().text();
    return AppendResult::unknown;
  }
  if (auto refusal = check_append(groups, s.heads)) {
    why = std::move(refusal->why);
    return refusal->result;
  }
  if (const auto level = s.space.level(); level != SpaceLevel::plenty) [[unlikely]] {
    const bool essential =
        std::all_of(groups.begin(), groups.end(), [](const auto& g) { return g.essential; });
    if (level == SpaceLevel::exhausted || !essential) {
      why = level == SpaceLevel::exhausted ? "no space is left but the reserve"
                                           : "below the free-space watermark";
      return AppendResult::full;
    }
  }
  s.batch.Clear();
  std::vector<Digest> hashes;
  hashes.reserve(groups.size());
  for (const auto& g : groups) hashes.push_back(put_group(s, g));
  const auto status = s.db->Write(s.synced, &s.batch);
  if (!status.ok()) {
    why = status.ToString();
    s.broken->set(why);
    return AppendResult::unknown;
  }
  const std::unique_lock heads(s.heads_mutex);
  for (std::size_t i = 0; i < groups.size(); ++i) {
    auto& head = s.heads[groups[i].partition.value];
    head.group = groups[i].group;
    head.hash = hashes[i];
  }
  return AppendResult::durable;
}

Result<void> RocksJournal::read(PartitionId partition, GroupNo from, const Visit& visit, Proof proof) const {
  const auto& s = *impl_;
  TG_CHECK(partition.value <= s.partitions && from.value >= 1);
  const auto end = head(partition).group;
  const auto first = rocks::group_key(partition, from);
  const auto past = rocks::group_key({static_cast<std::uint16_t>(partition.value + 1)}, {0});
  const auto upper = slice_of(past);
  auto options = s.reading();
  options.iterate_upper_bound = &upper;
  options.readahead_size = 1U << 20;
  const std::unique_ptr<rocksdb::Iterator> it(s.db->NewIterator(options, s.family(Family::groups)));
  ChainReader chain(s.identity.id, partition, from, proof);
  for (it->Seek(slice_of(first)); it->Valid(); it->Next()) {
    const auto key = bytes_of(it->key());
    if (key.size() != first.size() || load_be64(key.data() + 2) != chain.expected().value) {
      return fail(ErrorCode::damaged, "the group is missing", group_place(partition, chain.expected()));
    }
    const auto group = chain.next(bytes_of(it->value()));
    if (!group) return std::unexpected(group.error());
    if (!visit(*group)) return {};
  }
  if (!it->status().ok())
    return std::unexpected(error_of(it->status(), group_place(partition, chain.expected())));
  if (chain.expected() <= end) {
    return fail(ErrorCode::damaged, "the group is missing", group_place(partition, chain.expected()));
  }
  return {};
}

Result<std::optional<Bytes>> RocksJournal::cell(std::string_view key) const {
  const auto& s = *impl_;
  rocksdb::PinnableSlice value;
  const auto status = s.db->Get(s.reading(), s.family(Family::cells), key, &value);
  if (status.IsNotFound()) return std::nullopt;
  if (!status.ok()) return std::unexpected(error_of(status, std::string(key)));
  const auto view = bytes_of(value);
  return Bytes(view.begin(), view.end());
}

Result<void> RocksJournal::cells(std::string_view prefix, const VisitCell& visit) const {
  const auto& s = *impl_;
  const std::unique_ptr<rocksdb::Iterator> it(s.db->NewIterator(s.reading(), s.family(Family::cells)));
  for (it->Seek(prefix); it->Valid() && it->key().starts_with(prefix); it->Next()) {
    if (!visit(it->key().ToStringView(), bytes_of(it->value()))) return {};
  }
  if (!it->status().ok()) return std::unexpected(error_of(it->status(), std::string(prefix)));
  return {};
}

std::vector<StoreSetting> RocksJournal::settings() const {
  std::vector<StoreSetting> out;
  const auto db = impl_->db->GetDBOptions();
  const auto family = impl_->db->GetOptions(impl_->family(Family::groups));
  for (const auto& row : rocks::setting_rows()) out.push_back({row.name, row.show(db, family)});
  return out;
}

Result<void> RocksJournal::verify_files() const {
  auto status = impl_->db->VerifyChecksum();
  if (!status.ok()) return std::unexpected(error_of(status, impl_->path));
  // That looks at tables only: values that lie in files of their own are checked as they are read.
  const std::unique_ptr<rocksdb::Iterator> it(
      impl_->db->NewIterator(impl_->reading(), impl_->family(Family::groups)));
  for (it->SeekToFirst(); it->Valid(); it->Next()) continue;
  if (!it->status().ok()) return std::unexpected(error_of(it->status(), impl_->path));
  return {};
}

std::string RocksJournal::broken() const {
  return impl_->broken->why();
}
StoreIdentity RocksJournal::identity() const {
  return impl_->identity;
}
bool RocksJournal::space_low() const {
  return impl_->space.level() != SpaceLevel::plenty;
}
bool RocksJournal::space_exhausted() const {
  return impl_->space.level() == SpaceLevel::exhausted;
}
std::uint16_t RocksJournal::partitions() const noexcept {
  return impl_->partitions;
}

}  // namespace tollgate::storage
