// RocksDB's own log and its news of background errors. With a log of our own the abort of the default one on
// a full disk is gone (reference "durability", 1.3).
#pragma once

#include <rocksdb/env.h>
#include <rocksdb/listener.h>

#include "storage/rocks_journal.h"

namespace tollgate::storage::rocks {

// To the hook, or to the file of the options, or nowhere. Refuses a file inside the store.
[[nodiscard]] Result<std::shared_ptr<rocksdb::Logger>> make_logger(const std::string& store,
                                                                   const StoreOptions& options);

// Tells of the first background error; called from RocksDB's threads.
[[nodiscard]] std::shared_ptr<rocksdb::EventListener> make_listener(
    std::function<void(std::string)> on_error);

}  // namespace tollgate::storage::rocks
