// Every RocksDB setting that a promise rests on, as one table: name, value, why. The table sets the options
// and reads them back from the open store, so that a value which did not take stops the start (reference
// "durability", section 2).
#pragma once

#include <rocksdb/db.h>
#include <rocksdb/options.h>

#include "storage/rocks_journal.h"

namespace tollgate::storage::rocks {

struct SettingRow {
  std::string name;
  std::string why;
  std::function<void(rocksdb::DBOptions&, rocksdb::ColumnFamilyOptions&)> set;
  std::function<bool(const rocksdb::DBOptions&, const rocksdb::ColumnFamilyOptions&)> holds;
  std::function<std::string(const rocksdb::DBOptions&, const rocksdb::ColumnFamilyOptions&)> show;
};

[[nodiscard]] const std::vector<SettingRow>& setting_rows();

enum class Family : std::uint8_t { meta, groups, cells };
inline constexpr std::size_t kFamilies = 3;
[[nodiscard]] const char* family_name(Family family) noexcept;

struct OptionSet {
  rocksdb::DBOptions db;
  std::vector<rocksdb::ColumnFamilyDescriptor> families;  // by Family
};
[[nodiscard]] OptionSet make_options(const StoreOptions& options);

// Files go a few megabytes at a time, in a thread of their own. A file system that is mounted with `discard`
// hands freed space to the drive inside somebody's fdatasync: a whole log or table at once is 10 ms and more
// on the commit path. To be called when `db.env` is set.
void delete_slowly(rocksdb::DBOptions& db);

// Of the open store; the first row that does not hold is the error.
[[nodiscard]] Result<void> check_settings(const rocksdb::DBOptions& db,
                                          const rocksdb::ColumnFamilyOptions& family);

}  // namespace tollgate::storage::rocks
