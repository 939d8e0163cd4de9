// What Prometheus' client libraries call process_*: read from /proc at each scrape (proc(5)). A file that
// cannot be read shows 0.
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <system_error>

#include "switch/base/metrics.h"

namespace tollgate::metrics {
namespace {

constexpr Family kCpu{
    "process_cpu_seconds_total", "User and system CPU time.", Type::counter, {}, Unit::nanoseconds};
constexpr Family kOpenFds{"process_open_fds", "Open file descriptors.", Type::gauge};
constexpr Family kMaxFds{"process_max_fds", "Most file descriptors that may be open.", Type::gauge};
constexpr Family kVirtual{"process_virtual_memory_bytes", "Virtual memory.", Type::gauge};
constexpr Family kResident{"process_resident_memory_bytes", "Resident memory.", Type::gauge};
constexpr Family kStart{
    "process_start_time_seconds", "Start, seconds since 1970.", Type::gauge, {}, Unit::nanoseconds};

constexpr std::int64_t kSecond = 1'000'000'000;

std::int64_t cpu_ns() {
  rusage usage{};
  if (::getrusage(RUSAGE_SELF, &usage) != 0) return 0;
  const auto ns = [](timeval t) { return t.tv_sec * kSecond + t.tv_usec * 1000; };
  return ns(usage.ru_utime) + ns(usage.ru_stime);
}

std::int64_t open_fds() {
  std::error_code error;
  std::filesystem::directory_iterator each("/proc/self/fd", error);
  return error ? 0 : std::distance(begin(each), end(each)) - 1;  // the iterator holds one itself
}

std::int64_t max_fds() {
  rlimit limit{};
  return ::getrlimit(RLIMIT_NOFILE, &limit) == 0 ? static_cast<std::int64_t>(limit.rlim_cur) : 0;
}

// Field 0 of /proc/self/statm is the whole, 1 what is resident, in pages.
std::int64_t memory_bytes(int field) {
  std::ifstream file("/proc/self/statm");
  std::int64_t pages = 0;
  for (int i = 0; i <= field; ++i) file >> pages;
  return file ? pages * ::sysconf(_SC_PAGESIZE) : 0;
}

// Boot time (btime of /proc/stat) plus field 22 of /proc/self/stat, in clock ticks; the command's name may
// hold spaces.
std::int64_t start_ns() {
  std::ifstream stat("/proc/self/stat");
  std::string text((std::istreambuf_iterator<char>(stat)), {});
  const auto name_end = text.rfind(')');
  if (name_end == std::string::npos) return 0;
  std::istringstream rest(text.substr(name_end + 1));
  std::string word;
  for (int field = 3; field <= 22; ++field) rest >> word;
  const auto ticks = std::strtoll(word.c_str(), nullptr, 10);
  std::ifstream boot("/proc/stat");
  std::int64_t booted = 0;
  while (boot >> word)
    if (word == "btime" && boot >> booted) break;
  return booted * kSecond + ticks * (kSecond / ::sysconf(_SC_CLK_TCK));
}

}  // namespace

void add_process_metrics(Registry& registry) {
  registry.add_reader(kCpu, {}, cpu_ns);
  registry.add_reader(kOpenFds, {}, open_fds);
  registry.add_reader(kMaxFds, {}, max_fds);
  registry.add_reader(kVirtual, {}, [] { return memory_bytes(0); });
  registry.add_reader(kResident, {}, [] { return memory_bytes(1); });
  registry.add_reader(kStart, {}, [start = start_ns()] { return start; });
}

}  // namespace tollgate::metrics
