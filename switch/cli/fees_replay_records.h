// What a replay needs of a journal's records, cut out of their wire form without reading the rest: an outcome
// is a receipt and a few numbers, and most records are none. Bytes that do not read as records are an error.
// Thread: any; nothing is shared.
#pragma once

#include <cstdint>
#include <functional>
#include <unordered_map>
#include <unordered_set>

#include "storage/journal.h"

namespace tollgate::cli {

struct OutcomeBytes {
  std::uint64_t txn = 0, resolves = 0;
  bool approved = false;
  ByteView receipt;          // empty: none
  std::uint32_t offset = 0;  // of its record in the group
};
using OutcomeVisit = std::function<void(const OutcomeBytes&)>;

// Every outcome of a group. False when a record does not read.
[[nodiscard]] bool each_outcome(const storage::Group& group, const OutcomeVisit& visit);

// Which transactions were undone, and which ones later receipts refer to.
class Undone {
 public:
  [[nodiscard]] bool read(const storage::Group& group);
  // Its receipt counts as nothing: a mirror of it stands.
  [[nodiscard]] bool undone(std::uint64_t txn) const { return undone_.contains(txn); }
  // A refund or a replacement starts from its receipt.
  [[nodiscard]] bool referred(std::uint64_t txn) const { return referred_.contains(txn); }
  [[nodiscard]] bool any_referred() const { return !referred_.empty(); }
  // The transaction that this one refers to; 0 when it does to none.
  [[nodiscard]] std::uint64_t original_of(std::uint64_t txn) const;

 private:
  std::unordered_set<std::uint64_t> undone_, referred_;
  std::unordered_map<std::uint64_t, std::uint64_t> originals_;  // by the transaction that names one
  std::unordered_map<std::uint64_t, std::uint64_t> mirrors_;    // by the one that mirrored it
};

}  // namespace tollgate::cli
