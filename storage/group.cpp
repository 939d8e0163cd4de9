#include "storage/group.h"

#include <fmt/format.h>

#include <algorithm>

#include "switch/base/check.h"

namespace tollgate::storage {
namespace {

constexpr std::uint32_t kMagic = 0x54476772;  // "TGgr"
constexpr std::uint16_t kVersion = 2;

}  // namespace

std::string group_place(PartitionId partition, GroupNo group) {
  return fmt::format("partition {} group {}", partition.value, group.value);
}

GroupWriter::Stored GroupWriter::write(const StoreId& store, const Digest& previous,
                                       const GroupAppend& group) {
  Stored out{.prefix = {}, .payload = packer_.pack(group.payload).value_or(group.payload), .hash = {}};
  std::copy(previous.begin(), previous.end(), out.prefix.begin());
  auto* p = out.prefix.data();
  store_be32(p + 32, kMagic);
  store_be16(p + 36, kVersion);
  store_be16(p + 38, group.partition.value);
  store_be32(p + 40, group.epoch.value);
  store_be32(p + 44, static_cast<std::uint32_t>(group.payload.size()));
  std::copy(store.begin(), store.end(), p + 48);
  store_be64(p + 64, group.group.value);
  store_be32(p + 72, group.records);
  store_be32(p + 76, static_cast<std::uint32_t>(out.payload.size()));
  out.hash = Sha256::of(out.prefix, out.payload);
  return out;
}

Bytes GroupWriter::Stored::joined() const {
  Bytes out(prefix.size() + payload.size() + hash.size());
  auto at = std::copy(prefix.begin(), prefix.end(), out.begin());
  at = std::copy(payload.begin(), payload.end(), at);
  std::copy(hash.begin(), hash.end(), at);
  return out;
}

Result<Group> ChainReader::next(ByteView stored) {
  const auto damaged = [&](const char* what) {
    return fail(ErrorCode::damaged, what, group_place(partition_, next_));
  };
  if (stored.size() < kGroupOverhead) return damaged("the stored group is shorter than its header");
  const auto* p = stored.data();
  if (load_be32(p + 32) != kMagic) return damaged("the stored bytes are not a commit group");
  if (load_be16(p + 36) != kVersion) return damaged("the group has a version that this release does not know");
  auto payload = stored.subspan(kGroupPrefixSize, stored.size() - kGroupOverhead);
  if (load_be32(p + 76) != payload.size()) {
    return damaged("the stored group is not as long as its header says");
  }
  Digest hash;
  std::copy_n(payload.data() + payload.size(), hash.size(), hash.begin());
  if (proof_ == Proof::content && Sha256::of(stored.first(stored.size() - hash.size())) != hash) {
    return damaged("the bytes of the group do not match its hash");
  }
  if (!std::equal(store_.begin(), store_.end(), p + 48)) return damaged("the group belongs to another store");
  if (load_be16(p + 38) != partition_.value || load_be64(p + 64) != next_.value) {
    return damaged("another group lies in the place of this one");
  }
  if (known_ && !std::equal(previous_.begin(), previous_.end(), p)) {
    return damaged("the chain is broken: the group does not follow the one before it");
  }
  if (const std::size_t size = load_be32(p + 44); size != payload.size()) {
    if (size < payload.size() || size > kGroupPayloadMax || !unpack(payload, size, room_)) {
      return damaged("the payload of the group does not unpack");
    }
    payload = room_;
  }
  Group group{.partition = partition_,
              .epoch = {load_be32(p + 40)},
              .group = next_,
              .records = load_be32(p + 72),
              .payload = payload,
              .hash = hash};
  previous_ = hash;
  known_ = true;
  ++next_.value;
  return group;
}

std::optional<AppendRefusal> check_append(std::span<const GroupAppend> groups, std::span<const Head> heads) {
  for (std::size_t i = 0; i < groups.size(); ++i) {
    const auto& g = groups[i];
    TG_CHECK(g.partition.value < heads.size());
    TG_CHECK(g.payload.size() <= kGroupPayloadMax);
    TG_CHECK((g.records == 0) == g.payload.empty());
    for (const auto& cell : g.cells) {
      TG_CHECK(!cell.key.empty() && cell.key.size() <= kCellKeyMax);
      TG_CHECK(!cell.value || cell.value->size() <= kCellValueMax);
    }
    const auto& head = heads[g.partition.value];
    if (g.epoch != head.epoch) {
      return AppendRefusal{AppendResult::fenced,
                           fmt::format("{}: epoch {} is not the newest, {}",
                                       group_place(g.partition, g.group), g.epoch.value, head.epoch.value)};
    }
    const bool twice = std::any_of(groups.begin(), groups.begin() + static_cast<std::ptrdiff_t>(i),
                                   [&](const GroupAppend& other) { return other.partition == g.partition; });
    if (twice || g.group.value != head.group.value + 1) {
      return AppendRefusal{AppendResult::fenced,
                           fmt::format("{}: not the next group, the partition ends at {}",
                                       group_place(g.partition, g.group), head.group.value)};
    }
  }
  return std::nullopt;
}

}  // namespace tollgate::storage
