// The journal in memory: the same promises and the same stored bytes as the RocksDB one, without a disk. For
// tests, for the simulation and for trying things out; what is durable lives in a MemoryStore, so that
// dropping the journal and opening another over the same store is a crash and a restart.
//
// Faults are asked for before each append, by number: a test says what the n-th append meets. Threads: as
// journal.h says; the store is shared under its own lock. Two journals over one store fence each other, as
// two machines would.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <shared_mutex>

#include "storage/group.h"
#include "storage/journal.h"

namespace tollgate::storage {

enum class MemoryFault : std::uint8_t {
  none,
  full,
  fenced,
  unknown_before,  // the result is unknown and nothing was written
  unknown_after,   // the result is unknown and everything was written
};

// What survives the end of a MemoryJournal.
class MemoryStore {
 public:
  MemoryStore(std::uint16_t partitions, StoreIdentity identity);

  // Damage, for tests: a flipped bit in a stored group or snapshot, a group that is gone, a tail that is
  // gone.
  void flip_group_byte(PartitionId partition, GroupNo group, std::size_t offset);
  void flip_snapshot_byte(PartitionId partition, GroupNo group, std::size_t offset);
  void lose_group(PartitionId partition, GroupNo group);
  void drop_groups_after(PartitionId partition, GroupNo last);

 private:
  friend class MemoryJournal;
  using Stored = std::shared_ptr<const Bytes>;
  struct StoredSnapshot {
    Bytes manifest, state;
  };
  struct Partition {
    Head head;
    std::vector<Stored> groups;  // group n at n - 1; null when it was lost
    std::map<std::uint64_t, StoredSnapshot> snapshots;
  };

  void find_head(Partition& partition) const;

  mutable std::shared_mutex mutex_;
  StoreIdentity identity_;
  std::vector<Partition> partitions_;  // by partition, the house first
  std::map<std::string, Bytes, std::less<>> cells_;
};

class MemoryJournal final : public Journal {
 public:
  using FaultAt = std::function<MemoryFault(std::uint64_t append)>;  // appends count from 1

  explicit MemoryJournal(std::shared_ptr<MemoryStore> store, FaultAt fault = {});
  explicit MemoryJournal(std::uint16_t partitions);  // a store of its own

  void set_space_low(bool low) noexcept { space_low_ = low; }
  void set_space_exhausted(bool exhausted) noexcept { space_exhausted_ = exhausted; }
  [[nodiscard]] const std::shared_ptr<MemoryStore>& store() const noexcept { return store_; }

  [[nodiscard]] StoreIdentity identity() const override;
  [[nodiscard]] bool space_low() const override { return space_low_ || space_exhausted_; }
  [[nodiscard]] bool space_exhausted() const override { return space_exhausted_; }
  [[nodiscard]] std::uint16_t partitions() const noexcept override;
  [[nodiscard]] Result<Epoch> own(PartitionId partition) override;
  [[nodiscard]] Head head(PartitionId partition) const override;
  [[nodiscard]] AppendResult append(std::span<const GroupAppend> groups, std::string& why) override;
  using Journal::read;
  [[nodiscard]] Result<void> read(PartitionId partition, GroupNo from, const Visit& visit,
                                  Proof proof) const override;
  [[nodiscard]] Result<std::unique_ptr<StagedSnapshot>> stage_snapshot(PartitionId partition,
                                                                       Snapshot&& snapshot) override;
  [[nodiscard]] Result<std::optional<Snapshot>> latest_snapshot(PartitionId partition) const override;
  [[nodiscard]] Result<std::optional<Bytes>> cell(std::string_view key) const override;
  [[nodiscard]] Result<void> cells(std::string_view prefix, const VisitCell& visit) const override;

 private:
  class Staged final : public StagedSnapshot {
   public:
    Staged(MemoryJournal& journal, PartitionId partition, Snapshot&& snapshot)
        : journal_(journal), partition_(partition), snapshot_(std::move(snapshot)) {}
    [[nodiscard]] Result<void> install() override;

   private:
    MemoryJournal& journal_;
    PartitionId partition_;
    Snapshot snapshot_;
  };

  void write(std::span<const GroupAppend> groups);
  [[nodiscard]] std::optional<Digest> stored_hash(PartitionId partition, GroupNo group) const;

  std::shared_ptr<MemoryStore> store_;
  FaultAt fault_;
  std::atomic<bool> space_low_{false}, space_exhausted_{false};
  std::atomic<bool> broken_{false};  // J4
  std::uint64_t appends_ = 0;
  GroupWriter group_writer_;
};

}  // namespace tollgate::storage
