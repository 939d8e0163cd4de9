// The load generator: sales at a fixed rate (open loop) or a fixed number in flight (closed loop), each
// terminal with one request at a time, each reply checked as a terminal checks it. `bench_load` is this with
// options.
//
// Open loop: a request has an intended time; its latency counts from that time, also when it went out late
// because no terminal was free or the generator was busy (no coordinated omission). Closed loop: latency
// counts from sending; it says what one slot sees, not what a customer at a fixed rate would see.
//
// Cheap on purpose: a request is a pattern built once a terminal, into which STAN, amount and MAC are
// written; one read and one write move many messages. Owner: its maker. Thread: run() is the loop; stop() may
// be called from any.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "switch/base/histogram.h"
#include "switch/sim/host_server.h"
#include "switch/sim/stream.h"
#include "switch/sim/terminal.h"

namespace tollgate::sim {

struct LoadOptions {
  std::string target;
  std::vector<TerminalConfig> terminals;
  std::size_t connections = 8;
  std::size_t depth = 16;  // closed loop: requests in flight a connection; open loop: not used
  std::uint32_t rate = 0;  // open loop: requests a second; 0: closed loop
  Duration warm_up = std::chrono::seconds(2);
  Duration duration = std::chrono::seconds(10);
  std::uint64_t requests = 0;  // ends after so many, if the time is not over before; 0: by time alone
  Duration timeout = std::chrono::seconds(30);  // then a reversal goes out
  Duration drop_after =
      std::chrono::seconds(1);  // open loop: an intended request that waited so long is dropped
  Duration tick{};  // looks at the sockets once a tick: fewer, larger reads; adds up to a tick of latency
  Entry entry = Entry::magstripe;
  bool mac = true;         // false: no MAC made, none checked (a listener with mac = "off")
  bool reconnect = false;  // goes on when the switch restarts; requests under way are sent again
  std::uint32_t first_stan = 1;
  std::uint64_t seed = 1;
  int server_pid = 0;                // whose processor time is read from /proc; 0: none
  const HostServer* host = nullptr;  // in the same process: its processor time
  std::string suspend_feed;          // a FIFO with lines "suspended TID" and "active TID"; empty: none
};

struct LoadReport {
  std::size_t terminals = 0, signed_in = 0;
  bool open_loop = false;
  double seconds = 0;                    // of the measured window; for display
  std::uint64_t sent = 0, answered = 0;  // in the window, by sending and by answering
  std::uint64_t approved = 0, refused = 0;
  std::uint64_t dropped = 0, unanswered = 0, reversed = 0, retransmitted = 0;  // whole run
  std::uint64_t late = 0;   // answers to what was given up or sent twice
  std::uint64_t wrong = 0;  // replies that do not fit their request: MTI, 3, 4, 11, 41, 39, MAC
  std::map<std::string, std::uint64_t> wrong_in;  // "mti", "field 4", "mac", "unexpected", "unreadable"
  std::uint64_t violations = 0;  // approvals of requests sent after their terminal was reported suspended
  std::map<std::string, std::uint64_t> codes;  // field 39, whole run
  std::map<std::string, std::uint64_t> refused_sign_ins;
  Histogram latency;                                      // answers to what was intended in the window
  Duration generator_time{}, host_time{}, server_time{};  // processor time in the window
  std::uint32_t next_stan = 0;                            // above every STAN used: the next run's first_stan
  std::string stopped;                                    // why it ended early; empty when it did not
};

class LoadGenerator {
 public:
  [[nodiscard]] static Result<std::unique_ptr<LoadGenerator>> make(LoadOptions options);
  ~LoadGenerator();
  // Connects, signs in, warms up, measures, drains. An error only when no terminal could be signed in or
  // connected.
  [[nodiscard]] Result<LoadReport> run();
  void stop() noexcept;

 private:
  class Engine;
  explicit LoadGenerator(std::unique_ptr<Engine> engine);
  std::unique_ptr<Engine> engine_;
};

// A table for people, and one JSON object for programs.
[[nodiscard]] std::string load_table(const LoadReport& report);
[[nodiscard]] std::string load_json(const LoadReport& report);

}  // namespace tollgate::sim
