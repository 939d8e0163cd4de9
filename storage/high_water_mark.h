// The high-water mark: a small file, best on another disk, that says how far each partition was acknowledged.
// It turns losses that RocksDB cannot see (a deleted log, a cut at a record border) into a refused start
// (reference "durability", section 3).
//
// Two slots written in turn, preallocated. A slot, integers big-endian, zero to its end but for the hash:
//   0  8 magic "TGmark01"      24 16 store id              40  8 commit number; slot = commit mod 2
//   8  4 slot size             48 16 reserved              64 40·n per partition: last group 8, chain head 32
//  12  4 partitions n          16  8 store generation       size-32 32 SHA-256 of everything before
// 4 KiB hold 100 partitions; more make the slot larger, in steps of 4 KiB.
//
// Order: group durable, then mark, then answers. Never the mark first: a crash between would be a false
// alarm. Thread: advance by the commit thread; the rest by whoever owns it. After a failed write it takes
// nothing more (P6).
#pragma once

#include <memory>

#include "storage/journal.h"

namespace tollgate::storage {

struct MarkEntry {
  PartitionId partition;
  GroupNo group;
  Digest hash{};
};

struct Mark {
  StoreIdentity store;
  std::uint64_t commit = 0;
  std::vector<MarkEntry> partitions;  // by partition, the house first
};

enum class MarkHealth : std::uint8_t {
  good,
  older_slot,  // one slot was torn or rotten: the other counts, a window of one append
  unusable,    // both bad, or no file
};

struct MarkReading {
  MarkHealth health = MarkHealth::unusable;
  Mark mark;         // empty when unusable
  std::string note;  // why it is not good
};

// Where the bytes go: a file, or a test's.
class MarkFile {
 public:
  virtual ~MarkFile() = default;
  [[nodiscard]] virtual Result<Bytes> read() = 0;
  [[nodiscard]] virtual Result<void> write_at(std::size_t offset, ByteView bytes) = 0;  // pwrite, all of it
  [[nodiscard]] virtual Result<void> sync() = 0;                                        // fdatasync
};

[[nodiscard]] std::size_t mark_slot_size(std::size_t partitions) noexcept;
[[nodiscard]] Bytes encode_mark_slot(const Mark& mark);
[[nodiscard]] MarkReading decode_mark(ByteView file);  // trusts nothing

class HighWaterMark {
 public:
  // Only format creates: refuses a file that is there. partitions without the house.
  [[nodiscard]] static Result<void> create(const std::string& path, const StoreIdentity& store,
                                           std::uint16_t partitions);
  [[nodiscard]] static MarkReading read(const std::string& path);
  // To go on writing after a reading that is not unusable.
  [[nodiscard]] static Result<std::unique_ptr<HighWaterMark>> open(const std::string& path);
  HighWaterMark(std::unique_ptr<MarkFile> file, Mark mark);

  // Durable when it returns. Entries not named keep their place.
  [[nodiscard]] Result<void> advance(std::span<const MarkEntry> entries);
  [[nodiscard]] const Mark& state() const noexcept { return mark_; }

 private:
  std::unique_ptr<MarkFile> file_;
  Mark mark_;
  bool broken_ = false;
};

}  // namespace tollgate::storage
