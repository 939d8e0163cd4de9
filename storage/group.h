// How one commit group of one partition is written, the same in every journal (J2). All integers are
// big-endian.
//
//   0   32  hash of the group before; zero for group 1        48  16  store id
//   32   4  magic "TGgr"                                      64   8  group number
//   36   2  version, 1                                        72   4  records in the payload
//   38   2  partition                                         76   4  payload size
//   40   4  epoch                                             80   n  payload
//   44   4  reserved, zero                                    80+n 32 SHA-256 of the bytes 0 … 80+n
//
// The last field is the chain: hash(n) = SHA-256(hash(n-1) || header(n) || payload(n)), one pass over
// contiguous bytes. Parsing trusts nothing: magic, version, store, partition, number, sizes and hash must be
// those that are expected, so that a flipped bit, a block of another file and a group of another store are
// all named as damage. Thread: any; nothing is shared.
#pragma once

#include <array>

#include "storage/journal.h"

namespace tollgate::storage {

inline constexpr std::size_t kGroupPrefixSize = 80;
inline constexpr std::size_t kGroupOverhead = kGroupPrefixSize + 32;
inline constexpr std::size_t kGroupPayloadMax = 256U
                                                << 20;  // far above a group in use; keeps sizes in 32 bits
inline constexpr std::size_t kCellKeyMax = 200;
inline constexpr std::size_t kCellValueMax = 1U << 20;

using GroupPrefix = std::array<std::uint8_t, kGroupPrefixSize>;

// What stands before the payload. The payload is not copied: a writer stores prefix, payload and hash one
// after the other.
[[nodiscard]] GroupPrefix make_group_prefix(const StoreId& store, const Digest& previous,
                                            const GroupAppend& group) noexcept;
[[nodiscard]] Digest chain_hash(const GroupPrefix& prefix, ByteView payload) noexcept;

[[nodiscard]] std::string group_place(PartitionId partition, GroupNo group);  // "partition 3 group 17"

// Checks the groups of one partition as they are read, one after the other from a given number.
class ChainReader {
 public:
  ChainReader(const StoreId& store, PartitionId partition, GroupNo from,
              Proof proof = Proof::content) noexcept
      : store_(store), partition_(partition), next_(from), proof_(proof), known_(from.value == 1) {}

  // The stored bytes of the next group. The payload of the result points into them.
  [[nodiscard]] Result<Group> next(ByteView stored);
  [[nodiscard]] GroupNo expected() const noexcept { return next_; }

 private:
  StoreId store_;
  PartitionId partition_;
  GroupNo next_;
  Proof proof_;
  bool known_;  // whether previous_ binds: it does from group 1 on, and after the first group otherwise
  Digest previous_{};
};

// Refuses what no journal may write: a group whose number, epoch or bounds are wrong. heads is indexed by
// partition; a group for a partition that the same append already has is refused because its number is not
// the next one.
struct AppendRefusal {
  AppendResult result;
  std::string why;
};
[[nodiscard]] std::optional<AppendRefusal> check_append(std::span<const GroupAppend> groups,
                                                        std::span<const Head> heads);

}  // namespace tollgate::storage
