// What the files of the RocksDB journal share, and the door through which tests put a file system of their
// own under it.
#pragma once

#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>

#include <array>
#include <atomic>
#include <mutex>
#include <shared_mutex>

#include "storage/group.h"
#include "storage/rocks_journal.h"
#include "storage/rocks_log_files.h"
#include "storage/rocks_settings.h"

namespace tollgate::storage::rocks {

// For tests only: sync = false is the negative control of every crash harness, whole_logs = true that of torn
// ones.
struct Doors {
  std::shared_ptr<rocksdb::FileSystem> files;  // under everything
  bool sync = true;
  bool whole_logs = false;
};
[[nodiscard]] Result<StoreIdentity> format_store(const std::string& path, std::uint16_t partitions,
                                                 const StoreOptions& options, const Doors& doors);
[[nodiscard]] Result<std::unique_ptr<RocksJournal>> open_store(const std::string& path,
                                                               const StoreOptions& options,
                                                               const Doors& doors);

[[nodiscard]] Error error_of(const rocksdb::Status& status, std::string where);
[[nodiscard]] inline ByteView bytes_of(const rocksdb::Slice& slice) noexcept {
  return {reinterpret_cast<const std::uint8_t*>(slice.data()), slice.size()};
}
[[nodiscard]] inline rocksdb::Slice slice_of(ByteView bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Partition and group, big-endian: the order of keys is the order of groups.
using GroupKey = std::array<std::uint8_t, 10>;
[[nodiscard]] inline GroupKey group_key(PartitionId partition, GroupNo group) noexcept {
  GroupKey key;
  store_be16(key.data(), partition.value);
  store_be64(key.data() + 2, group.value);
  return key;
}

// J4: set once, by the writer or by RocksDB's own threads.
class Breakage {
 public:
  void set(std::string why) {
    const std::lock_guard lock(mutex_);
    if (set_.load(std::memory_order_relaxed)) return;
    why_ = std::move(why);
    set_.store(true, std::memory_order_release);
  }
  [[nodiscard]] bool is_set() const noexcept { return set_.load(std::memory_order_acquire); }
  [[nodiscard]] std::string why() const {
    const std::lock_guard lock(mutex_);
    return why_;
  }

 private:
  mutable std::mutex mutex_;
  std::atomic<bool> set_{false};
  std::string why_;
};

}  // namespace tollgate::storage::rocks

namespace tollgate::storage {

struct RocksJournal::Impl {
  Impl(std::string store_path, const StoreOptions& store_options)
      : path(std::move(store_path)),
        options(store_options),
        space(path, options.space, options.space_probe) {}
  ~Impl();

  [[nodiscard]] rocksdb::ColumnFamilyHandle* family(rocks::Family f) const {
    return families[static_cast<std::size_t>(f)];
  }
  void use_log_files(const rocks::Doors& doors);
  [[nodiscard]] Result<void> open(const rocks::Doors& doors);  // read-write, settings checked
  [[nodiscard]] Result<void> open_read_only();
  [[nodiscard]] Result<void> copy_for_a_look();
  [[nodiscard]] Result<void> check_value_files() const;
  [[nodiscard]] Result<void> load();  // identity and heads
  [[nodiscard]] Result<Head> load_head(PartitionId partition);
  [[nodiscard]] Result<void> writable() const;  // an error once broken, or when read-only
  [[nodiscard]] Result<Digest> stored_hash(PartitionId partition, GroupNo group) const;
  // Snapshots: rocks_snapshots.cpp.
  [[nodiscard]] Result<void> install_snapshot(const std::string& file, PartitionId partition, GroupNo group);
  [[nodiscard]] Result<void> prepare_snapshots();  // their directory, without what a crash left unfinished
  [[nodiscard]] rocksdb::ReadOptions reading() const;

  std::string path;
  StoreOptions options;
  mutable FreeSpace space;
  std::shared_ptr<rocks::Breakage> broken = std::make_shared<rocks::Breakage>();
  bool read_only = false;
  std::string look;  // the copy that a read-only look may need; removed at the end

  std::shared_ptr<rocks::LogFiles> files;
  std::unique_ptr<rocksdb::Env> env;  // of these files
  std::unique_ptr<rocksdb::DB> db;
  std::vector<rocksdb::ColumnFamilyHandle*> families;
  rocksdb::WriteOptions synced;

  StoreIdentity identity;
  std::uint16_t partitions = 0;

  std::mutex writer;                      // append and own
  bool writes = false;                    // somebody owned a partition; under it
  rocksdb::WriteBatch batch{0, 0, 8, 0};  // 8 bytes of protection a key
  GroupWriter group_writer;
  mutable std::shared_mutex heads_mutex;  // heads are written under both
  std::vector<Head> heads;                // by partition
  std::mutex snapshots;                   // install
  std::atomic<std::uint64_t> staged{0};   // names of unfinished ones
};

}  // namespace tollgate::storage
