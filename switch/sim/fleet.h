// Terminals that trade: a Fleet signs its terminals in, starts transactions at a fixed rate by a mix, sends
// what a terminal owes (reversals before anything new, up to three times in a row, then again after a rest),
// repeats byte by byte what was under way when a connection broke, and writes every outcome down. `tollgate
// sim terminals` and the demo are this.
//
// It is for behaviour, not for records: the load generator (load.h) is the cheap one. Owner: whoever started
// it. Thread: run() is the loop and belongs to one thread; stop() and report() may be called from any.
#pragma once

#include <atomic>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "switch/base/chance.h"
#include "switch/base/histogram.h"
#include "switch/sim/option_text.h"
#include "switch/sim/outcome_log.h"
#include "switch/sim/stream.h"
#include "switch/sim/terminal.h"

namespace tollgate::sim {

struct FleetOptions {
  std::string target;  // address of a listener that speaks cup
  std::vector<TerminalConfig> terminals;
  std::size_t connections = 4;  // terminals share them, as behind a concentrator
  std::uint32_t tps = 50;       // transactions started a second, while terminals are free
  Duration run_for{};           // zero: until stop()
  std::uint64_t starts = 0;     // ends after so many, if the time is not over before; 0: by time alone
  Mix mix;
  Duration timeout = std::chrono::seconds(30);  // a terminal's wait for an answer
  Duration rest = std::chrono::seconds(5);  // after a refused sign-in or three reversals without an answer
  std::uint32_t decline_ppm = 20'000;       // amounts that a simulated host declines (..51)
  std::uint32_t trouble_ppm = 2'000;  // amounts that it loses, delays or answers twice (..91, ..92, ..94)
  std::uint32_t first_stan = 0;  // 0: from the time of day, so that a restart in the same batch uses new ones
  crypto::SignInScheme scheme = crypto::SignInScheme::double_003;
  std::string log_path;  // outcome_log.h; empty: none
  std::uint64_t seed = 1;
};

struct FleetReport {
  std::size_t terminals = 0, signed_in = 0, connected = 0;
  std::uint64_t started = 0, approved = 0, declined = 0, unanswered = 0, reversed = 0, repeated = 0;
  std::uint64_t wrong_mac = 0, faults = 0;  // faults: refused replies, and repeats that got other bytes
  std::uint64_t late = 0;                   // answers to what was given up
  std::uint64_t skipped = 0;                // starts without a free terminal
  std::uint64_t exhausted = 0;              // terminals whose batch has no STAN left
  bool log_failed = false;
  std::map<std::string, std::uint64_t> codes;  // by field 39
  Histogram latency;                           // of answered requests, from sending
};

class Fleet {
 public:
  // Refuses a terminal that does not fit the dialect and a log that cannot be opened. Does not connect.
  [[nodiscard]] static Result<std::unique_ptr<Fleet>> make(FleetOptions options);

  // Until the time is over, nothing is under way and no reversal is owed (for which it waits at most two
  // time-outs and a rest), or stop().
  void run();
  void stop() noexcept;
  [[nodiscard]] FleetReport report() const;

 private:
  struct Member {
    SimTerminal terminal;
    std::uint32_t line = 0;           // its connection
    Act act = Act::echo;              // what is under way
    bool lose_answer = false;         // treat the next approval as lost
    bool repeating = false;           // a retransmission of an answered request is under way
    bool repeated = false;            // this request has been sent more than once
    std::uint32_t reversals = 0;      // sent in a row
    std::uint32_t extra_answers = 0;  // that may still come to what was given up
    std::uint64_t turn = 0;           // rises with each sending: old deadlines know that they are old
    Instant sent{};
  };
  struct Line {
    Stream stream;
    Instant retry;
    bool wants_write = false;
  };
  struct Later {
    Instant at;
    std::uint32_t member;
    std::uint64_t turn;
  };

  Fleet(FleetOptions options, OutcomeLog log, Poller poller);
  void connect_lines(Instant now);
  void line_up(std::uint32_t line, Instant now);
  void start_due(Instant now);
  void start(std::uint32_t index, Instant now);
  [[nodiscard]] ByteView build(Member& member);
  [[nodiscard]] SaleOrder order_for(Entry entry);
  [[nodiscard]] Amount amount();
  void send(std::uint32_t index, ByteView frame, Instant now);
  void sign_in(std::uint32_t index, Instant now);
  void receive(ByteView frame, Now now);
  void after(std::uint32_t index, const Verdict& verdict, Now now);
  void proceed(std::uint32_t index, Now now);
  void give_up_due(Now now);
  void note(const Member& member, std::string_view outcome, const Verdict& verdict, Now now);
  [[nodiscard]] std::uint32_t first_stan(Now now) const noexcept;
  [[nodiscard]] bool all_started(Instant now) const noexcept;
  [[nodiscard]] bool finished(Instant now) const noexcept;

  FleetOptions options_;
  OutcomeLog log_;
  Poller poller_;
  SeededChance chance_;
  std::vector<Member> members_;
  std::map<std::string, std::uint32_t, std::less<>> by_tid_;
  std::vector<Line> lines_;
  std::vector<std::uint32_t> ready_;  // signed in, nothing under way
  std::deque<Later> deadlines_, rests_;
  Instant next_start_, end_;
  std::size_t under_way_ = 0;
  FleetReport report_;
  mutable std::mutex report_mutex_;
  std::atomic<bool> stopping_ = false;
};

}  // namespace tollgate::sim
