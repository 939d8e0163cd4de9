// Transactions for people: found by facts and shown with their story. Derived from the journal, never
// deciding anything: the newest ones of each partition are kept as rows in memory, brought up to date by each
// question; the story itself is read from the journal when somebody asks for one.
//
// Bounds: kRowsMax rows a partition, the oldest are forgotten; the first question after a start reads at most
// kFirstGroups commit groups back. What lies before is found by its id only. Thread: any.
#pragma once

#include <array>
#include <boost/unordered/unordered_flat_map.hpp>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "proto/records.h"
#include "switch/admin/backend.h"

namespace tollgate::admin {

enum class TxnOutcome : std::uint8_t { pending, approved, declined, timeout, reversed, unknown };
[[nodiscard]] std::string_view name(TxnOutcome outcome) noexcept;

struct TxnRow {
  TxnId id;
  WallTime at;
  GroupNo group;               // of its first record
  std::vector<GroupNo> later;  // of its others, ascending
  ObjectId terminal;           // none: not known to the switch
  std::uint64_t rrn = 0;
  std::int64_t amount_minor = 0, duration_us = -1;
  TxnId original, resolved_by;
  std::uint32_t stan = 0, batch = 0, kind = 0, mti = 0, currency = 0;
  std::int32_t business_date = 0;
  TxnOutcome outcome = TxnOutcome::pending;
  std::string response_code, host, brand, pan_masked;
  std::string pan_token;           // 16 bytes
  std::string tid, merchant_code;  // as sent, where no terminal is known
  std::string reversal;            // "", owed, acknowledged, unknown_to_host
};

class TransactionReader {
 public:
  static constexpr std::size_t kRowsMax = 100'000;
  static constexpr std::uint64_t kFirstGroups = 5'000;

  explicit TransactionReader(const Backend& backend) : backend_(backend) {}

  struct Position {  // strictly before this one in newest-first order; at.us == 0: from the newest
    WallTime at;
    TxnId id;
  };
  struct Page {
    std::vector<TxnRow> rows;
    bool more = false;
    WallTime known_from;  // rows before this time may be missing; us == 0: none are
  };
  using Filter = std::function<bool(const TxnRow&)>;
  [[nodiscard]] Result<Page> list(const Position& before, std::size_t limit, const Filter& filter);

  // Every record of it, in order, with its time. Empty: no such transaction.
  struct Story {
    TxnRow row;
    std::vector<v1::Record> records;
    bool complete = true;  // false: too old for the index, later records may be missing
  };
  [[nodiscard]] Result<std::optional<Story>> story(TxnId id);

 private:
  struct Partition {
    GroupNo next{0};  // 0: never read
    bool truncated = false;
    std::uint64_t first = 0;  // number of rows.front()
    std::deque<TxnRow> rows;
    boost::unordered_flat_map<std::uint64_t, std::uint64_t> by_id;
  };
  [[nodiscard]] Result<void> catch_up(PartitionId partition);
  [[nodiscard]] Result<std::optional<GroupNo>> search(TxnId id) const;
  [[nodiscard]] Result<Story> tell(TxnRow row, std::vector<GroupNo> groups) const;
  static void apply(Partition& p, const v1::Record& record, GroupNo group);

  const Backend& backend_;
  std::mutex mutex_;
  std::map<std::uint16_t, Partition> partitions_;
};

// The transaction that a record is about; none for records of other things.
[[nodiscard]] TxnId txn_of(const v1::Record& record) noexcept;

}  // namespace tollgate::admin
