// The transactions that a partition keeps in memory: what the replay guard, voids and reversals look up. A
// fold of the journal; bounded, and the oldest resolved ones leave first (they stay in the journal and its
// indexes).
//
// Replay key: terminal + batch + STAN (+ MTI). Messages of one key hang in one short chain: a sale and its
// reversal share the STAN (cup dialect, section 11). Owner: the partition. Thread: its worker. Indexes stay
// valid until the entry is evicted.
#pragma once

#include <array>
#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "switch/base/ids.h"
#include "switch/base/time.h"
#include "switch/crypto/tokens.h"
#include "switch/iso/dialect.h"

namespace tollgate::core {

enum class TxnState : std::uint8_t {
  authorizing,  // intent durable or on its way, no outcome
  completed,    // approved, declined or served: the answer is known
  reversing,    // a reversal is owed upstream
  reversed,     // … and was acknowledged
  refused,      // by the gate: a repeat may be judged anew
};

struct StoredLeg {
  std::int64_t amount_minor;
  std::uint32_t sub;  // interned
  std::uint16_t account;
  bool credit;
  std::uint8_t entry;  // which of the transaction's entries, from 0
};

template <std::size_t N>
struct Text {  // short text of known bound, inline
  std::array<char, N> chars{};
  std::uint8_t size = 0;
  void assign(std::string_view from) noexcept {
    size = static_cast<std::uint8_t>(from.size() < N ? from.size() : N);
    from.copy(chars.data(), size);
  }
  [[nodiscard]] std::string_view view() const noexcept { return {chars.data(), size}; }
  [[nodiscard]] bool empty() const noexcept { return size == 0; }
};

using TxnIndex = std::uint64_t;  // running number; its place in the ring is the low bits
inline constexpr TxnIndex kNoTxn = UINT64_MAX;
inline constexpr std::uint32_t kNone = UINT32_MAX;

struct Txn {
  TxnId id;
  std::uint64_t key = 0;
  TxnIndex next = kNoTxn;          // same key, older
  std::uint32_t terminal = kNone;  // index in the partition
  TxnIndex original = kNoTxn;      // what this one voids or reverses
  std::uint32_t slot = kNone;      // in flight: its slot
  iso::Kind kind = iso::Kind::unknown;
  std::uint16_t mti = 0;
  TxnState state = TxnState::completed;
  bool approved = false;
  bool voided = false;     // a void or a reversal undid it in the books
  bool resolving = false;  // a void of it is in flight
  bool instant = false;
  std::uint16_t currency = 0;
  std::uint16_t host = 0;       // interned name
  std::vector<StoredLeg> legs;  // what it booked, for the mirror
  std::int64_t amount_minor = 0;
  std::uint64_t rrn = 0;
  std::int64_t at_us = 0;
  BusinessDate business_date;
  std::uint32_t processing_code = 0;
  std::uint32_t entry_seqs = 0;
  std::uint64_t first_entry = 0;  // ledger numbers of what it booked: first_entry … + entry_seqs - 1
  std::uint32_t host_stan = 0;
  std::uint64_t pan_group = 0;  // commit group whose sealed cell holds the card number; 0: none
  crypto::ContentDigest digest;
  crypto::PanToken token;
  Text<2> code;  // field 39
  Text<6> auth_code;
  Text<10> local;        // hhmmssMMDD of the answer
  Text<10> transmitted;  // field 7 upstream
  std::string extras;    // further fields of the answer: see reply.h
  std::string receipt;   // of an instant sale, whose void is a refund of what is left (v1.Receipt)
};

class TxnTable {
 public:
  explicit TxnTable(std::uint32_t max);

  [[nodiscard]] static std::uint64_t key_of(std::uint32_t terminal, std::uint32_t batch,
                                            std::uint32_t stan) noexcept {
    return std::uint64_t{terminal} << 40 | std::uint64_t{batch} << 20 | stan;
  }
  // The newest transaction of a key with this MTI; kNoTxn when there is none.
  [[nodiscard]] TxnIndex find(std::uint64_t key, std::uint16_t mti) const noexcept;
  // The newest of a key whose MTI is not 0400: what a reversal or a void means.
  [[nodiscard]] TxnIndex find_original(std::uint64_t key) const noexcept;
  [[nodiscard]] TxnIndex find_id(TxnId id) const noexcept;

  // Takes a place and links it under its key. Evicts the oldest resolved entry when the table is full; kNoTxn
  // when even the oldest is still in flight or owed.
  [[nodiscard]] TxnIndex insert(std::uint64_t key, TxnId id, std::uint16_t mti);
  [[nodiscard]] bool has_room() const noexcept;
  [[nodiscard]] TxnIndex newest() const noexcept { return newest_ - 1; }  // the one that insert() gave last
  [[nodiscard]] Txn& operator[](TxnIndex index) noexcept {
    return chunks_[index / kChunk % chunks_.size()][index % kChunk];
  }
  [[nodiscard]] const Txn& operator[](TxnIndex index) const noexcept {
    return chunks_[index / kChunk % chunks_.size()][index % kChunk];
  }
  [[nodiscard]] std::size_t size() const noexcept { return newest_ - oldest_; }
  // Oldest to newest.
  template <class F>
  void each(F&& f) {
    for (auto i = oldest_; i != newest_; ++i) f(i, (*this)[i]);
  }
  template <class F>
  void each(F&& f) const {
    for (auto i = oldest_; i != newest_; ++i) f(i, (*this)[i]);
  }

 private:
  void evict_oldest();

  static constexpr std::size_t kChunk = 4096;  // a power of two
  std::uint32_t max_;
  // A ring addressed by running number, in chunks that are made when they are first needed: a small store
  // stays small, and no message ever waits while a large one is moved. The maps have their full size from the
  // start for the same reason; what of it is not used is never touched.
  std::vector<std::vector<Txn>> chunks_;
  TxnIndex oldest_ = 0, newest_ = 0;
  boost::unordered_flat_map<std::uint64_t, TxnIndex> by_key_;
  boost::unordered_flat_map<std::uint64_t, TxnIndex> by_id_;
};

}  // namespace tollgate::core
