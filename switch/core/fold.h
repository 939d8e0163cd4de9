// The state of one partition, or of the house, folded apart from the one that serves: the newest snapshot of the
// journal and every record after it up to a group, by the same code, in a state of its own that nobody else sees, and
// out comes the snapshot there. What a worker holds is not touched, so that a million transactions can be written down
// while their partition goes on.
//
// Thread: any but a worker's; several at once of different partitions. Memory: while it runs, the partition's state and
// its bytes once more. It opens no sealed cell, so no key and no card number is in it.
#pragma once

#include <atomic>
#include <memory>

#include "switch/core/engine.h"

namespace tollgate::core {

struct FoldOrder {
  const EngineConfig& config;
  std::shared_ptr<crypto::KeyVault> vault;
  PartitionId partition;
  storage::Head upto;  // a durable group of the partition
  const std::atomic<bool>* cancelled = nullptr;
};

[[nodiscard]] Result<storage::Snapshot> fold_apart(const FoldOrder& order, const storage::Journal& journal);

}  // namespace tollgate::core
