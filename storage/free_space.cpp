#include "storage/free_space.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "switch/base/time.h"

namespace tollgate::storage {

std::optional<DiskSpace> probe_space(const std::string& path) {
  struct statvfs fs {};
  if (::statvfs(path.c_str(), &fs) != 0) return std::nullopt;
  return DiskSpace{std::uint64_t{fs.f_bavail} * fs.f_frsize, std::uint64_t{fs.f_blocks} * fs.f_frsize};
}

SpaceLevel judge_space(const DiskSpace& space, const SpaceLimits& limits) noexcept {
  if (space.free_bytes < limits.reserve_bytes) return SpaceLevel::exhausted;
  const bool low = space.free_bytes < limits.watermark_bytes ||
                   space.free_bytes < space.total_bytes / 100 * limits.watermark_percent;
  return low ? SpaceLevel::low : SpaceLevel::plenty;
}

FreeSpace::FreeSpace(std::string path, SpaceLimits limits, SpaceProbe probe)
    : path_(std::move(path)), limits_(limits), probe_(probe ? std::move(probe) : probe_space) {}

SpaceLevel FreeSpace::level_now() {
  const auto space = probe_(path_);
  const auto level = space ? judge_space(*space, limits_) : SpaceLevel::plenty;
  level_.store(level, std::memory_order_relaxed);
  checked_ns_.store(SystemClock::now().instant.ns, std::memory_order_relaxed);
  return level;
}

SpaceLevel FreeSpace::level_after(std::uint64_t bytes) const {
  const auto space = probe_(path_);
  if (!space) return SpaceLevel::low;
  if (bytes > space->free_bytes) return SpaceLevel::exhausted;
  return judge_space({space->free_bytes - bytes, space->total_bytes}, limits_);
}

SpaceLevel FreeSpace::level() {
  const auto checked = checked_ns_.load(std::memory_order_relaxed);
  const auto age = SystemClock::now().instant.ns - checked;
  if (checked == 0 || age >= Duration(limits_.check_every).count()) return level_now();
  return level_.load(std::memory_order_relaxed);
}

Result<void> make_ballast(const std::string& file, std::uint64_t bytes) {
  if (bytes == 0) return {};
  const int fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return fail(ErrorCode::io, std::generic_category().message(errno), file);
  const int error = ::posix_fallocate(fd, 0, static_cast<off_t>(bytes));
  ::close(fd);
  if (error != 0) {
    ::unlink(file.c_str());
    return fail(ErrorCode::io, std::generic_category().message(error), file);
  }
  return {};
}

bool release_ballast(const std::string& file) {
  return ::unlink(file.c_str()) == 0;
}

}  // namespace tollgate::storage
