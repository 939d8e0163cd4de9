// What a worker counts. Plain integers of one writer, the engine's thread; the shell copies them into the
// metrics registry. Names follow the operations interface (tollgate_*). Never a TID, merchant or card as a
// key.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "switch/base/check.h"
#include "switch/base/histogram.h"

namespace tollgate::core {

// How often each answer of two characters (field 39) was given. Counting hashes two bytes and makes no
// string.
class CodeCounts {
 public:
  void add(std::string_view code) {
    TG_CHECK(code.size() == 2);
    ++counts_[static_cast<std::uint16_t>(static_cast<unsigned char>(code[0]) << 8 |
                                         static_cast<unsigned char>(code[1]))];
  }
  [[nodiscard]] std::map<std::string, std::uint64_t> by_code() const {
    std::map<std::string, std::uint64_t> all;
    for (const auto& [code, n] : counts_)
      all[{static_cast<char>(code >> 8), static_cast<char>(code & 0xFF)}] = n;
    return all;
  }

 private:
  boost::unordered_flat_map<std::uint16_t, std::uint64_t> counts_;
};

struct HostCounters {
  std::uint64_t sent = 0, answered = 0, approved = 0, declined = 0, timeouts = 0, late = 0, duplicates = 0,
                orphans = 0;
  std::uint64_t reversals_sent = 0, reversals_acknowledged = 0, reconnects = 0, refused_frames = 0;
  CodeCounts response_codes;
  Histogram round_trip;
};

struct Counters {
  std::uint64_t frames = 0, replies = 0, approved = 0, declined = 0, refused = 0, repeated = 0, timeouts = 0;
  std::uint64_t mac_failures = 0, late_replies = 0, duplicate_replies = 0, decode_errors = 0,
                reversals_owed_total = 0;
  std::uint64_t entries = 0, records = 0, groups = 0, fee_evaluations = 0, mailbox_full = 0, journal_full = 0;
  std::uint64_t connections_opened = 0, connections_refused = 0;
  std::uint32_t connections = 0, in_flight = 0, reversals_owed = 0;
  CodeCounts refusals;
  std::map<std::string, std::uint64_t> decode_reasons;  // by iso::Refusal
  std::map<std::string, std::uint64_t> closes;          // by CloseReason
  std::map<std::string, std::uint64_t> reversal_causes;
  std::map<std::string, HostCounters> hosts;
  Histogram duration;  // request read to reply handed to the socket
};

}  // namespace tollgate::core
