// What a worker counts. Plain integers of one writer, the engine's thread; the shell copies them into the metrics registry.
// Names follow the operations interface (tollgate_*). Never a TID, merchant or card as a key.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "switch/base/histogram.h"

namespace tollgate::core {

struct HostCounters {
  std::uint64_t sent = 0, answered = 0, approved = 0, declined = 0, timeouts = 0, late = 0, duplicates = 0, orphans = 0;
  std::uint64_t reversals_sent = 0, reversals_acknowledged = 0, reconnects = 0, refused_frames = 0;
  std::map<std::string, std::uint64_t> response_codes;
  Histogram round_trip;
};

struct Counters {
  std::uint64_t frames = 0, replies = 0, approved = 0, declined = 0, refused = 0, repeated = 0, timeouts = 0;
  std::uint64_t mac_failures = 0, late_replies = 0, duplicate_replies = 0, decode_errors = 0, reversals_owed_total = 0;
  std::uint64_t entries = 0, records = 0, groups = 0, fee_evaluations = 0, mailbox_full = 0, journal_full = 0;
  std::uint64_t connections_opened = 0, connections_refused = 0;
  std::uint32_t connections = 0, in_flight = 0, reversals_owed = 0;
  std::map<std::string, std::uint64_t> refusals;        // by field 39
  std::map<std::string, std::uint64_t> decode_reasons;  // by iso::Refusal
  std::map<std::string, std::uint64_t> closes;          // by CloseReason
  std::map<std::string, std::uint64_t> reversal_causes;
  std::map<std::string, HostCounters> hosts;
  Histogram duration;                                   // request read to reply handed to the socket
};

}  // namespace tollgate::core
