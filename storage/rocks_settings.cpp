#include "storage/rocks_settings.h"

#include <fmt/format.h>
#include <rocksdb/cache.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/slice_transform.h>
#include <rocksdb/sst_file_manager.h>
#include <rocksdb/sst_partitioner.h>
#include <rocksdb/table.h>
#include <rocksdb/write_buffer_manager.h>

#include <algorithm>
#include <type_traits>

namespace tollgate::storage::rocks {
namespace {

using rocksdb::ColumnFamilyOptions;
using rocksdb::DBOptions;

template <class T>
std::string shown(const T& value) {
  if constexpr (std::is_same_v<T, bool>)
    return value ? "true" : "false";
  else if constexpr (std::is_enum_v<T>)
    return fmt::format("{}", static_cast<int>(value));
  else
    return fmt::format("{}", value);
}

template <class Class, class T>
SettingRow row(const char* name, T Class::*member, std::type_identity_t<T> value, const char* why) {
  const auto of = [](auto& db, auto& family) -> auto& {
    if constexpr (std::is_base_of_v<Class, DBOptions>)
      return db;
    else
      return family;
  };
  return {
      name, why, [=](DBOptions& db, ColumnFamilyOptions& family) { of(db, family).*member = value; },
      [=](const DBOptions& db, const ColumnFamilyOptions& family) { return of(db, family).*member == value; },
      [=](const DBOptions& db, const ColumnFamilyOptions& family) { return shown(of(db, family).*member); }};
}

std::vector<SettingRow> make_rows() {
  using D = DBOptions;
  using C = ColumnFamilyOptions;
  using A = rocksdb::AdvancedColumnFamilyOptions;
  return {
      row("wal_recovery_mode", &D::wal_recovery_mode, rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords,
          "mode 2 hides rot, mode 1 refuses ordinary torn tails"),
      row("track_and_verify_wals_in_manifest", &D::track_and_verify_wals_in_manifest, true,
          "finds a closed log that is missing or short"),
      row("manual_wal_flush", &D::manual_wal_flush, false,
          "every group leaves the process when it is written"),
      row("recycle_log_file_num", &D::recycle_log_file_num, std::size_t{0},
          "old records never look like new ones"),
      row("wal_compression", &D::wal_compression, rocksdb::CompressionType::kNoCompression,
          "recovery bug until 8.0"),
      row("wal_bytes_per_sync", &D::wal_bytes_per_sync, std::uint64_t{0}, "every write is synced anyway"),
      row("bytes_per_sync", &D::bytes_per_sync, std::uint64_t{1} << 20, "table files reach the disk evenly"),
      row("use_fsync", &D::use_fsync, false, "fdatasync is enough: RocksDB syncs sizes with it"),
      row("paranoid_checks", &D::paranoid_checks, true, "damage is an error, not a warning"),
      row("flush_verify_memtable_count", &D::flush_verify_memtable_count, true, "no key is lost in a flush"),
      row("verify_sst_unique_id_in_manifest", &D::verify_sst_unique_id_in_manifest, true,
          "misdirected files are refused when they are opened"),
      row("skip_checking_sst_file_sizes_on_db_open", &D::skip_checking_sst_file_sizes_on_db_open, false,
          "a short table file refuses the start"),
      row("best_efforts_recovery", &D::best_efforts_recovery, false, "a store with missing files is damaged"),
      row("avoid_flush_during_recovery", &D::avoid_flush_during_recovery, true,
          "a restart replays the log without writing tables: quick, and possible on a full disk"),
      row("max_bgerror_resume_count", &D::max_bgerror_resume_count, 0,
          "never resume, never retry a failed sync"),
      row("atomic_flush", &D::atomic_flush, true,
          "what tables hold is one cut through groups, cells and epochs, so that a "
          "lost log takes them together"),
      row("unordered_write", &D::unordered_write, false, "readers see groups in order"),
      row("two_write_queues", &D::two_write_queues, false, "one log, one order"),
      row("enable_pipelined_write", &D::enable_pipelined_write, false, "one log, one order"),
      row("allow_mmap_writes", &D::allow_mmap_writes, false, "write errors are answers, not signals"),
      row("allow_mmap_reads", &D::allow_mmap_reads, false, "read errors are answers, not signals"),
      row("max_open_files", &D::max_open_files, 256,
          "a store of years has more files than a process may open; if the limit of open files made it lower "
          "(ulimit -n, LimitNOFILE), raise that"),
      row("skip_stats_update_on_db_open", &D::skip_stats_update_on_db_open, true, "quick start"),
      row("stats_dump_period_sec", &D::stats_dump_period_sec, 0U,
          "no timer thread writes beside the commit path"),
      row("stats_persist_period_sec", &D::stats_persist_period_sec, 0U,
          "no timer thread writes beside the commit path"),
      row("max_write_buffer_number", &A::max_write_buffer_number, 2, "ordering bug above 2 until 7.9"),
      row("memtable_protection_bytes_per_key", &A::memtable_protection_bytes_per_key, 8U,
          "finds damage in memory"),
      row("force_consistency_checks", &A::force_consistency_checks, true,
          "levels are checked when they change"),
      row("disable_auto_compactions", &C::disable_auto_compactions, false,
          "the number of files stays bounded"),
  };
}

rocksdb::ColumnFamilyOptions common_family(const std::shared_ptr<rocksdb::Cache>& cache,
                                           std::size_t block_size, std::uint64_t memtable_bytes) {
  ColumnFamilyOptions family;
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache;
  table.block_size = block_size;
  table.checksum = rocksdb::kXXH3;
  table.format_version = 5;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  family.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  family.write_buffer_size =
      memtable_bytes;  // the same for all: the first that is full flushes all (atomic_flush)
  family.compression = rocksdb::kNoCompression;
  return family;
}

// Values lie in files of their own (*.blob), written once and named by tables that hold keys: nothing of a
// record is ever rewritten. They were packed before they came here. A group of a quiet hour stays in its
// table. Keys of a partition ascend, so a table that holds one partition only overlaps nothing below it and
// sinks without being rewritten: the partitioner cuts tables where the partition changes.
void shape_groups(ColumnFamilyOptions& family, const StoreOptions& options) {
  family.max_bytes_for_level_base = std::max<std::uint64_t>(4 * options.memtable_bytes, 1U << 20);
  family.target_file_size_base = std::max<std::uint64_t>(options.memtable_bytes, 1U << 20);
  family.level_compaction_dynamic_level_bytes = false;
  family.sst_partitioner_factory = rocksdb::NewSstPartitionerFixedPrefixFactory(2);
  family.compression_per_level = {rocksdb::kNoCompression, rocksdb::kLZ4Compression,
                                  rocksdb::kLZ4Compression};
  // … and the place of a partition's next key is beside its last one: no search from the top of the memtable.
  family.memtable_insert_with_hint_prefix_extractor.reset(rocksdb::NewFixedPrefixTransform(2));
  family.enable_blob_files = true;
  family.min_blob_size = 256;  // packed
  family.blob_compression_type = rocksdb::kNoCompression;
}

}  // namespace

const std::vector<SettingRow>& setting_rows() {
  static const auto rows = make_rows();
  return rows;
}

const char* family_name(Family family) noexcept {
  constexpr const char* kNames[kFamilies] = {"default", "groups", "cells"};
  return kNames[static_cast<std::size_t>(family)];
}

OptionSet make_options(const StoreOptions& options) {
  OptionSet out;
  const auto cache = rocksdb::NewLRUCache(options.cache_bytes);
  out.db.write_buffer_manager =
      std::make_shared<rocksdb::WriteBufferManager>(2 * options.memtable_bytes + (8U << 20), cache);
  out.db.max_total_wal_size = options.wal_bytes_max;
  out.db.max_background_jobs = 2;
  for (std::size_t i = 0; i < kFamilies; ++i) {
    const auto kind = static_cast<Family>(i);
    auto family = common_family(cache, kind == Family::cells || kind == Family::meta ? 4U << 10 : 64U << 10,
                                options.memtable_bytes);
    if (kind == Family::groups) shape_groups(family, options);
    for (const auto& r : setting_rows()) r.set(out.db, family);
    out.families.emplace_back(family_name(kind), family);
  }
  return out;
}

void delete_slowly(rocksdb::DBOptions& db) {
  constexpr std::int64_t kBytesPerSecond = 128 << 20;  // more than the busiest switch writes
  constexpr std::uint64_t kPiece = 4 << 20;            // 1 to 2 ms of a drive's time
  constexpr int kNeverAtOnce = 1'000'000;              // times the store: however much waits to be deleted
  db.sst_file_manager.reset(
      rocksdb::NewSstFileManager(db.env, nullptr, "", kBytesPerSecond, true, nullptr, kNeverAtOnce, kPiece));
}

Result<void> check_settings(const rocksdb::DBOptions& db, const rocksdb::ColumnFamilyOptions& family) {
  for (const auto& r : setting_rows()) {
    if (!r.holds(db, family)) {
      return fail(ErrorCode::invalid,
                  fmt::format("is {} in the open store; it is needed because: {}", r.show(db, family), r.why),
                  r.name);
    }
  }
  return {};
}

}  // namespace tollgate::storage::rocks
