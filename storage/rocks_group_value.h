// How RocksDB holds a commit group: packed once, by the writer, so that the log, the memtable and the value
// files all carry the small form.
//
//   0   1  form of the payload: 0 as it is, 1 an LZ4 block
//   1  80  header of the group (group.h)
//  81   n  the payload in that form
//  81+n 32 its hash, over the header and the payload as it is
//
// The chain is made of what the group says, not of how it is packed. Thread: one at a time.
#pragma once

#include <array>
#include <memory>

#include "storage/group.h"

namespace tollgate::storage::rocks {

// The value's parts; they point to what was given and into the packer, until the next call.
class GroupPacker {
 public:
  GroupPacker();
  ~GroupPacker();
  [[nodiscard]] std::array<ByteView, 4> pack(const GroupPrefix& prefix, ByteView payload, const Digest& hash);

 private:
  struct Tables;  // of LZ4, kept from one group to the next
  std::unique_ptr<Tables> tables_;
  Bytes packed_;
};

// The group as group.h describes it, in `room` where it was packed. Damaged when it cannot be one.
[[nodiscard]] Result<ByteView> unpack_group(ByteView value, Bytes& room, PartitionId partition,
                                            GroupNo group);

}  // namespace tollgate::storage::rocks
