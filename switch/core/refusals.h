// Refusals that stand beside the transactions: of a terminal that nobody knows, of a message that does not
// parse, under a STAN that is taken. The same bytes again get the same answer (P2), and nothing new is
// recorded. A ring of the newest ones, so that a stranger who sends rubbish forgets only rubbish: the replay
// guard's own table is not touched. A fold of the journal. Owner: the partition. Thread: its worker.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <vector>

#include "switch/base/bytes.h"
#include "switch/core/txn_table.h"

namespace tollgate::core {

struct Refused {
  crypto::ContentDigest digest;  // of the frame
  std::uint64_t rrn = 0;
  Text<10> local;
  Text<2> code;
};

class Refusals {
 public:
  static constexpr std::size_t kMax = 4096;

  // The newest of these bytes; nullptr when there is none, or none any more.
  [[nodiscard]] const Refused* find(const crypto::ContentDigest& digest) const {
    const auto it = by_digest_.find(key_of(digest));
    if (it == by_digest_.end()) return nullptr;
    const auto& found = ring_[it->second];
    return found.digest == digest ? &found : nullptr;
  }
  void add(const Refused& refused) {
    const auto place = static_cast<std::uint32_t>(next_++ % kMax);
    if (place == ring_.size()) {
      ring_.push_back(refused);
    } else {
      const auto old = by_digest_.find(key_of(ring_[place].digest));
      if (old != by_digest_.end() && old->second == place) by_digest_.erase(old);
      ring_[place] = refused;
    }
    by_digest_[key_of(refused.digest)] = place;
  }
  // Oldest to newest.
  template <class F>
  void each(F&& f) const {
    for (std::size_t i = next_ - ring_.size(); i != next_; ++i) f(ring_[i % kMax]);
  }

 private:
  // The digest is keyed: nobody outside can choose two that meet here.
  [[nodiscard]] static std::uint64_t key_of(const crypto::ContentDigest& digest) noexcept {
    return load_be64(digest.bytes.data());
  }

  std::vector<Refused> ring_;
  std::size_t next_ = 0;
  boost::unordered_flat_map<std::uint64_t, std::uint32_t> by_digest_;
};

}  // namespace tollgate::core
