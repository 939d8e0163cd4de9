// Snapshots beside RocksDB: one file each, in the store's directory "snapshots". A file is the manifest of
// storage/snapshot_frame.h and the state behind it; it is written and synced under a name that does not
// count, and counts from its renaming on. A crash at any moment leaves the one before. The two newest are
// kept.
//
// RocksDB knows nothing of them. As values they passed through log and memtables, in the way of every commit;
// as table files taken in by IngestExternalFile one failing sync could make the store unreadable (README).
#include <fmt/format.h>
#include <rocksdb/file_system.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <functional>

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

namespace fs = std::filesystem;

// Written and synced at a time: more on its way to the disk would stand in front of the log's syncs.
constexpr std::size_t kPiece = 1U << 20;
constexpr std::size_t kKept = 2;
constexpr std::string_view kEnding = ".snapshot", kUnfinished = ".part";

std::string folder_of(const std::string& store) {
  return store + "/snapshots";
}

// Digits enough for every number, so that names sort as groups do.
std::string name_of(PartitionId partition, GroupNo group) {
  return fmt::format("{:05}-{:020}{}", partition.value, group.value, kEnding);
}

// Groups of the partition's snapshots, the newest first.
std::vector<GroupNo> groups_of(const std::string& store, PartitionId partition) {
  std::vector<GroupNo> out;
  const auto prefix = fmt::format("{:05}-", partition.value);
  std::error_code error;
  for (fs::directory_iterator at(folder_of(store), error), end; !error && at != end; at.increment(error)) {
    const auto name = at->path().filename().string();
    if (!name.starts_with(prefix) || !name.ends_with(kEnding)) continue;
    std::uint64_t group = 0;
    const auto* last = name.data() + name.size() - kEnding.size();
    if (std::from_chars(name.data() + prefix.size(), last, group).ptr == last) out.push_back({group});
  }
  std::ranges::sort(out, std::greater());
  return out;
}

rocksdb::Status read_exactly(rocksdb::FSSequentialFile& file, MutableBytes out) {
  for (std::size_t at = 0; at < out.size();) {
    rocksdb::Slice got;
    const auto status = file.Read(std::min(kPiece, out.size() - at), {}, &got,
                                  reinterpret_cast<char*>(out.data()) + at, nullptr);
    if (!status.ok()) return status;
    if (got.empty()) return rocksdb::Status::Corruption("the file ends too early");
    if (got.data() != reinterpret_cast<const char*>(out.data()) + at)
      std::copy_n(bytes_of(got).begin(), got.size(), out.begin() + static_cast<std::ptrdiff_t>(at));
    at += got.size();
  }
  return rocksdb::Status::OK();
}

Result<Snapshot> read_file(const RocksJournal::Impl& s, PartitionId partition, GroupNo group) {
  const auto path = folder_of(s.path) + "/" + name_of(partition, group);
  std::error_code error;
  const auto size = fs::file_size(path, error);
  std::unique_ptr<rocksdb::FSSequentialFile> file;
  auto status = rocksdb::Status(s.db->GetFileSystem()->NewSequentialFile(path, {}, &file, nullptr));
  SnapshotManifest manifest{};
  if (status.ok()) status = read_exactly(*file, manifest);
  if (!status.ok()) return std::unexpected(error_of(status, path));
  const auto promised = snapshot_state_size(manifest);
  if (!promised) return std::unexpected(promised.error());
  // Of damage a manifest may promise any size.
  if (error || size != manifest.size() + *promised)
    return fail(ErrorCode::damaged, "the file is cut short", path);
  Bytes state(*promised);
  if (status = read_exactly(*file, state); !status.ok()) return std::unexpected(error_of(status, path));
  auto snapshot = parse_snapshot(s.identity.id, partition, manifest, std::move(state));
  if (snapshot && snapshot->group != group)
    return fail(ErrorCode::damaged, "the snapshot of another group", path);
  return snapshot;
}

// `room` is asked before every piece: a state may be larger than what lies between watermark and reserve.
rocksdb::Status write_file(rocksdb::FileSystem& system, const std::string& path, ByteView manifest,
                           ByteView state, const std::function<bool()>& room) {
  const rocksdb::IOOptions plain;
  std::unique_ptr<rocksdb::FSWritableFile> file;
  auto status = system.NewWritableFile(path, {}, &file, nullptr);
  if (status.ok()) status = file->Append(slice_of(manifest), plain, nullptr);
  for (std::size_t at = 0; at < state.size() && status.ok(); at += kPiece) {
    const auto piece = state.subspan(at, std::min(kPiece, state.size() - at));
    if (!room()) return rocksdb::Status::NoSpace("below the free-space watermark");
    status = file->Append(slice_of(piece), plain, nullptr);
    if (status.ok()) status = file->Sync(plain, nullptr);
  }
  if (status.ok()) status = file->Sync(plain, nullptr);
  if (status.ok())
    std::ignore = file->InvalidateCache(0, 0);  // read at a start only: no room in memory for it
  if (status.ok()) status = file->Close(plain, nullptr);
  return status;
}

rocksdb::Status sync_folder(rocksdb::FileSystem& system, const std::string& path) {
  std::unique_ptr<rocksdb::FSDirectory> folder;
  auto status = system.NewDirectory(path, {}, &folder, nullptr);
  if (status.ok()) status = folder->Fsync({}, nullptr);
  return status;
}

