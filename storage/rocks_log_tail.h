// Where a log of RocksDB ends whose file is longer than what was written to it: zeros wait there for the next
// records (rocks_log_files.h). A power cut in the middle of an append leaves the last record torn in front of
// them, whole sectors of it in any order; strict recovery takes that for rot and refuses. So what counts of
// such a file ends before a record that is not whole, if nothing whole begins behind it.
//
// That a record which was acknowledged is cut off with it (rot in the last one) is not for this to say: of
// the newest log the high-water mark does, at every start. Of an older one nothing may be cut.
//
// Pure but for the reading it is given. Thread: any.
// Source: RocksDB's "Write Ahead Log File Format": blocks of 32 KiB; a fragment is CRC-32C (masked, of type
// and content), length, type (full, first, middle, last).
#pragma once

#include <functional>

#include "switch/base/bytes.h"

namespace tollgate::storage::rocks {

// Fills all of `out` from `offset` on, inside the file; false when it cannot be read.
using ReadLog = std::function<bool(std::uint64_t offset, MutableBytes out)>;

struct LogEnd {
  std::uint64_t end =
      0;  // bytes of the file that count; all of them where that is in doubt: recovery then judges
  bool torn = false;  // what lies behind is not only zeros
};
[[nodiscard]] LogEnd log_end(std::uint64_t size, const ReadLog& read);

}  // namespace tollgate::storage::rocks
