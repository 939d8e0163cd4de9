// The journal on disk: RocksDB in the process (reference "durability"). One value per partition and commit
// group, one synced write batch for everything that an append carries. Column families: groups, cells; the
// default one holds the store's identity and the epochs.
//
// One process per store: a second one gets ErrorCode::conflict naming the lock. Every setting that a promise
// rests on is set by a table and read back when the store opens; a setting that did not take is an error.
// RocksDB's own log goes to a hook or to a file outside the store, because its default log aborts the process
// on a full disk. After the first failed write, or an error in RocksDB's background work, nothing is appended
// any more (J4).
//
// Snapshots are files of their own beside RocksDB's, in the store's directory "snapshots"; what a crash
// leaves of an unfinished one is removed at the next open.
//
// Threads: as journal.h.
#pragma once

#include <memory>

#include "storage/free_space.h"
#include "storage/journal.h"

namespace tollgate::storage {

enum class StoreLog : std::uint8_t { debug, info, warning, error };
using StoreLogHook = std::function<void(StoreLog level, std::string_view text)>;

struct StoreOptions {
  StoreLogHook log;      // called from RocksDB's threads; must not call the journal
  std::string log_file;  // instead of the hook; refused inside the store
  SpaceLimits space;
  SpaceProbe space_probe;  // from any thread; statvfs when empty
  std::uint64_t ballast_bytes = 64U << 20;
  std::uint64_t memtable_bytes = 32U << 20;  // of the groups; two of them at most
  std::uint64_t wal_bytes_max = 256U << 20;  // what a restart replays at most, roughly
  std::uint64_t cache_bytes = 64U << 20;     // blocks and memtables together, for all families
};

struct StoreSetting {
  std::string name, value;
};

class RocksJournal final : public Journal {
 public:
  // A new store in a directory that does not exist or is empty.
  [[nodiscard]] static Result<StoreIdentity> format(const std::string& path, std::uint16_t partitions,
                                                    const StoreOptions& options);
  [[nodiscard]] static Result<std::unique_ptr<RocksJournal>> open(const std::string& path,
                                                                  const StoreOptions& options);

  // For safe mode: changes no byte of the store and takes no lock. Shows what a strict recovery would refuse
  // to: everything up to the first damage in the log. own, append and put_snapshot refuse.
  [[nodiscard]] static Result<std::unique_ptr<RocksJournal>> open_read_only(const std::string& path,
                                                                            const StoreOptions& options);
  ~RocksJournal() override;

  [[nodiscard]] std::vector<StoreSetting> settings() const;  // as they are in force, for the log at start
  // Reads every block and every value of every file: damage that no read has met yet. Takes long; run it in a
  // thread of its own.
  [[nodiscard]] Result<void> verify_files() const;
  // Why nothing is appended any more; empty while all is well.
  [[nodiscard]] std::string broken() const;

  [[nodiscard]] StoreIdentity identity() const override;
  [[nodiscard]] bool space_low() const override;
  [[nodiscard]] bool space_exhausted() const override;
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

  struct Impl;  // rocks_internal.h
  explicit RocksJournal(std::unique_ptr<Impl> impl);

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace tollgate::storage
