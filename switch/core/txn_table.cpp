#include "switch/core/txn_table.h"

#include "switch/base/check.h"

namespace tollgate::core {
namespace {

bool resolved(const Txn& txn) noexcept {
  return txn.state != TxnState::authorizing && txn.state != TxnState::reversing && !txn.resolving;
}

}  // namespace

TxnTable::TxnTable(std::uint32_t max) : max_(max), chunks_(max / kChunk + 2) {
  by_key_.reserve(max);
  by_id_.reserve(max);
}

TxnIndex TxnTable::find(std::uint64_t key, std::uint16_t mti) const noexcept {
  const auto it = by_key_.find(key);
  for (auto i = it == by_key_.end() ? kNoTxn : it->second; i != kNoTxn; i = (*this)[i].next)
    if ((*this)[i].mti == mti) return i;
  return kNoTxn;
}

TxnIndex TxnTable::find_original(std::uint64_t key) const noexcept {
  const auto it = by_key_.find(key);
  for (auto i = it == by_key_.end() ? kNoTxn : it->second; i != kNoTxn; i = (*this)[i].next)
    if ((*this)[i].mti != 0x0400) return i;
  return kNoTxn;
}

TxnIndex TxnTable::find_id(TxnId id) const noexcept {
  const auto it = by_id_.find(id.raw());
  return it == by_id_.end() ? kNoTxn : it->second;
}

bool TxnTable::has_room() const noexcept {
  return size() < max_ || resolved((*this)[oldest_]);
}

void TxnTable::evict_oldest() {
  auto& txn = (*this)[oldest_];
  by_id_.erase(txn.id.raw());
  const auto it = by_key_.find(txn.key);
  TG_CHECK(it != by_key_.end());
  if (it->second == oldest_) {
    by_key_.erase(it);  // the oldest is the last of its chain; being first too, it is the only one
  } else {
    auto i = it->second;
    while ((*this)[i].next != oldest_) i = (*this)[i].next;
    (*this)[i].next = kNoTxn;
  }
  ++oldest_;
}

TxnIndex TxnTable::insert(std::uint64_t key, TxnId id, std::uint16_t mti) {
  if (size() == max_) {
    if (!resolved((*this)[oldest_])) return kNoTxn;
    evict_oldest();
  }
  const auto index = newest_++;
  auto& chunk = chunks_[index / kChunk % chunks_.size()];
  if (chunk.capacity() == 0) chunk.reserve(kChunk);
  const auto place = index % kChunk;
  if (place == chunk.size()) {
    chunk.emplace_back();
  } else {
    chunk[place] = Txn{};
  }
  auto& txn = chunk[place];
  txn.id = id;
  txn.key = key;
  txn.mti = mti;
  auto [it, fresh] = by_key_.try_emplace(key, index);
  if (!fresh) {
    txn.next = it->second;
    it->second = index;
  }
  by_id_.emplace(id.raw(), index);
  return index;
}

}  // namespace tollgate::core
