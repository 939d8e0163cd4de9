// Where derived indexes lie: an ordered set of small keys, written in sorted batches together with the
// indexer's progress. It may lag, vanish or be thrown away: everything in it is made again from the journal,
// and it never decides what was acknowledged. Two stores: RocksDB (rocks_index.h, a database of its own
// beside the journal, so that damage in an index stops no journal) and memory. Threads: write and clear by
// the indexer's thread; scans by any, beside them.
#pragma once

#include <array>
#include <compare>
#include <map>
#include <mutex>
#include <set>

#include "storage/journal.h"

namespace tollgate::storage {

// Everything is in the key; there is no value. Ordered as bytes.
struct IndexKey {
  static constexpr std::size_t kMax = 31;
  std::array<std::uint8_t, kMax> bytes{};
  std::uint8_t size = 0;

  [[nodiscard]] ByteView view() const noexcept { return {bytes.data(), size}; }
  void put(ByteView more) noexcept;
  void put16(std::uint16_t v) noexcept;
  void put32(std::uint32_t v) noexcept;
  void put64(std::uint64_t v) noexcept;
  friend std::strong_ordering operator<=>(const IndexKey& a, const IndexKey& b) noexcept;
  friend bool operator==(const IndexKey& a, const IndexKey& b) noexcept { return (a <=> b) == 0; }
};

struct IndexProgress {  // how far a partition is indexed, and by which history
  GroupNo group;
  Digest hash{};
};

class IndexStore {
 public:
  virtual ~IndexStore() = default;
  // All or nothing; keys ascend and none is twice in it. A key that is there already stays.
  [[nodiscard]] virtual Result<void> write(std::span<const IndexKey> keys, PartitionId partition,
                                           const IndexProgress& progress) = 0;
  [[nodiscard]] virtual Result<IndexProgress> progress(PartitionId partition) const = 0;
  // Keys from `from` (inclusive) to `past` (exclusive), ascending or descending, until visit returns false.
  using Visit = std::function<bool(ByteView key)>;
  [[nodiscard]] virtual Result<void> scan(ByteView from, ByteView past, bool descending,
                                          const Visit& visit) const = 0;
  [[nodiscard]] virtual Result<void> clear() = 0;
};

class MemoryIndex final : public IndexStore {
 public:
  [[nodiscard]] Result<void> write(std::span<const IndexKey> keys, PartitionId partition,
                                   const IndexProgress& progress) override;
  [[nodiscard]] Result<IndexProgress> progress(PartitionId partition) const override;
  [[nodiscard]] Result<void> scan(ByteView from, ByteView past, bool descending,
                                  const Visit& visit) const override;
  [[nodiscard]] Result<void> clear() override;

 private:
  mutable std::mutex mutex_;
  std::set<IndexKey> keys_;
  std::map<PartitionId, IndexProgress> progress_;
};

}  // namespace tollgate::storage
