// The terminals' connections of one worker: reads whole batches of frames and hands them over, gathers
// answers and writes them together, closes what is slow, silent or too big. What the bytes mean is the
// engine's business.
//
// Owner: the worker. Thread: the worker's loop. Promises: no allocation and no timer per message; a
// connection that does not read its answers is closed at its bound (`full`), a frame that does not become
// whole in time too (`frame_timeout`); of every connection that on_open accepted exactly one on_closed tells.
// No event is called from send() or close().
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "switch/base/bytes.h"
#include "switch/base/time.h"
#include "switch/core/outside.h"
#include "switch/net/buffers.h"
#include "switch/net/worker_counts.h"

namespace tollgate::net {

class Loop;

// What the sockets of a process may use together: beyond it, accepting pauses (security, threat 9).
struct SocketBudget {
  std::uint32_t most = 10'000;
  std::atomic<std::uint32_t> open{0};
};

class Sessions {
 public:
  class Events {
   public:
    virtual ~Events() = default;
    // nullopt refuses the connection.
    [[nodiscard]] virtual std::optional<core::ConnRef> on_open(std::uint16_t listener) = 0;
    // How many bytes were consumed; the rest comes again with more behind it.
    [[nodiscard]] virtual std::size_t on_bytes(const core::ConnRef& connection, ByteView bytes) = 0;
    virtual void on_closed(const core::ConnRef& connection) = 0;
  };
  struct Limits {
    Duration idle_timeout = std::chrono::hours(1);
    Duration frame_timeout = std::chrono::seconds(3);
    std::size_t unsent_max = 1 << 20;  // 256 requests in flight have answers of some 80 KB
    InBuffer::Bounds buffer{};
  };

  Sessions(Loop& loop, SocketBudget& budget, Limits limits, Events& events);
  ~Sessions();  // after the loop ended

  // Takes an accepted, non-blocking socket that the budget already counts.
  void adopt(int fd, std::uint16_t listener);
  void send(const core::ConnRef& connection, ByteView bytes);
  void close(const core::ConnRef& connection, core::CloseReason reason);
  void close_all(core::CloseReason reason);

  // At the end of a batch: first settle() (tells on_closed), then the engine's flush, then write().
  void settle();
  void write();
  void sweep();
  [[nodiscard]] const SessionStats& stats() const noexcept { return stats_; }

 private:
  struct Connection;
  [[nodiscard]] Connection* find(const core::ConnRef& ref) const noexcept;
  void read(Connection& c);
  void on_read(Connection& c, bool failed, std::size_t size);
  void write_now(Connection& c);
  void wait_writable(Connection& c);
  void begin_close(Connection& c, core::CloseReason reason);
  void release(Connection& c);

  Loop& loop_;
  SocketBudget& budget_;
  const Limits limits_;
  Events& events_;
  std::vector<std::unique_ptr<Connection>> connections_;  // in no order; a connection knows its place
  std::vector<Connection*> by_slot_;                      // the engine's slot -> connection
  std::vector<Connection*> dirty_, closing_;
  SessionStats stats_;
};

}  // namespace tollgate::net
