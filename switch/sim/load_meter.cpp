#include "switch/sim/load_meter.h"

#include <fmt/format.h>
#include <time.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <string>

namespace tollgate::sim {

Duration thread_processor_time() noexcept {
  timespec at{};
  (void)::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &at);
  return std::chrono::seconds(at.tv_sec) + Duration(at.tv_nsec);
}

std::optional<Duration> process_processor_time(int pid) {
  std::ifstream in(fmt::format("/proc/{}/stat", pid));
  std::string line;
  if (!std::getline(in, line)) return std::nullopt;
  // The command name, in parentheses, may hold spaces: fields are counted from the last one. utime is field
  // 14, stime 15.
  const auto name_end = line.rfind(')');
  if (name_end == std::string::npos) return std::nullopt;
  std::istringstream fields(line.substr(name_end + 1));
  std::string skipped;
  for (int i = 3; i < 14; ++i) fields >> skipped;
  std::int64_t user = 0, system = 0;
  if (!(fields >> user >> system)) return std::nullopt;
  const auto tick_ns = 1'000'000'000 / ::sysconf(_SC_CLK_TCK);
  return Duration((user + system) * tick_ns);
}

}  // namespace tollgate::sim
