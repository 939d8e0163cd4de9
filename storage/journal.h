// The journal: a fenced, durable, ordered append per partition, and a read from a position. All state of
// Tollgate is what you get by applying its records in order; nothing else is stored but what can be rebuilt
// from it.
//
// One append carries at most one group for each of several partitions, written together: all of them or none.
// A group is the records that a partition made since its last group, in their wire form (varint length +
// proto tollgate.v1.Record, repeated). The journal numbers nothing: the owner of a partition gives the
// number, the journal refuses any but the next one. It adds the chain: hash(n) = SHA-256(hash(n-1) ||
// header(n) || payload(n) as it is stored), see group.h.
//
// *Cells* lie beside the journal and are written in the same append: small sealed blobs (card numbers of open
// intents, keys) that must be durable together with the records that need them, and must be deletable, which
// a journal is not.
//
// Promises (tests/storage/journal_contract.h runs them against every implementation):
//   J1  append returns Durable only when the groups survive a crash of process and machine.
//   J2  A group is read back byte for byte, in order, without a gap; a damaged one is named, never skipped,
//   never altered. J3  An append by an owner whose epoch is not the newest of that partition is Fenced and
//   writes nothing. J4  After Unknown the journal refuses every further append (P6): the process must stop,
//   restart and look. J5  read() sees exactly the durable groups; it may run beside append() in another
//   thread.
// The engines behind it: RocksDB (storage/rocks_journal.h), memory (storage/memory_journal.h), the
// simulation's (tests/sim). A PostgreSQL one fits: one row per partition and group, primary key (partition,
// group), epoch compared in the statement.
//
// Threads: append and own by one thread at a time (the commit thread); snapshots beside them by any; reads by
// any.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "switch/base/bytes.h"
#include "switch/base/hash.h"
#include "switch/base/ids.h"
#include "switch/base/result.h"

namespace tollgate::storage {

struct CellWrite {
  std::string key;             // "vault/…", "pan/…"; at most 200 bytes
  std::optional<Bytes> value;  // nullopt deletes
};

struct GroupAppend {
  PartitionId partition;
  Epoch epoch;                // as own() gave it
  GroupNo group;              // last + 1
  std::uint32_t records = 0;  // how many the payload holds
  ByteView payload;
  std::span<const CellWrite> cells;
  bool essential =
      false;  // reversals, console, cells deleted: goes on below the watermark, down to the last reserve
};

// The same as its owner hands it to the commit thread, with its buffers.
struct CommitWork {
  PartitionId partition;
  Epoch epoch;
  GroupNo group;
  std::uint32_t records = 0;
  Bytes payload;
  std::vector<CellWrite> cells;
  bool essential = false;  // as GroupAppend: goes on below the watermark
};

enum class AppendResult : std::uint8_t {
  durable,
  fenced,   // another owner; nothing was written
  full,     // below the free-space watermark: refused before anything was written; may be tried again
  unknown,  // written or not: nobody can say (P6)
};

struct Group {
  PartitionId partition;
  Epoch epoch;
  GroupNo group;
  std::uint32_t records = 0;
  ByteView payload;  // valid during the call that shows it
  Digest hash{};     // of the chain up to and including this group
};

struct Head {     // where a partition ends
  GroupNo group;  // 0: nothing yet
  Digest hash{};  // all zero at 0
  Epoch epoch;    // of the newest owner
};

struct Snapshot {
  GroupNo group;  // the state after this group
  Digest hash{};  // the chain there; a snapshot whose hash is not the chain's is refused
  Bytes state;    // the owner's bytes
};

using StoreId = std::array<std::uint8_t,
                           16>;  // random, given by format; inside every group, so that two stores never mix

struct StoreIdentity {
  StoreId id{};
  std::uint64_t generation = 0;  // 1 after format; rises when an operator accepts a damaged store
  friend bool operator==(const StoreIdentity&, const StoreIdentity&) = default;
};

// A snapshot whose bytes are written and which does not count yet: the one before it is still the newest.
// Dropped without install() it leaves nothing behind. Must not outlive its journal.
class StagedSnapshot {
 public:
  virtual ~StagedSnapshot() = default;
  // Durable when it returns without an error; older snapshots may be dropped. Short, whatever the size of the
  // state: an append beside it waits for a sync or two. Once at most.
  [[nodiscard]] virtual Result<void> install() = 0;
};

enum class Proof : std::uint8_t { content, links };

class Journal {
 public:
  virtual ~Journal() = default;

  [[nodiscard]] virtual StoreIdentity identity() const { return {}; }
  // Below the free-space watermark: the owner should refuse new work now; essential groups still go through.
  [[nodiscard]] virtual bool space_low() const { return false; }
  // Below the last reserve: nothing is written at all. Whoever orders something now should hear so at once.
  [[nodiscard]] virtual bool space_exhausted() const { return false; }

  [[nodiscard]] virtual std::uint16_t partitions()
      const noexcept = 0;  // merchant partitions 1 … n, besides the house 0

  // Takes a partition: its epoch rises by one, durably. From then on every older owner is fenced.
  [[nodiscard]] virtual Result<Epoch> own(PartitionId partition) = 0;
  [[nodiscard]] virtual Head head(PartitionId partition) const = 0;

  // Blocks until durable. On full, fenced and unknown the text says why, for the log.
  [[nodiscard]] virtual AppendResult append(std::span<const GroupAppend> groups, std::string& why) = 0;

  // Shows groups from `from` on, in order, until the end or until visit returns false. Checks the chain as it
  // goes: hashes every group (Proof::content), or compares numbers and the hashes that stand in the groups
  // (Proof::links), for readers that prove something else and leave the content to the store's own checksums.
  using Visit = std::function<bool(const Group&)>;
  [[nodiscard]] virtual Result<void> read(PartitionId partition, GroupNo from, const Visit& visit,
                                          Proof proof) const = 0;
  [[nodiscard]] Result<void> read(PartitionId partition, GroupNo from, const Visit& visit) const {
    return read(partition, from, visit, Proof::content);
  }

  // The state of a partition after a group that is durable, in two steps: staging writes and syncs all of it
  // and may run beside append on a thread of the lowest priority, installing makes it the newest one.
  [[nodiscard]] virtual Result<std::unique_ptr<StagedSnapshot>> stage_snapshot(PartitionId partition,
                                                                               Snapshot&& snapshot) = 0;
  [[nodiscard]] Result<void> put_snapshot(PartitionId partition, Snapshot snapshot) {
    auto staged = stage_snapshot(partition, std::move(snapshot));
    return staged ? (*staged)->install() : std::unexpected(std::move(staged.error()));
  }
  [[nodiscard]] virtual Result<std::optional<Snapshot>> latest_snapshot(PartitionId partition) const = 0;

  [[nodiscard]] virtual Result<std::optional<Bytes>> cell(std::string_view key) const = 0;
  using VisitCell = std::function<bool(std::string_view key, ByteView value)>;
  [[nodiscard]] virtual Result<void> cells(std::string_view prefix, const VisitCell& visit) const = 0;
};

}  // namespace tollgate::storage
