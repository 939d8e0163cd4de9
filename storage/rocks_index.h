// Derived indexes in a RocksDB of their own: written without a log, because what a crash takes is read from
// the journal again. A database that does not open, or not whole, is thrown away and begun anew; that is told
// to the log.
#pragma once

#include <memory>

#include "storage/index_store.h"
#include "storage/rocks_journal.h"

namespace tollgate::storage {

struct RocksIndexOptions {
  StoreLogHook log;
  std::uint64_t memtable_bytes = 16U << 20;
  std::uint64_t cache_bytes = 16U << 20;
};

// Makes the directory when it is missing. conflict: another process has it.
[[nodiscard]] Result<std::unique_ptr<IndexStore>> open_rocks_index(const std::string& path,
                                                                   const RocksIndexOptions& options);

}  // namespace tollgate::storage
