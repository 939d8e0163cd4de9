// The store of `serve`: formats an empty directory, opens what is there, and finds the key that opens its
// keys. The errors are sentences for the operator's terminal. Owner: the composition root; thread: its.
#pragma once

#include <memory>
#include <string>

#include "storage/start.h"
#include "switch/config.h"
#include "switch/crypto/vault.h"

namespace tollgate {

struct OpenedStore {
  storage::StartedStore started;
  bool formatted = false;
};

// An empty or missing directory is formatted with the configured partitions; a store with another number of
// them is refused.
[[nodiscard]] Result<OpenedStore> open_store(const config::Config& config);

// The file, which lab and demo make with a new store; or, without one, the lab key, which everybody knows and
// production therefore does not get (the configuration's check).
[[nodiscard]] Result<std::shared_ptr<crypto::KeyVault>> open_vault(const config::Config& config,
                                                                   bool formatted);

}  // namespace tollgate
