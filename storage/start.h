// Format and start of a store with its mark: the two files that only make sense together. The composition
// root calls start_store once; what it may do then is the verdict's word (storage/verdict.h).
//
// Serve: journal and mark are open for writing, and the mark was brought up to the store, because what was
// durable but never answered will be answered from now on. Safe mode: the journal, when there is one, is open
// read-only and the mark is not; nothing in the store was changed. Errors (not verdicts): another process has
// the store, there is no store, the options are wrong.
#pragma once

#include <memory>

#include "storage/rocks_journal.h"
#include "storage/verdict.h"

namespace tollgate::storage {

// The store first, then the mark: a store without a mark is damaged, not new, so a crash between the two
// means formatting again.
[[nodiscard]] Result<StoreIdentity> format_store(const std::string& path, const std::string& mark_path,
                                                 std::uint16_t partitions, const StoreOptions& options);

struct StartedStore {
  StartVerdict verdict;
  std::unique_ptr<RocksJournal> journal;  // null when the store is unreadable
  std::unique_ptr<HighWaterMark> mark;    // null in safe mode
};

[[nodiscard]] Result<StartedStore> start_store(const std::string& path, const std::string& mark_path,
                                               const StoreOptions& options);

}  // namespace tollgate::storage
