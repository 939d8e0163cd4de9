// Identifiers that do not mix, and the one generator of ids. No randomness: partition + start epoch + sequence, so a replay
// makes the same ids (DESIGN, "Time, ids, chance"). Shown as prefix + 13 characters of Crockford base32, upper case.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace tollgate {

template <class Tag, class T>
struct Strong {
  T value{};
  friend constexpr auto operator<=>(Strong, Strong) noexcept = default;
};

using PartitionId = Strong<struct PartitionTag, std::uint16_t>;  // 0 is the house: reference data and access
using Epoch = Strong<struct EpochTag, std::uint32_t>;            // start of an owner; rises by one
using GroupNo = Strong<struct GroupTag, std::uint64_t>;          // commit group of a partition, from 1 without a gap
using EntrySeq = Strong<struct EntryTag, std::uint64_t>;         // ledger entry of a partition, from 1 without a gap

inline constexpr PartitionId kHouse{0};

// 64 bits: 10 partition, 20 epoch, 34 sequence (17,179,869,183 ids between two starts).
class ObjectId {
 public:
  constexpr ObjectId() noexcept = default;
  constexpr explicit ObjectId(std::uint64_t raw) noexcept : raw_(raw) {}
  constexpr ObjectId(PartitionId partition, Epoch epoch, std::uint64_t sequence) noexcept
      : raw_(std::uint64_t{partition.value} << 54 | std::uint64_t{epoch.value} << 34 | sequence) {}
  [[nodiscard]] constexpr std::uint64_t raw() const noexcept { return raw_; }
  [[nodiscard]] constexpr PartitionId partition() const noexcept { return {static_cast<std::uint16_t>(raw_ >> 54)}; }
  [[nodiscard]] constexpr explicit operator bool() const noexcept { return raw_ != 0; }
  friend constexpr auto operator<=>(ObjectId, ObjectId) noexcept = default;

 private:
  std::uint64_t raw_ = 0;
};

using TxnId = ObjectId;

// "txn_" + 13 characters.
[[nodiscard]] std::string format_id(std::string_view prefix, ObjectId id);
// nullopt when the prefix or a character is not what format_id writes.
[[nodiscard]] std::optional<ObjectId> parse_id(std::string_view prefix, std::string_view text);

inline constexpr std::uint32_t kEpochMax = (1U << 20) - 1;
inline constexpr std::uint16_t kPartitionsMax = 1023;

}  // namespace tollgate

template <class Tag, class T>
struct std::hash<tollgate::Strong<Tag, T>> {
  std::size_t operator()(tollgate::Strong<Tag, T> id) const noexcept { return std::hash<T>{}(id.value); }
};
template <>
struct std::hash<tollgate::ObjectId> {
  std::size_t operator()(tollgate::ObjectId id) const noexcept { return static_cast<std::size_t>(id.raw() * 0x9E3779B97F4A7C15ULL); }
};
