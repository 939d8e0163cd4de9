#include "switch/core/txn_table.h"

#include "switch/base/check.h"

namespace tollgate::core {
namespace {

bool resolved(const Txn& txn) noexcept {
  return txn.state != TxnState::authorizing && txn.state != TxnState::reversing && !txn.resolving;
}

}  // namespace

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

bool TxnTable::has_room() const noexcept { return size() < max_ || resolved((*this)[oldest_]); }

void TxnTable::grow() {
  const auto capacity = entries_.empty() ? std::size_t{1024} : entries_.size() * 2;
  std::vector<Txn> bigger(capacity);
  for (auto i = oldest_; i != newest_; ++i) bigger[i & (capacity - 1)] = std::move((*this)[i]);
  entries_ = std::move(bigger);
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
  txn = Txn{};
  ++oldest_;
}

TxnIndex TxnTable::insert(std::uint64_t key, TxnId id, std::uint16_t mti) {
  if (size() == max_) {
    if (!resolved((*this)[oldest_])) return kNoTxn;
    evict_oldest();
  } else if (size() == entries_.size()) {
    grow();
  }
  const auto index = newest_++;
  auto& txn = (*this)[index];
  txn = Txn{};
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
