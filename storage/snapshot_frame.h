// How a snapshot is written: a manifest of fixed size that names store, partition, group, chain hash and size
// of the state, and ends with the SHA-256 of itself and the state. The state lies behind it or beside it.
// Thread: any; nothing is shared.
#pragma once

#include <array>

#include "storage/journal.h"

namespace tollgate::storage {

using SnapshotManifest = std::array<std::uint8_t, 112>;

[[nodiscard]] SnapshotManifest make_snapshot_manifest(const StoreId& store, PartitionId partition,
                                                      const Snapshot& snapshot) noexcept;

// Size of the state that a manifest promises, so that it can be read; damaged when it is not a manifest.
[[nodiscard]] Result<std::uint64_t> snapshot_state_size(ByteView manifest);

// The snapshot, when everything fits together.
[[nodiscard]] Result<Snapshot> parse_snapshot(const StoreId& store, PartitionId partition, ByteView manifest,
                                              Bytes&& state);

}  // namespace tollgate::storage
