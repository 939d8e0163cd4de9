// The transactions that a partition keeps in memory: what the replay guard, voids and reversals look up. A
// fold of the journal; bounded, and the oldest resolved ones leave first (they stay in the journal and its
// indexes).
//
// Replay key: terminal + batch + STAN (+ MTI). Messages of one key hang in one short chain: a sale and its
// reversal share the STAN (cup dialect, section 11). Owner: the partition. Thread: its worker. Indexes stay
// valid until the entry is evicted.
#pragma once

#include <array>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "switch/base/ids.h"
#include "switch/base/populate.h"
#include "switch/base/prefetch.h"
#include "switch/base/short_list.h"
#include "switch/base/time.h"
#include "switch/core/volumes.h"
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

// STANs go round: of two, the one that lies up to half the circle ahead is the later one.
[[nodiscard]] constexpr bool stan_follows(std::uint32_t stan, std::uint32_t other) noexcept {
  constexpr std::uint32_t kStans = 1'000'000;
  const auto ahead = (stan + kStans - other) % kStans;
  return ahead != 0 && ahead < kStans / 2;
}

using TxnIndex = std::uint64_t;  // running number; its place in the ring is the low bits
inline constexpr TxnIndex kNoTxn = UINT64_MAX;
inline constexpr std::uint32_t kNone = UINT32_MAX;

// Four lines of the processor, ordered: what the replay guard and an outcome look at comes first.
struct alignas(64) Txn {
  TxnId id;
  std::uint64_t key = 0;
  TxnIndex next = kNoTxn;          // same key, older
  std::uint32_t terminal = kNone;  // index in the partition
  std::uint32_t slot = kNone;      // in flight: its slot
  std::uint16_t mti = 0;
  iso::Kind kind = iso::Kind::unknown;
  TxnState state = TxnState::completed;
  bool approved = false;
  bool voided = false;     // a void or a reversal undid it in the books
  bool resolving = false;  // a void of it is in flight
  bool instant = false;
  std::uint16_t currency = 0;
  std::uint16_t host = 0;  // interned name
  Text<2> code;            // field 39
  Text<6> auth_code;
  crypto::ContentDigest digest;
  std::int64_t amount_minor = 0;
  std::uint64_t rrn = 0;
  Text<10> local;                 // hhmmssMMDD of the answer
  Text<10> transmitted;           // field 7 upstream
  ShortList<char> extras;         // further fields of the answer: see reply.h
  ShortList<StoredLeg> legs;      // what it booked, for the mirror
  std::uint64_t first_entry = 0;  // ledger numbers of what it booked: first_entry … + entry_seqs - 1
  std::uint32_t entry_seqs = 0;
  std::uint32_t host_stan = 0;
  std::uint64_t pan_group = 0;  // commit group whose sealed cell holds the card number; 0: none
  std::int64_t at_us = 0;
  BusinessDate business_date;
  std::uint32_t processing_code = 0;
  crypto::PanToken token;
  Counted counted;  // in the volume numbers
  TxnId original;   // what this one voids or reverses; it may have left the table
  std::unique_ptr<std::string>
      receipt;  // of an instant sale, whose void is a refund of what is left (v1.Receipt)
};

static_assert(sizeof(Txn) == 256);

// Key to newest transaction of that key: open addressing over words that hold 31 bits that stand for the key
// and the low half of the index, so that a look-up touches one line and, when the key is known, its
// transaction. A terminal counts its STANs up: eight in a row are at home in one line, so that most look-ups
// find it still near the processor.
class KeyTable {
 public:
  explicit KeyTable(std::uint32_t max);

  // The word's place; the place of an empty one when the key is not there. `same(low)`: whether the
  // transaction with this low half of an index has the key.
  template <class Same>
  [[nodiscard]] std::size_t find(std::uint64_t key, Same&& same) const noexcept {
    const auto tag = tag_of(key);
    auto place = home_of(tag);
    while (words_[place] != 0 && !(words_[place] >> 33 == tag && same(low(place))))
      place = (place + 1) & mask_;
    return place;
  }
  void expect(std::uint64_t key) const noexcept {
    prefetch_for_writing(&words_[home_of(tag_of(key))], sizeof(*words_));
  }
  [[nodiscard]] bool taken(std::size_t place) const noexcept { return words_[place] != 0; }
  [[nodiscard]] std::uint32_t low(std::size_t place) const noexcept {
    return static_cast<std::uint32_t>(words_[place]);
  }
  void set(std::size_t place, std::uint64_t key, TxnIndex index) noexcept {
    words_[place] = tag_of(key) << 33 | std::uint64_t{1} << 32 | static_cast<std::uint32_t>(index);
  }
  void erase(std::size_t place) noexcept;

