#include "switch/sim/host_books.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "switch/base/check.h"

namespace tollgate::sim {

HostBooks::HostBooks(std::size_t entries_max)
    : index_(std::bit_ceil(std::max<std::size_t>(entries_max, 8) * 2), 0),
      entries_max_(std::max<std::size_t>(entries_max, 1)),
      mask_(index_.size() - 1) {
  entries_.reserve(entries_max_);
}

std::size_t HostBooks::home_of(const HostKey& key) const noexcept {
  std::uint64_t tid;
  std::memcpy(&tid, key.tid.data(), sizeof tid);
  auto mix = (key.transmitted << 20 ^ key.stan) * 0x9E3779B97F4A7C15ULL ^ tid * 0xC2B2AE3D27D4EB4FULL;
  mix = (mix ^ mix >> 29) * 0xBF58476D1CE4E5B9ULL;
  return static_cast<std::size_t>(mix >> 32) & mask_;
}

std::size_t HostBooks::slot_of(const HostKey& key) const noexcept {
  auto slot = home_of(key);
  while (index_[slot] != 0 && !(entries_[index_[slot] - 1].key == key)) slot = (slot + 1) & mask_;
  return slot;
}

const HostEntry* HostBooks::find(const HostKey& key) const noexcept {
  const auto at = index_[slot_of(key)];
  return at == 0 ? nullptr : &entries_[at - 1];
}

HostEntry* HostBooks::find(const HostKey& key) noexcept {
  return const_cast<HostEntry*>(std::as_const(*this).find(key));
}

void HostBooks::drop_oldest() noexcept {
  auto hole = slot_of(entries_[first_].key);
  index_[hole] = 0;
  // Closes the gap, so that every key stays reachable from its home without marks of the dead (Knuth 6.4,
  // algorithm R).
  for (auto at = (hole + 1) & mask_; index_[at] != 0; at = (at + 1) & mask_) {
    const auto home = home_of(entries_[index_[at] - 1].key);
    if (((at - home) & mask_) >= ((at - hole) & mask_)) {
      index_[hole] = std::exchange(index_[at], 0);
      hole = at;
    }
  }
  first_ = (first_ + 1) % entries_max_;
  --count_;
  ++totals_.forgotten;
}

HostEntry& HostBooks::add(const HostEntry& entry) {
  if (count_ == entries_max_) drop_oldest();
  const auto slot = slot_of(entry.key);
  TG_CHECK(index_[slot] == 0);
  const auto place = (first_ + count_) % entries_max_;
  if (place == entries_.size()) {
    entries_.push_back(entry);
  } else {
    entries_[place] = entry;
  }
  index_[slot] = static_cast<std::uint32_t>(place + 1);
  ++count_;
  return entries_[place];
}

}  // namespace tollgate::sim