// In pieces, as the tables (rocks_settings.h, delete_slowly): a whole state at once would stand in somebody's
// fdatasync. A file that somebody else holds too (a backup by hard links) keeps its bytes. What a crash
// leaves has a name that does not count, and goes at the next start.
void remove_slowly(rocksdb::FileSystem& system, const std::string& file, const std::string& unfinished) {
  constexpr std::uint64_t kCut = 4U << 20;
  const rocksdb::IOOptions plain;
  std::uint64_t size = 0, links = 0;
  std::ignore = system.GetFileSize(file, plain, &size, nullptr);
  std::ignore = system.NumFileLinks(file, plain, &links, nullptr);
  if (!system.RenameFile(file, unfinished, plain, nullptr).ok()) return;
  std::unique_ptr<rocksdb::FSWritableFile> open;
  if (links == 1 && size > kCut) std::ignore = system.ReopenWritableFile(unfinished, {}, &open, nullptr);
  while (open != nullptr && size > kCut) {
    size -= kCut;
    if (!open->Truncate(size, plain, nullptr).ok() || !open->Fsync(plain, nullptr).ok()) break;
  }
  open.reset();
  std::ignore = system.DeleteFile(unfinished, plain, nullptr);
}

class Staged final : public StagedSnapshot {
 public:
  Staged(RocksJournal::Impl& store, std::string file, PartitionId partition, GroupNo group)
      : store_(store), file_(std::move(file)), partition_(partition), group_(group) {}
  ~Staged() override {
    std::error_code ignored;
    if (fs::exists(file_, ignored)) std::ignore = store_.db->GetFileSystem()->DeleteFile(file_, {}, nullptr);
  }
  [[nodiscard]] Result<void> install() override { return store_.install_snapshot(file_, partition_, group_); }

 private:
  RocksJournal::Impl& store_;
  const std::string file_;
  const PartitionId partition_;
  const GroupNo group_;
};

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

Result<std::unique_ptr<StagedSnapshot>> RocksJournal::stage_snapshot(PartitionId partition,
                                                                     Snapshot&& snapshot) {
  auto& s = *impl_;
  TG_CHECK(partition.value <= s.partitions);
  if (auto ok = s.writable(); !ok) return std::unexpected(ok.error());
  if (s.space.level() != SpaceLevel::plenty)
    return fail(ErrorCode::full, "below the free-space watermark", s.path);
  const auto hash = s.stored_hash(partition, snapshot.group);
  if (!hash) return std::unexpected(hash.error());
  if (*hash != snapshot.hash) {
    return fail(ErrorCode::conflict, "the hash of the snapshot is not the chain's",
                group_place(partition, snapshot.group));
  }
  const auto file = fmt::format("{}/{}{}", folder_of(s.path), ++s.staged, kUnfinished);
  auto staged = std::make_unique<Staged>(s, file, partition, snapshot.group);
  const auto manifest = make_snapshot_manifest(s.identity.id, partition, snapshot);
  const auto status = write_file(*s.db->GetFileSystem(), file, manifest, snapshot.state,
                                 [&] { return s.space.level_now() == SpaceLevel::plenty; });
  if (!status.ok()) return std::unexpected(error_of(status, file));
  Bytes().swap(snapshot.state);
  return staged;
}

// Whatever fails here, the bytes are on the disk and the chain names them: present or absent, it is no
// unknown of the journal's.
Result<void> RocksJournal::Impl::install_snapshot(const std::string& file, PartitionId partition,
                                                  GroupNo group) {
  const std::lock_guard lock(snapshots);
  if (auto ok = writable(); !ok) return ok;
  auto& system = *db->GetFileSystem();
  const auto folder = folder_of(path);
  rocksdb::Status status = system.RenameFile(file, folder + "/" + name_of(partition, group), {}, nullptr);
  if (status.ok()) status = sync_folder(system, folder);
  if (!status.ok()) return std::unexpected(error_of(status, group_place(partition, group)));
  // Of a group that the journal does not have (a store put back from an older copy) none is of use.
  const auto head = [&] {
    const std::shared_lock reading(heads_mutex);
    return heads[partition.value].group;
  }();
  std::size_t kept = 0;
  for (const auto old : groups_of(path, partition)) {
    if (old <= head && kept++ < kKept) continue;
    remove_slowly(system, folder + "/" + name_of(partition, old),
                  fmt::format("{}/{}{}", folder, ++staged, kUnfinished));
  }
  return {};
}

Result<void> RocksJournal::Impl::prepare_snapshots() {
  const auto folder = folder_of(path);
  std::error_code error;
  if (fs::create_directory(folder, error)) {
    const auto status = sync_folder(*db->GetFileSystem(), path);
    if (!status.ok()) return std::unexpected(error_of(status, path));
  }
  if (error) return fail(ErrorCode::io, error.message(), folder);
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    std::error_code ignored;
    if (at->path().extension() == kUnfinished) fs::remove(at->path(), ignored);
  }
  return {};
}

// The journal is the truth, a snapshot only saves time: one that cannot be read gives way to the one before.
Result<std::optional<Snapshot>> RocksJournal::latest_snapshot(PartitionId partition) const {
  const auto& s = *impl_;
  TG_CHECK(partition.value <= s.partitions);
  for (const auto group : groups_of(s.path, partition)) {
    auto snapshot = read_file(s, partition, group);
    if (!snapshot) continue;
    if (const auto hash = s.stored_hash(partition, group); !hash || *hash != snapshot->hash) continue;
    return std::optional(std::move(*snapshot));
  }
  return std::nullopt;
}

}  // namespace tollgate::storage
