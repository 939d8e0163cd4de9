// How one commit group of one partition is written, the same in every journal (J2). All integers are
// big-endian.
//
//   0   32  hash of the group before; zero for group 1        48  16  store id
//   32   4  magic "TGgr"                                      64   8  group number
//   36   2  version, 2                                        72   4  records in the payload
//   38   2  partition                                         76   4  n, stored size
//   40   4  epoch                                             80   n  payload, stored
//   44   4  payload size                                      80+n 32 SHA-256 of the bytes 0 … 80+n
//
// The payload is stored as it is, or as an LZ4 block where that is shorter: then n is below the payload size.
// The last field is the chain: hash(n) = SHA-256(hash(n-1) || header(n) || stored payload(n)), one pass over
// contiguous bytes; a reader that proves the content unpacks nothing whose hash it has not checked. Parsing
// trusts nothing: magic, version, store, partition, number, sizes and hash must be those that are expected, so
// that a flipped bit, a block of another file and a group of another store are all named as damage. Thread:
// any, each object one at a time.
#pragma once

#include <array>

#include "storage/group_packing.h"
#include "storage/journal.h"

namespace tollgate::storage {

inline constexpr std::size_t kGroupPrefixSize = 80;
inline constexpr std::size_t kGroupOverhead = kGroupPrefixSize + 32;
inline constexpr std::size_t kGroupPayloadMax = 256U
                                                << 20;  // far above a group in use; keeps sizes in 32 bits
inline constexpr std::size_t kCellKeyMax = 200;
inline constexpr std::size_t kCellValueMax = 1U << 20;

using GroupPrefix = std::array<std::uint8_t, kGroupPrefixSize>;

// Makes of a group what a journal stores: three parts, one after the other.
class GroupWriter {
 public:
  struct Stored {
    GroupPrefix prefix;
    ByteView payload;  // points to what was given or into the writer: valid until the next call
    Digest hash;
    [[nodiscard]] Bytes joined() const;
  };
  // `previous`: the hash of the partition's last group.
  [[nodiscard]] Stored write(const StoreId& store, const Digest& previous, const GroupAppend& group);

 private:
  Packer packer_;
};

[[nodiscard]] std::string group_place(PartitionId partition, GroupNo group);  // "partition 3 group 17"

// Checks the groups of one partition as they are read, one after the other from a given number.
class ChainReader {
 public:
  ChainReader(const StoreId& store, PartitionId partition, GroupNo from,
              Proof proof = Proof::content) noexcept
      : store_(store), partition_(partition), next_(from), proof_(proof), known_(from.value == 1) {}

  // The stored bytes of the next group. The payload of the result points into them or into this reader: valid
  // until the next call.
  [[nodiscard]] Result<Group> next(ByteView stored);
  [[nodiscard]] GroupNo expected() const noexcept { return next_; }

 private:
  StoreId store_;
  PartitionId partition_;
  GroupNo next_;
  Proof proof_;
  bool known_;  // whether previous_ binds: it does from group 1 on, and after the first group otherwise
  Digest previous_{};
  Bytes room_;  // for payloads that are stored packed
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
