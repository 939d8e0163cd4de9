// The log of a terminal simulator: one JSON object a line, one write() a line, made after the answer was
// there, so that what a killed simulator leaves behind is what its terminals knew. It is compared with the
// ledger later.
//
//   {"at":"2026-11-21T10:02:11.123456Z","tid":"10000001","merchant":"102290058120001","batch":1,"stan":2,"kind":"sale",
//    "amount":10000,"outcome":"approved","code":"00","rrn":"101600000002","auth":"A12345","latency_us":1840}
//
// outcome: approved; declined (any other answer); unanswered (given up: a reversal follows); wrong_mac (the
// same); reversed (the line of a reversal, kind "reversal", stan that of its original); not_reversed (0410
// with another code); same (a retransmission got the same bytes) or not_the_same; a fault's name for a reply
// that was refused and ignored. No card number is in it. Owner: one simulator. Thread: one.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "switch/base/money.h"
#include "switch/base/result.h"
#include "switch/base/time.h"
#include "switch/sim/stream.h"

namespace tollgate::sim {

struct Outcome {
  std::string_view tid, merchant, kind, outcome, code, rrn, auth;
  std::uint32_t batch = 0, stan = 0;
  Amount amount;
  Duration latency{};
};

class OutcomeLog {
 public:
  // Writes nothing.
  OutcomeLog() = default;
  // Appends.
  [[nodiscard]] static Result<OutcomeLog> open(const std::string& path);
  // False when the line could not be written whole; the log is closed then and stays closed.
  bool write(const Outcome& outcome, WallTime at);
  [[nodiscard]] bool is_open() const noexcept { return static_cast<bool>(fd_); }

 private:
  Fd fd_;
};

}  // namespace tollgate::sim
