#include "storage/snapshot_frame.h"

#include <algorithm>

#include "storage/group.h"

namespace tollgate::storage {
namespace {

constexpr std::uint32_t kMagic = 0x5447736e;  // "TGsn"
constexpr std::uint16_t kVersion = 1;
constexpr std::size_t kHashed = 80;  // then 32 bytes of SHA-256

Digest digest_of(ByteView manifest, ByteView state) noexcept {
  return Sha256::of(manifest.first(kHashed), state);
}

}  // namespace

SnapshotManifest make_snapshot_manifest(const StoreId& store, PartitionId partition,
                                        const Snapshot& snapshot) noexcept {
  SnapshotManifest out{};
  auto* p = out.data();
  store_be32(p, kMagic);
  store_be16(p + 4, kVersion);
  store_be16(p + 6, partition.value);
  std::copy(store.begin(), store.end(), p + 8);
  store_be64(p + 24, snapshot.group.value);
  store_be64(p + 32, snapshot.state.size());
  std::copy(snapshot.hash.begin(), snapshot.hash.end(), p + 48);
  const auto digest = digest_of(out, snapshot.state);
  std::copy(digest.begin(), digest.end(), p + kHashed);
  return out;
}

Result<std::uint64_t> snapshot_state_size(ByteView manifest) {
  if (manifest.size() != sizeof(SnapshotManifest) || load_be32(manifest.data()) != kMagic ||
      load_be16(manifest.data() + 4) != kVersion) {
    return fail(ErrorCode::damaged, "the stored bytes are not the manifest of a snapshot");
  }
  return load_be64(manifest.data() + 32);
}

Result<Snapshot> parse_snapshot(const StoreId& store, PartitionId partition, ByteView manifest,
                                Bytes&& state) {
  const auto size = snapshot_state_size(manifest);
  if (!size) return std::unexpected(size.error());
  const auto* p = manifest.data();
  Snapshot out{.group = {load_be64(p + 24)}, .hash = {}, .state = std::move(state)};
  const auto digest = digest_of(manifest, out.state);
  if (*size != out.state.size() || !std::equal(digest.begin(), digest.end(), p + kHashed) ||
      !std::equal(store.begin(), store.end(), p + 8) || load_be16(p + 6) != partition.value) {
    return fail(ErrorCode::damaged, "the snapshot does not match its hash",
                group_place(partition, out.group));
  }
  std::copy(p + 48, p + 80, out.hash.begin());
  return out;
}

}  // namespace tollgate::storage
