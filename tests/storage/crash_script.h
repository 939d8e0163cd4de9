// The script that the crash harness cuts and fails: transactions on two partitions with cells, a small
// memtable so that flushes happen, snapshots in between, a close and reopen half-way. It runs in a process of
// its own; what was acknowledged stands in shared memory. And its verification, also in a process of its own,
// with the plain file system.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "storage/rocks_journal.h"
#include "tests/storage/fault_fs.h"

namespace tollgate::storage::test {

struct Shared {  // between the processes of one point
  std::atomic<std::uint64_t> acknowledged;
  std::atomic<std::uint64_t> snapshot;  // the newest one that counts, by its group
  std::atomic<std::uint64_t> calls;
  char text[500];
  void say(const std::string& what) noexcept;
};

struct CrashDirectory {
  std::string path;  // holds store/, mark, aside/
  [[nodiscard]] std::string store() const { return path + "/store"; }
  [[nodiscard]] std::string mark() const { return path + "/mark"; }
  [[nodiscard]] std::string aside() const { return path + "/aside"; }
};

inline constexpr std::uint64_t kTransactions = 200;
inline constexpr int kStoppedStatus = 3;  // of the script: an append or an open failed, it stopped at once

[[nodiscard]] StoreOptions crash_options();
void format_for_crash(const CrashDirectory& directory);  // _exits

// Runs the script and _exits: 0 when it came to its end.
[[noreturn]] void run_script(const CrashDirectory& directory, const FaultPlan& plan, bool sync,
                             Shared& shared);

enum class Found : int {
  complete = 0,
  lost = 11,     // acknowledged and gone, and the start did not notice
  noticed = 12,  // the start noticed: safe mode for missing or differing groups
  refused = 13,  // safe mode although nothing is missing, or no start at all
  half = 14,     // part of an append, a hole, a broken chain, other bytes
  named = 16,    // a group in the middle is gone: the mark looks at the newest ones, but no fold gets past it
  snapshot_lost = 15,  // one that counted is gone: a longer start, no lost record, and yet a broken promise
};

// Looks and _exits with Found. go_on: then writes a few transactions more and ends without closing, for a
// second look.
[[noreturn]] void verify_script(const CrashDirectory& directory, bool go_on, Shared& shared);

// Only: does it open when logs are read to the end of their files, as RocksDB would? _exits with refused when
// not.
[[noreturn]] void open_with_whole_logs(const CrashDirectory& directory, Shared& shared);

}  // namespace tollgate::storage::test
