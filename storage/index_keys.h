// Which keys a record has in the derived indexes. The first letter is the index; a position ends every key,
// so that several records under one RRN or STAN lie side by side, in the order of the journal.
//
//   R rrn 8                     S terminal 8, batch 4, stan 4      T transaction 8
//   K card token 16             L time 8                           M terminal 8, time 8
//   E partition 2, sequence 8 of a ledger entry
// L and M hold what a list of transactions shows: one key for each message of a terminal that was routed,
// refused or served. Thread: any; nothing is shared.
#pragma once

#include "storage/index_store.h"
#include "storage/record_stream.h"

namespace tollgate::storage {

enum class IndexKind : char {
  rrn = 'R',
  stan = 'S',
  txn = 'T',
  token = 'K',
  time = 'L',
  terminal_time = 'M',
  entry = 'E',
};

inline constexpr std::size_t kPositionSize = 14;

// Adds the keys of a record; false when a ledger entry inside it does not parse.
[[nodiscard]] bool extract_keys(const v1::Record& record, const Position& position,
                                std::vector<IndexKey>& out);

[[nodiscard]] IndexKey key_prefix(IndexKind kind) noexcept;
[[nodiscard]] IndexKey key_past(
    const IndexKey& prefix) noexcept;  // the first key behind all that begin with prefix
void put_position(IndexKey& key, const Position& position) noexcept;
[[nodiscard]] Position position_of(ByteView key) noexcept;
[[nodiscard]] std::uint64_t order_of(std::int64_t at_us) noexcept;  // signed time as bytes that sort
[[nodiscard]] std::int64_t time_of(std::uint64_t order) noexcept;

}  // namespace tollgate::storage
