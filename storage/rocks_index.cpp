#include "storage/rocks_index.h"

#include <fmt/format.h>
#include <rocksdb/cache.h>
#include <rocksdb/slice_transform.h>
#include <rocksdb/table.h>

#include "storage/rocks_internal.h"
#include "storage/rocks_log.h"
#include "storage/rocks_settings.h"

namespace tollgate::storage {
namespace {

using rocks::bytes_of;
using rocks::error_of;
using rocks::slice_of;

constexpr std::size_t kProgressSize = 8 + 32;
constexpr std::uint32_t kVersion = 1;  // of the keys; another one is thrown away and made again

// Sorts before every index key, all of which begin with a letter.
std::string progress_key(PartitionId partition) {
  return fmt::format("!progress/{}/{:05}", kVersion, partition.value);
}

class RocksIndex final : public IndexStore {
 public:
  RocksIndex(std::string path, rocksdb::Options options)
      : path_(std::move(path)), options_(std::move(options)) {
    unlogged_.disableWAL = true;
  }

  Result<void> open() {
    rocksdb::DB* opened = nullptr;
    const auto status = rocksdb::DB::Open(options_, path_, &opened);
    db_.reset(opened);
    if (!status.ok()) return std::unexpected(error_of(status, path_));
    return {};
  }

  Result<void> write(std::span<const IndexKey> keys, PartitionId partition,
                     const IndexProgress& progress) override {
    rocksdb::WriteBatch batch;
    std::array<std::uint8_t, kProgressSize> value;
    store_be64(value.data(), progress.group.value);
    std::copy(progress.hash.begin(), progress.hash.end(), value.begin() + 8);
    auto status = batch.Put(progress_key(partition), slice_of(value));
    for (const auto& k : keys) {
      if (status.ok()) status = batch.Put(slice_of(k.view()), rocksdb::Slice());
    }
    const std::shared_lock lock(mutex_);
    if (db_ == nullptr) return fail(ErrorCode::unavailable, "the index is closed", path_);
    if (status.ok()) status = db_->Write(unlogged_, &batch);
    if (!status.ok()) return std::unexpected(error_of(status, path_));
    return {};
  }

  Result<IndexProgress> progress(PartitionId partition) const override {
    const std::shared_lock lock(mutex_);
    if (db_ == nullptr) return fail(ErrorCode::unavailable, "the index is closed", path_);
    std::string value;
    const auto status = db_->Get({}, progress_key(partition), &value);
    if (status.IsNotFound()) return IndexProgress{};
    if (!status.ok()) return std::unexpected(error_of(status, path_));
    if (value.size() != kProgressSize)
      return fail(ErrorCode::damaged, "the progress of the index is not one", path_);
    IndexProgress out;
    const auto* p = reinterpret_cast<const std::uint8_t*>(value.data());
    out.group = {load_be64(p)};
    std::copy(p + 8, p + kProgressSize, out.hash.begin());
    return out;
  }

  Result<void> scan(ByteView from, ByteView past, bool descending, const Visit& visit) const override {
    const std::shared_lock lock(mutex_);
    if (db_ == nullptr) return fail(ErrorCode::unavailable, "the index is closed", path_);
    const auto lower = slice_of(from), upper = slice_of(past);
    rocksdb::ReadOptions options;
    options.iterate_lower_bound = &lower;
    options.iterate_upper_bound = &upper;
    const std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator(options));
    for (descending ? it->SeekToLast() : it->SeekToFirst(); it->Valid();
         descending ? it->Prev() : it->Next()) {
      if (!visit(bytes_of(it->key()))) return {};
    }
    if (!it->status().ok()) return std::unexpected(error_of(it->status(), path_));
    return {};
  }

  // Drops the files rather than the keys: quick, and it works on a damaged database too.
  Result<void> clear() override {
    const std::unique_lock lock(mutex_);
    db_.reset();
    const auto status = rocksdb::DestroyDB(path_, options_);
    if (!status.ok()) return std::unexpected(error_of(status, path_));
    return open();
  }

 private:
  std::string path_;
  rocksdb::Options options_;
  rocksdb::WriteOptions unlogged_;
  mutable std::shared_mutex mutex_;  // db_ itself: clear() replaces it
  std::unique_ptr<rocksdb::DB> db_;
};

rocksdb::Options index_options(const RocksIndexOptions& options, std::shared_ptr<rocksdb::Logger> logger) {
  rocksdb::Options out;
  out.create_if_missing = true;
  out.info_log = std::move(logger);
  out.write_buffer_size = options.memtable_bytes;
  out.max_background_jobs = 1;
  out.compression = rocksdb::kLZ4Compression;
  out.skip_stats_update_on_db_open = true;
  out.stats_dump_period_sec = 0;
  out.stats_persist_period_sec = 0;
  // Batches are sorted, so the next key is near the last one of its kind.
  out.allow_concurrent_memtable_write = false;
  out.memtable_insert_with_hint_prefix_extractor.reset(rocksdb::NewFixedPrefixTransform(1));
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = rocksdb::NewLRUCache(options.cache_bytes);
  table.block_size = 16U << 10;
  out.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  out.bytes_per_sync = 1U << 20;
  rocks::delete_slowly(out);
  return out;
}

}  // namespace

Result<std::unique_ptr<IndexStore>> open_rocks_index(const std::string& path,
                                                     const RocksIndexOptions& options) {
  StoreOptions log_options;
  log_options.log = options.log;
  auto logger = rocks::make_logger(path, log_options);
  if (!logger) return std::unexpected(logger.error());
  auto index = std::make_unique<RocksIndex>(path, index_options(options, std::move(*logger)));
  auto opened = index->open();
  if (!opened && opened.error().code == ErrorCode::conflict) return std::unexpected(opened.error());
  if (!opened) {
    if (options.log)
      options.log(StoreLog::warning, "the index is thrown away and made again: " + opened.error().text());
    opened = index->clear();
  }
  if (!opened) return std::unexpected(opened.error());
  return index;
}

}  // namespace tollgate::storage
