#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "storage/group.h"
#include "storage/rocks_internal.h"
#include "storage/rocks_log.h"
#include "switch/base/chance.h"
#include "switch/base/check.h"

namespace tollgate::storage {
namespace {

namespace fs = std::filesystem;
using rocks::Doors;
using rocks::Family;

constexpr const char* kIdentityKey = "store";
constexpr std::uint32_t kStoreMagic = 0x54477374;  // "TGst"
constexpr std::uint16_t kStoreVersion = 3;         // 3: groups are packed (group.h)
constexpr std::size_t kIdentitySize = 4 + 2 + 2 + 16 + 8;

std::string ballast_file(const std::string& path) {
  return path + "/ballast";
}

Bytes encode_identity(const StoreIdentity& identity, std::uint16_t partitions) {
  Bytes out(kIdentitySize);
  store_be32(out.data(), kStoreMagic);
  store_be16(out.data() + 4, kStoreVersion);
  store_be16(out.data() + 6, partitions);
  std::copy(identity.id.begin(), identity.id.end(), out.begin() + 8);
  store_be64(out.data() + 24, identity.generation);
  return out;
}

void sync_directory(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  ::fsync(fd);
  ::close(fd);
}

// What a log takes that fills one memtable: its records, their frames, the cells beside them.
std::uint64_t log_bytes(const StoreOptions& options) {
  return options.memtable_bytes + options.memtable_bytes / 8;
}

Result<rocks::OptionSet> prepare(const std::string& path, const StoreOptions& options, rocksdb::Env* env) {
  auto logger = rocks::make_logger(path, options);
  if (!logger) return std::unexpected(logger.error());
  auto out = rocks::make_options(options);
  out.db.info_log = std::move(*logger);
  if (env != nullptr) out.db.env = env;
  rocks::delete_slowly(out.db);
  return out;
}

void say(const StoreOptions& options, StoreLog level, std::string_view text) {
  if (options.log) options.log(level, text);
}

}  // namespace

RocksJournal::Impl::~Impl() {
  for (auto* f : families) {
    if (f != nullptr) std::ignore = db->DestroyColumnFamilyHandle(f);
  }
  if (look.empty()) return;
  db.reset();
  std::error_code ignored;
  fs::remove_all(look, ignored);
}

void RocksJournal::Impl::use_log_files(const Doors& doors) {
  files = std::make_shared<rocks::LogFiles>(
      doors.files ? doors.files : rocksdb::FileSystem::Default(), path,
      rocks::LogFilesOptions{
          .prepared_bytes = log_bytes(options),
          .may_prepare = [this] { return space.level_after(log_bytes(options)) == SpaceLevel::plenty; },
          .whole = doors.whole_logs});
  env = rocksdb::NewCompositeEnv(files);
}

Result<void> RocksJournal::Impl::open(const Doors& doors) {
  std::error_code ignored;
  if (!fs::exists(path + "/CURRENT", ignored)) {
    return fail(ErrorCode::not_found, "there is no store here; `format` makes one", path);
  }
  if (space.level_now() == SpaceLevel::exhausted && release_ballast(ballast_file(path))) {
    say(options, StoreLog::warning,
        "the disk is full: the ballast file was given up so that the store can open");
  }
  use_log_files(doors);
  auto set = prepare(path, options, env.get());
  if (!set) return std::unexpected(set.error());
  set->db.listeners.push_back(
      rocks::make_listener([b = broken](std::string why) { b->set(std::move(why)); }));
  rocksdb::DB* opened = nullptr;
  const auto status = rocksdb::DB::Open(set->db, path, set->families, &families, &opened);
  db.reset(opened);
  if (!status.ok()) return std::unexpected(rocks::error_of(status, path));
  // Tables are rewritten when nobody else wants the processor: at the same priority a rewrite of 0.1 s stands
  // in the way of everything that a terminal waits for.
  (void)db->GetEnv()->LowerThreadPoolCPUPriority(rocksdb::Env::LOW, rocksdb::CpuPriority::kLow);
  (void)db->GetEnv()->LowerThreadPoolCPUPriority(rocksdb::Env::HIGH, rocksdb::CpuPriority::kLow);
  for (auto* f : families) {
    if (auto ok = rocks::check_settings(db->GetDBOptions(), db->GetOptions(f)); !ok) return ok;
  }
  synced.sync = doors.sync;
  if (auto ok = check_value_files(); !ok) return ok;
  if (auto ok = load(); !ok) return ok;
  // Only now: before the lock was taken, what is unfinished might have been another process's.
  if (auto ok = prepare_snapshots(); !ok) return ok;
  if (space.level_after(options.ballast_bytes) == SpaceLevel::plenty) {
    if (auto made = make_ballast(ballast_file(path), options.ballast_bytes); !made) {
      say(options, StoreLog::warning, "no ballast file: " + made.error().text());
    }
  }
  return {};
}

// RocksDB looks at the sizes of its tables when it opens, not at those of the files with values.
Result<void> RocksJournal::Impl::check_value_files() const {
  rocksdb::ColumnFamilyMetaData known;
  db->GetColumnFamilyMetaData(family(Family::groups), &known);
  for (const auto& file : known.blob_files) {
    const auto place = file.blob_file_path + file.blob_file_name;  // the name begins with its slash
    std::uint64_t size = 0;
    const auto status = db->GetEnv()->GetFileSize(place, &size);
    if (!status.ok()) return std::unexpected(rocks::error_of(status, place));
    if (size != file.blob_file_size) {
      return fail(ErrorCode::damaged,
                  fmt::format("has {} bytes and should have {}", size, file.blob_file_size), place);
    }
  }
  return {};
}

// In place first. With tracking off, RocksDB 7.8 asserts in a read-only open of a store whose manifest lists
// logs, so that a missing or short log needs the other way: a copy, in which tables are hard links, and which
// is recovered writable.
Result<void> RocksJournal::Impl::open_read_only() {
  read_only = true;
  use_log_files({});
  auto set = prepare(path, options, env.get());
  if (!set) return std::unexpected(set.error());
  set->db.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  rocksdb::DB* opened = nullptr;
  auto status = rocksdb::DB::OpenForReadOnly(set->db, path, set->families, &families, &opened);
  if (!status.ok()) {
    if (auto copied = copy_for_a_look(); !copied) return std::unexpected(rocks::error_of(status, path));
    set->db.track_and_verify_wals_in_manifest = false;
    for (auto& f : set->families) f.options.disable_auto_compactions = true;
    status = rocksdb::DB::Open(set->db, look, set->families, &families, &opened);
  }
  db.reset(opened);
  if (!status.ok()) return std::unexpected(rocks::error_of(status, path));
  return load();
}

Result<void> RocksJournal::Impl::copy_for_a_look() {
  std::error_code error;
  auto target = path + ".look";
  fs::remove_all(target, error);
  if (!fs::create_directory(target, error)) return fail(ErrorCode::io, error.message(), target);
  look = target;
  for (const auto& entry : fs::directory_iterator(path, error)) {
    const auto name = entry.path().filename().string();
    if (name == "LOCK" || name == "ballast" || name == "log.next" || name == "log.part" ||
        !entry.is_regular_file(error))
      continue;
    if (entry.path().extension() == ".trash") continue;  // on its way out
    const auto to = look + "/" + name;
    const bool never_changes = entry.path().extension() == ".sst" || entry.path().extension() == ".blob";
    if (never_changes) fs::create_hard_link(entry.path(), to, error);
    if (!never_changes || error) fs::copy_file(entry.path(), to, error);
    if (error) return fail(ErrorCode::io, error.message(), to);
  }
  return {};
}

rocksdb::ReadOptions RocksJournal::Impl::reading() const {
  rocksdb::ReadOptions options_of(/*verify checksums*/ true, /*fill cache*/ false);
  return options_of;
}

Result<void> RocksJournal::Impl::load() {
  std::string stored;
  const auto status = db->Get(reading(), family(Family::meta), kIdentityKey, &stored);
  if (status.IsNotFound())
    return fail(ErrorCode::damaged, "the store has no identity: it was never formatted whole", path);
  if (!status.ok()) return std::unexpected(rocks::error_of(status, path));
  const auto* p = reinterpret_cast<const std::uint8_t*>(stored.data());
  if (stored.size() != kIdentitySize || load_be32(p) != kStoreMagic) {
    return fail(ErrorCode::damaged, "the identity of the store is not one", path);
  }
  if (load_be16(p + 4) != kStoreVersion) {
    return fail(
        ErrorCode::invalid,
        fmt::format("the store was written in version {} of its format, this release reads version {} only: "
                    "open it with the release that wrote it, or name another path for a new store",
                    load_be16(p + 4), kStoreVersion),
        path);
  }
  partitions = load_be16(p + 6);
  if (partitions < 1 || partitions > kPartitionsMax)
    return fail(ErrorCode::damaged, "the partition count is not one", path);
  std::copy(p + 8, p + 24, identity.id.begin());
  identity.generation = load_be64(p + 24);
  heads.assign(std::size_t{partitions} + 1, Head{});
  for (std::uint16_t i = 0; i <= partitions; ++i) {
    auto head = load_head({i});
    if (!head) return std::unexpected(head.error());
    heads[i] = *head;
  }
  return {};
}

// The newest group of the partition, which is checked, and the newest epoch. An epoch that was lost with the
// log is never below that of the newest group.
Result<Head> RocksJournal::Impl::load_head(PartitionId partition) {
  Head head;
  std::string stored;
  const auto key = fmt::format("epoch/{:05}", partition.value);
  const auto status = db->Get(reading(), family(Family::meta), key, &stored);
  if (!status.ok() && !status.IsNotFound()) {
    return std::unexpected(rocks::error_of(status, fmt::format("partition {}", partition.value)));
  }
  if (status.ok()) {
    if (stored.size() != 4)
      return fail(ErrorCode::damaged, "the epoch is not one", fmt::format("partition {}", partition.value));
    head.epoch = {load_be32(reinterpret_cast<const std::uint8_t*>(stored.data()))};
  }
  const auto last = rocks::group_key(partition, {UINT64_MAX});
  const std::unique_ptr<rocksdb::Iterator> it(db->NewIterator(reading(), family(Family::groups)));
  it->SeekForPrev(rocks::slice_of(last));
  if (!it->Valid()) {
    if (!it->status().ok())
      return std::unexpected(rocks::error_of(it->status(), fmt::format("partition {}", partition.value)));
    return head;
  }
  const auto found = rocks::bytes_of(it->key());
  if (found.size() != last.size() || load_be16(found.data()) != partition.value) return head;  // nothing yet
  const GroupNo number{load_be64(found.data() + 2)};
  ChainReader chain(identity.id, partition, number);
  const auto group = chain.next(rocks::bytes_of(it->value()));
  if (!group) return std::unexpected(group.error());
  head.group = number;
  head.hash = group->hash;
  head.epoch = std::max(head.epoch, group->epoch);
  return head;
}

namespace rocks {

Error error_of(const rocksdb::Status& status, std::string where) {
  const auto text = status.ToString();
  auto code = ErrorCode::io;
  if (status.IsCorruption()) code = ErrorCode::damaged;
  if (status.IsNoSpace()) code = ErrorCode::full;
  if (status.IsNotFound() || status.IsPathNotFound()) code = ErrorCode::not_found;
  if (status.IsIOError() &&
      (text.find("While lock file") != std::string::npos || text.find("lock hold by") != std::string::npos)) {
    return {ErrorCode::conflict, where + "/LOCK",
            "another process holds this lock: a store has one process (" + text + ")"};
  }
  return {code, std::move(where), text};
}

Result<StoreIdentity> format_store(const std::string& path, std::uint16_t partitions,
                                   const StoreOptions& options, const Doors& doors) {
  if (partitions < 1 || partitions > kPartitionsMax) {
    return fail(ErrorCode::invalid, fmt::format("a store has 1 to {} partitions", kPartitionsMax), path);
  }
  std::error_code error;
  if (fs::exists(path, error) && !fs::is_empty(path, error)) {
    return fail(ErrorCode::conflict, "the directory is not empty; a store is formatted into an empty one",
                path);
  }
  fs::create_directories(path, error);
  if (!error) fs::permissions(path, fs::perms::owner_all, error);  // sealed cells lie here
  if (error) return fail(ErrorCode::io, error.message(), path);
  RocksJournal::Impl store(path, options);
  store.use_log_files(doors);
  auto set = prepare(path, options, store.env.get());
  if (!set) return std::unexpected(set.error());
  set->db.create_if_missing = true;
  set->db.create_missing_column_families = true;
  set->db.error_if_exists = true;
  StoreIdentity identity{.id = {}, .generation = 1};
  SystemChance().fill(identity.id);

  rocksdb::DB* opened = nullptr;
  auto status = rocksdb::DB::Open(set->db, path, set->families, &store.families, &opened);
  store.db.reset(opened);
  if (!status.ok()) return std::unexpected(error_of(status, path));
  rocksdb::WriteOptions synced;
  synced.sync = true;
  const auto value = encode_identity(identity, partitions);
  status = store.db->Put(synced, store.family(Family::meta), kIdentityKey, slice_of(value));
  // In a table at once: the identity must outlive a lost log, or the loss could not be told from a store
  // never formatted.
  if (status.ok()) status = store.db->Flush(rocksdb::FlushOptions(), store.family(Family::meta));
  if (!status.ok()) return std::unexpected(error_of(status, path));
  sync_directory(fs::absolute(path).parent_path().string());
  return identity;
}

Result<std::unique_ptr<RocksJournal>> open_store(const std::string& path, const StoreOptions& options,
                                                 const Doors& doors) {
  auto impl = std::make_unique<RocksJournal::Impl>(path, options);
  if (auto ok = impl->open(doors); !ok) return std::unexpected(ok.error());
  return std::make_unique<RocksJournal>(std::move(impl));
}

}  // namespace rocks

RocksJournal::RocksJournal(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
RocksJournal::~RocksJournal() = default;

Result<StoreIdentity> RocksJournal::format(const std::string& path, std::uint16_t partitions,
                                           const StoreOptions& options) {
  return rocks::format_store(path, partitions, options, {});
}

Result<std::unique_ptr<RocksJournal>> RocksJournal::open(const std::string& path,
                                                         const StoreOptions& options) {
  return rocks::open_store(path, options, {});
}

Result<std::unique_ptr<RocksJournal>> RocksJournal::open_read_only(const std::string& path,
                                                                   const StoreOptions& options) {
  auto impl = std::make_unique<Impl>(path, options);
  if (auto ok = impl->open_read_only(); !ok) return std::unexpected(ok.error());
  return std::make_unique<RocksJournal>(std::move(impl));
}

}  // namespace tollgate::storage
