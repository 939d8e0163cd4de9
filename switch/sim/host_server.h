// A simulated host on a socket: links of the switch come in, stay, and carry requests and replies (host.h
// decides). It reads and writes in batches, so that it costs a fraction of what it measures.
//
// Owner: whoever started it. Thread: run() is the loop and belongs to one thread; stop(), address(), books()
// and totals() may be called from any. Replies that wait (latency, late) are kept in a heap of at most
// delayed_max; beyond that, and when a link does not take more, they are not sent, and counted.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "switch/sim/host.h"
#include "switch/sim/stream.h"

namespace tollgate::sim {

struct HostServerOptions {
  std::string address = "127.0.0.1:0";
  HostOptions host = {};
  std::string log_path = {};  // appended to; empty: no log
  Duration batch{};           // collects requests this long before it looks at them; for throughput runs
  std::size_t links_max = 256;
  std::size_t delayed_max = 1'000'000;
};

class HostServer {
 public:
  // Listening when it returns.
  [[nodiscard]] static Result<std::unique_ptr<HostServer>> make(HostServerOptions options,
                                                                HostScript script = {});
  ~HostServer();

  // "127.0.0.1:41003".
  [[nodiscard]] const std::string& address() const noexcept { return address_; }
  void run();
  void stop() noexcept;
  [[nodiscard]] HostBooks books() const;
  [[nodiscard]] HostTotals totals() const;
  [[nodiscard]] std::size_t links() const;
  // Until a switch has linked up and signed on; false when the time was over first. Thread: any but the
  // loop's.
  [[nodiscard]] bool wait_for_sign_on(Duration patience) const;
  [[nodiscard]] std::uint64_t replies_dropped() const noexcept { return replies_dropped_; }
  // Processor time of the loop's thread so far; for load reports.
  [[nodiscard]] Duration processor_time() const noexcept { return Duration(processor_ns_.load()); }

 private:
  struct Link {
    Stream stream;
    std::uint32_t generation = 0;
    bool wants_write = false, touched = false;
  };
  struct Delayed {
    Instant at;
    std::uint64_t token;
    Bytes frame;
  };

  HostServer(HostServerOptions options, SimHost host, Fd listener, Fd log, Poller poller);
  void accept_links();
  void serve(std::uint64_t token, Now now);
  void send_due(Instant now);
  void flush(std::uint32_t index);
  void put(Link& link, std::uint32_t index, const HostStep& step, Instant now);
  [[nodiscard]] Link* link_of(std::uint64_t token) noexcept;
  [[nodiscard]] Duration patience(Instant now) const noexcept;

  HostServerOptions options_;
  SimHost host_;
  Fd listener_, log_;
  Poller poller_;
  std::string address_;
  std::vector<Link> links_;
  std::vector<std::uint32_t> touched_;
  std::vector<Delayed> delayed_;  // heap, soonest first
  mutable std::mutex books_mutex_;
  std::atomic<bool> stopping_ = false;
  std::atomic<std::uint64_t> replies_dropped_ = 0;
  std::atomic<std::int64_t> processor_ns_ = 0;
};

}  // namespace tollgate::sim
