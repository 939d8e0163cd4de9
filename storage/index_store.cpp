#include "storage/index_store.h"

#include <algorithm>
#include <cstring>

#include "switch/base/check.h"

namespace tollgate::storage {
namespace {

IndexKey key_of(ByteView bytes) noexcept {
  IndexKey key;
  key.put(bytes);
  return key;
}

}  // namespace

void IndexKey::put(ByteView more) noexcept {
  TG_CHECK(more.size() <= kMax - size);
  std::copy(more.begin(), more.end(), bytes.begin() + size);
  size = static_cast<std::uint8_t>(size + more.size());
}

void IndexKey::put16(std::uint16_t v) noexcept {
  std::array<std::uint8_t, 2> b;
  store_be16(b.data(), v);
  put(b);
}

void IndexKey::put32(std::uint32_t v) noexcept {
  std::array<std::uint8_t, 4> b;
  store_be32(b.data(), v);
  put(b);
}

void IndexKey::put64(std::uint64_t v) noexcept {
  std::array<std::uint8_t, 8> b;
  store_be64(b.data(), v);
  put(b);
}

std::strong_ordering operator<=>(const IndexKey& a, const IndexKey& b) noexcept {
  if (const int c = std::memcmp(a.bytes.data(), b.bytes.data(), std::min(a.size, b.size)); c != 0)
    return c <=> 0;
  return a.size <=> b.size;
}

Result<void> MemoryIndex::write(std::span<const IndexKey> keys, PartitionId partition,
                                const IndexProgress& progress) {
  const std::lock_guard lock(mutex_);
  for (const auto& k : keys) keys_.insert(k);
  progress_[partition] = progress;
  return {};
}

Result<IndexProgress> MemoryIndex::progress(PartitionId partition) const {
  const std::lock_guard lock(mutex_);
  const auto it = progress_.find(partition);
  return it == progress_.end() ? IndexProgress{} : it->second;
}

Result<void> MemoryIndex::scan(ByteView from, ByteView past, bool descending, const Visit& visit) const {
  std::vector<IndexKey> found;
  {
    const std::lock_guard lock(mutex_);
    found.assign(keys_.lower_bound(key_of(from)), keys_.lower_bound(key_of(past)));
  }
  if (descending) std::reverse(found.begin(), found.end());
  for (const auto& k : found) {
    if (!visit(k.view())) break;
  }
  return {};
}

Result<void> MemoryIndex::clear() {
  const std::lock_guard lock(mutex_);
  keys_.clear();
  progress_.clear();
  return {};
}

}  // namespace tollgate::storage
