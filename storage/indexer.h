// The derived indexes: where the records of an RRN, a terminal's STAN, a transaction, a card token or a
// ledger entry lie, and lists of transactions, newest first. A thread of its own reads the journal behind the
// commit path and writes keys in sorted batches with its progress; what it has not reached yet is not found,
// so whoever needs the newest asks catch_up() first. The indexes can be thrown away at any time: a rebuilt
// one equals the one that grew.
//
// Owned by the composition root; journal and store outlive it. Threads: every function from any thread.
#pragma once

#include <memory>

#include "storage/index_store.h"
#include "storage/record_stream.h"
#include "switch/base/time.h"

namespace tollgate::storage {

struct IndexerOptions {
  std::size_t batch_keys = 32768;                    // 1 MiB of keys sorted and written together
  std::chrono::milliseconds gather{20};              // after news, wait for more of it
  std::function<void(const Error& error)> on_error;  // the thread has stopped: rebuild() starts it again
};

struct TxnItem {
  WallTime at;
  Position position;  // of the record that began it: Intent, Refusal or Tombstone
};

struct TxnQuery {
  std::optional<ObjectId> terminal;
  std::optional<WallTime> from, past;  // from inclusive, past exclusive
  std::optional<TxnItem> after;        // the last item of the page before
  std::size_t limit = 50;
};

class Indexer {
 public:
  // Checks the store's progress against the journal's chain; an index of another history is thrown away.
  [[nodiscard]] static Result<std::unique_ptr<Indexer>> start(const Journal& journal,
                                                              std::unique_ptr<IndexStore> store,
                                                              IndexerOptions options);
  ~Indexer();

  void notify() noexcept;                 // something was committed; cheap, never blocks
  [[nodiscard]] Result<void> catch_up();  // returns when all that was durable at the call is indexed
  [[nodiscard]] Result<void> rebuild();   // drops and reads again; queries see what is there meanwhile
  [[nodiscard]] GroupNo indexed(PartitionId partition) const;

  using Positions = Result<std::vector<Position>>;
  static constexpr std::size_t kFindMax = 1000;  // records of one key; what lies behind is not returned
  // In the order of the journal within a partition.
  [[nodiscard]] Positions find_by_rrn(std::uint64_t rrn) const;
  [[nodiscard]] Positions find_by_stan(ObjectId terminal, std::uint32_t batch, std::uint32_t stan) const;
  [[nodiscard]] Positions find_by_token(ByteView token) const;
  // Also records of another transaction that decide about this one: the void or reversal that resolves it.
  [[nodiscard]] Positions find_txn(TxnId txn) const;
  // Records that hold ledger entries with a sequence above `after`, ascending; a record with several entries
  // comes once.
  [[nodiscard]] Positions find_entries(PartitionId partition, EntrySeq after, std::size_t limit) const;
  [[nodiscard]] Result<std::vector<TxnItem>> list(const TxnQuery& query) const;  // newest first

  [[nodiscard]] Result<v1::Record> read_record(const Position& position) const;

 private:
  struct State;
  explicit Indexer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace tollgate::storage
