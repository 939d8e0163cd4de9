// Free space on the store's file system: RocksDB may abort when a disk is full (reference "durability", 1.3),
// so new work is refused before it comes to that. Two levels: below the watermark only essential groups go on
// (reversals, console), below the reserve nothing does. The ballast is a file of real blocks inside the store
// that is given up at a start on a full disk, so that recovery has room. Thread: any, so the probe
// is asked by several at once; level() asks it at most once in check_every.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "switch/base/result.h"

namespace tollgate::storage {

struct DiskSpace {
  std::uint64_t free_bytes = 0;  // what this process may still use
  std::uint64_t total_bytes = 0;
};

// nullopt when the system does not say; that counts as plenty, because refusing all work on a strange mount
// helps nobody.
using SpaceProbe = std::function<std::optional<DiskSpace>(const std::string& path)>;
[[nodiscard]] std::optional<DiskSpace> probe_space(const std::string& path);  // statvfs

struct SpaceLimits {
  std::uint64_t watermark_bytes = 2ULL << 30;  // low below this …
  unsigned watermark_percent = 5;  // … or below this share of the file system; 0 switches either off
  std::uint64_t reserve_bytes = 256ULL
                                << 20;  // room for the memtables to be flushed and for a compaction to end
  std::chrono::milliseconds check_every{200};
};

enum class SpaceLevel : std::uint8_t { plenty, low, exhausted };

class FreeSpace {
 public:
  FreeSpace(std::string path, SpaceLimits limits, SpaceProbe probe);
  [[nodiscard]] SpaceLevel level();      // at most check_every old
  [[nodiscard]] SpaceLevel level_now();  // asks
  // As if so many bytes more were taken, by what can be done without: not plenty where the system does not
  // say. Asks.
  [[nodiscard]] SpaceLevel level_after(std::uint64_t bytes) const;

 private:
  std::string path_;
  SpaceLimits limits_;
  SpaceProbe probe_;
  std::atomic<std::int64_t> checked_ns_{0};
  std::atomic<SpaceLevel> level_{SpaceLevel::plenty};
};

[[nodiscard]] SpaceLevel judge_space(const DiskSpace& space, const SpaceLimits& limits) noexcept;

// Makes the ballast file of real blocks when it is missing or short. Does nothing for 0 bytes.
[[nodiscard]] Result<void> make_ballast(const std::string& file, std::uint64_t bytes);
// True when there was one and it is gone now.
[[nodiscard]] bool release_ballast(const std::string& file);

}  // namespace tollgate::storage
