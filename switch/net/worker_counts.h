// What the shell of a worker counts: plain integers, written by its thread, handed out as copies.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace tollgate::net {

inline constexpr std::size_t kCloseReasons = 6;  // of core::CloseReason

struct SessionStats {
  std::uint64_t opened = 0, refused = 0, reads = 0, writes = 0, bytes_in = 0, bytes_out = 0;
  std::array<std::uint64_t, kCloseReasons> closes{};
  std::vector<std::uint32_t> open;  // by listener
};

struct LinkStats {
  std::uint64_t connects = 0, failures = 0, reads = 0, writes = 0, bytes_in = 0, bytes_out = 0;
};

struct WorkerCounts {  // of the shell; the engine's are core::Counters
  SessionStats sessions;
  LinkStats links;
  std::uint64_t accept_pauses = 0, batches = 0;
};

}  // namespace tollgate::net
