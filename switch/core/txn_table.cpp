#include "switch/core/txn_table.h"

#include <algorithm>
#include <bit>

#include "switch/base/check.h"

namespace tollgate::core {
namespace {

bool resolved(const Txn& txn) noexcept {
  return txn.state != TxnState::authorizing && txn.state != TxnState::reversing && !txn.resolving;
}

constexpr std::size_t kLine = 64;  // bytes

}  // namespace

// Half of the words stay empty, so that the way to an empty one is short.
KeyTable::KeyTable(std::uint32_t max)
    : bits_(static_cast<int>(std::bit_width(std::max<std::uint64_t>(2 * std::uint64_t{max}, 16) - 1))),
      mask_((std::size_t{1} << bits_) - 1),
      memory_(std::calloc((std::size_t{1} << bits_) * sizeof(std::uint64_t) + kLine, 1)) {
  TG_CHECK(bits_ <= kTagBits && memory_ != nullptr);
  const auto begin = reinterpret_cast<std::uintptr_t>(memory_.get());
  words_ = reinterpret_cast<std::uint64_t*>((begin + kLine - 1) / kLine * kLine);
}

// What stands behind moves up, as long as it stays at or behind its home.
void KeyTable::erase(std::size_t place) noexcept {
  auto hole = place;
  for (auto at = (hole + 1) & mask_; words_[at] != 0; at = (at + 1) & mask_) {
    const auto home = home_of(words_[at] >> 33);
    if (((at - home) & mask_) < ((at - hole) & mask_)) continue;
    words_[hole] = words_[at];
    hole = at;
  }
  words_[hole] = 0;
}

TxnTable::TxnTable(std::uint32_t max) : max_(max), chunks_(std::bit_ceil(max / kChunk + 2)), keys_(max) {}

std::size_t TxnTable::place_of(std::uint64_t key) const noexcept {
  return keys_.find(key, [&](std::uint32_t low) { return (*this)[whole(low)].key == key; });
}

void TxnTable::expect(std::uint64_t key) const noexcept {
  keys_.expect(key);
  const auto& chunk = chunk_of(newest_);
  if (chunk.capacity() != 0) prefetch_for_writing(chunk.data() + newest_ % kChunk, sizeof(Txn));
  if (size() == max_) prefetch_for_writing(&(*this)[oldest_], sizeof(Txn));  // it will go
}

TxnIndex TxnTable::find(std::uint64_t key) const noexcept {
  const auto place = place_of(key);
  return keys_.taken(place) ? whole(keys_.low(place)) : kNoTxn;
}

TxnIndex TxnTable::find(std::uint64_t key, std::uint16_t mti) const noexcept {
  for (auto i = find(key); i != kNoTxn; i = (*this)[i].next)
    if ((*this)[i].mti == mti) return i;
  return kNoTxn;
}

TxnIndex TxnTable::find_original(std::uint64_t key) const noexcept {
  for (auto i = find(key); i != kNoTxn; i = (*this)[i].next)
    if ((*this)[i].mti != 0x0400) return i;
  return kNoTxn;
}

TxnIndex TxnTable::find_id(TxnId id) const noexcept {
  if (remembered_ - oldest_ < size() && (*this)[remembered_].id == id) return remembered_;
  auto end = newest_;  // everything from here on is newer
  auto begin = end;
  for (std::uint64_t step = 16; begin != oldest_; step *= 4) {
    begin = std::max(oldest_, begin - std::min(step, begin - oldest_));
    if ((*this)[begin].id <= id) break;
    end = begin;
  }
  while (begin < end) {
    const auto middle = begin + (end - begin) / 2;
    const auto found = (*this)[middle].id;
    if (found == id) return middle;
    if (found < id) {
      begin = middle + 1;
    } else {
      end = middle;
    }
  }
  return kNoTxn;
}

bool TxnTable::has_room() const noexcept {
  return size() < max_ || resolved((*this)[oldest_]);
}

void TxnTable::evict_oldest() {
  auto& txn = (*this)[oldest_];
  const auto place = place_of(txn.key);
  TG_CHECK(keys_.taken(place));
  if (auto i = whole(keys_.low(place)); i == oldest_) {
    keys_.erase(place);  // the oldest is the last of its chain; being first too, it is the only one
  } else {
    while ((*this)[i].next != oldest_) i = (*this)[i].next;
    (*this)[i].next = kNoTxn;
  }
  ++oldest_;
}

TxnIndex TxnTable::insert(std::uint64_t key, TxnId id, std::uint16_t mti) {
  TG_CHECK(size() == 0 || (*this)[newest()].id < id);
  if (size() == max_) {
    if (!resolved((*this)[oldest_])) return kNoTxn;
    evict_oldest();
  }
  const auto place = place_of(key);
  const auto index = newest_++;
  auto& chunk = chunk_of(index);
  if (chunk.capacity() == 0) chunk.reserve(kChunk);
  const auto at = index % kChunk;
  if (at == chunk.size()) {
    if (at % (kPopulateStep / sizeof(Txn)) == 0) populate(chunk.data() + at);
    chunk.emplace_back();
  } else {
    chunk[at] = Txn{};
  }
  auto& txn = chunk[at];
  txn.id = id;
  txn.key = key;
  txn.mti = mti;
  if (keys_.taken(place)) txn.next = whole(keys_.low(place));
  keys_.set(place, key, index);
  return index;
}

}  // namespace tollgate::core
