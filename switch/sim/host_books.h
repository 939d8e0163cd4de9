// The books of a simulated host: what it was asked, what it decided, what was undone. They exist so that
// promises can be checked from outside: a sale that a terminal was promised and the switch posted stands here
// as approved; what the switch gave up on stands here as reversed.
//
// A request is known by 11, 7 and 41; a repeat is the same request. The oldest entry is forgotten when the
// bound is reached (counted; the log file keeps all). Owner: the host. Thread: the host's;
// HostServer::books() gives a copy to others.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "switch/iso/message.h"

namespace tollgate::sim {

struct HostKey {
  std::uint64_t transmitted = 0;  // field 7, MMDDhhmmss
  std::uint32_t stan = 0;         // field 11
  std::array<char, 8> tid{};      // field 41
  friend bool operator==(const HostKey&, const HostKey&) noexcept = default;
};

struct HostEntry {
  HostKey key;
  iso::Mti mti;
  std::uint32_t processing_code = 0;
  std::int64_t amount_minor = 0;
  std::array<char, 12> rrn{};          // field 37, the switch's
  std::array<char, 15> merchant{};     // field 42
  std::array<char, 2> code{'0', '0'};  // field 39 that was decided, told or not
  bool approved = false;
  bool reversed = false;        // a reversal found it
  bool tombstone = false;       // a reversal came before it, or instead of it
  bool silent = false;          // its rule says: never answered, repeats included
  std::uint32_t repeats = 0;    // of the request
  std::uint32_t reversals = 0;  // how often it was asked to be undone
  std::uint32_t auth = 0;       // number inside field 38
};

struct HostTotals {
  std::uint64_t requests = 0, approved = 0, declined = 0, repeats = 0;
  std::uint64_t reversals = 0, reversed = 0, unknown_reversals = 0, late_originals = 0;
  std::uint64_t unanswered = 0, late = 0, twice = 0, network = 0, unreadable = 0, forgotten = 0;
};

class HostBooks {
 public:
  explicit HostBooks(std::size_t entries_max);

  [[nodiscard]] HostEntry* find(const HostKey& key) noexcept;
  [[nodiscard]] const HostEntry* find(const HostKey& key) const noexcept;
  // The key must be new. The reference is valid until the next add.
  HostEntry& add(const HostEntry& entry);
  [[nodiscard]] std::size_t size() const noexcept { return count_; }
  [[nodiscard]] HostTotals& totals() noexcept { return totals_; }
  [[nodiscard]] const HostTotals& totals() const noexcept { return totals_; }
  // Oldest first.
  template <class Visit>
  void for_each(Visit&& visit) const {
    for (std::size_t i = 0; i < count_; ++i) visit(entries_[(first_ + i) % entries_max_]);
  }

 private:
  [[nodiscard]] std::size_t home_of(const HostKey& key) const noexcept;
  [[nodiscard]] std::size_t slot_of(
      const HostKey& key) const noexcept;  // where it is, or the free slot where it goes
  void drop_oldest() noexcept;

  std::vector<HostEntry> entries_;    // a ring
  std::vector<std::uint32_t> index_;  // open addressing: place in the ring + 1, 0 is free
  std::size_t entries_max_, first_ = 0, count_ = 0, mask_;
  HostTotals totals_;
};

}  // namespace tollgate::sim
