// Processor time of this thread and of another process. Internal to sim/load_*.
#pragma once

#include <optional>

#include "switch/base/time.h"

namespace tollgate::sim {

[[nodiscard]] Duration thread_processor_time() noexcept;
// utime + stime of /proc/PID/stat, in steps of the kernel's tick (10 ms); nullopt when there is no such
// process.
[[nodiscard]] std::optional<Duration> process_processor_time(int pid);

}  // namespace tollgate::sim