 private:
  static constexpr int kTagBits = 31;
  static constexpr int kLineBits = 3;
  // From the top: the line, the key's last bits (its place there), and what of the hash still finds room.
  [[nodiscard]] std::uint64_t tag_of(std::uint64_t key) const noexcept {
    const int rest = kTagBits - bits_;
    const auto hash = ((key >> kLineBits) * 0x9E3779B97F4A7C15ULL) >> (64 - kTagBits + kLineBits);
    const auto in_line = key & ((1U << kLineBits) - 1);
    return (hash >> rest) << (rest + kLineBits) | in_line << rest | (hash & ((std::uint64_t{1} << rest) - 1));
  }
  [[nodiscard]] std::size_t home_of(std::uint64_t tag) const noexcept { return tag >> (kTagBits - bits_); }

  struct Free {
    void operator()(void* memory) const noexcept { std::free(memory); }
  };
  int bits_;
  std::size_t mask_;
  std::unique_ptr<void, Free> memory_;  // zero pages until they are written to
  std::uint64_t* words_ = nullptr;      // in it, from where a line begins
};

class TxnTable {
 public:
  explicit TxnTable(std::uint32_t max);

  [[nodiscard]] static std::uint64_t key_of(std::uint32_t terminal, std::uint32_t batch,
                                            std::uint32_t stan) noexcept {
    return std::uint64_t{terminal} << 40 | std::uint64_t{batch} << 20 | stan;
  }
  [[nodiscard]] static std::uint32_t batch_of(std::uint64_t key) noexcept { return key >> 20 & 0xFFFFF; }
  [[nodiscard]] static std::uint32_t stan_of(std::uint64_t key) noexcept { return key & 0xFFFFF; }
  // A message of this key has come: what find() and insert() will touch is fetched while its MAC is checked.
  // A table of a million transactions lies far from the processor.
  void expect(std::uint64_t key) const noexcept;
  void expect_at(TxnIndex index) const noexcept { prefetch_for_writing(&(*this)[index], sizeof(Txn)); }
  // The newest transaction of a key; kNoTxn when there is none. `next` leads to the older ones.
  [[nodiscard]] TxnIndex find(std::uint64_t key) const noexcept;
  // The newest of a key with this MTI.
  [[nodiscard]] TxnIndex find(std::uint64_t key, std::uint16_t mti) const noexcept;
  // The newest of a key whose MTI is not 0400: what a reversal or a void means.
  [[nodiscard]] TxnIndex find_original(std::uint64_t key) const noexcept;
  // Ids ascend with the index: looked for from the newest backwards, because what is in flight is asked for
  // most.
  [[nodiscard]] TxnIndex find_id(TxnId id) const noexcept;
  // It is known and will be asked for by its id.
  void remember(TxnIndex index) noexcept { remembered_ = index; }

  // What this one voids or reverses; kNoTxn when it means none, or one that has left.
  [[nodiscard]] TxnIndex find_original_of(const Txn& txn) const noexcept {
    return txn.original ? find_id(txn.original) : kNoTxn;
  }

  // Takes a place and links it under its key; `id` is larger than every one before. Evicts the oldest
  // resolved entry when the table is full; kNoTxn when even the oldest is still in flight or owed.
  [[nodiscard]] TxnIndex insert(std::uint64_t key, TxnId id, std::uint16_t mti);
  [[nodiscard]] bool has_room() const noexcept;
  // What the next insert() will push out; nullptr when there is a free place.
  [[nodiscard]] const Txn* leaving() const noexcept { return size() < max_ ? nullptr : &(*this)[oldest_]; }
  [[nodiscard]] TxnIndex newest() const noexcept { return newest_ - 1; }  // the one that insert() gave last
  [[nodiscard]] Txn& operator[](TxnIndex index) noexcept { return chunk_of(index)[index % kChunk]; }
  [[nodiscard]] const Txn& operator[](TxnIndex index) const noexcept {
    return chunk_of(index)[index % kChunk];
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
  using Chunk = std::vector<Txn, PopulatedAllocator<Txn>>;

  [[nodiscard]] Chunk& chunk_of(TxnIndex index) noexcept {
    return chunks_[index / kChunk & (chunks_.size() - 1)];
  }
  [[nodiscard]] const Chunk& chunk_of(TxnIndex index) const noexcept {
    return chunks_[index / kChunk & (chunks_.size() - 1)];
  }
  void evict_oldest();
  [[nodiscard]] std::size_t place_of(std::uint64_t key) const noexcept;
  [[nodiscard]] TxnIndex whole(std::uint32_t low) const noexcept {
    return oldest_ + static_cast<std::uint32_t>(low - static_cast<std::uint32_t>(oldest_));
  }

  static constexpr std::size_t kChunk = 4096;  // a power of two
  std::uint32_t max_;
  // A ring addressed by running number, in chunks that are made when they are first needed: a small store
  // stays small, and no message ever waits while a large one is moved. The keys' table has its full size from
  // the start for the same reason; what of it is not used is never touched.
  std::vector<Chunk> chunks_;  // a power of two of them
  TxnIndex oldest_ = 0, newest_ = 0;
  TxnIndex remembered_ = kNoTxn;
  KeyTable keys_;
};

}  // namespace tollgate::core
