// The host side of one worker: outgoing connections that the engine asks for by number. Requests of a batch
// leave with one write, answers come in batches. When to try again is the engine's business: every connect()
// is answered once by on_up or on_down, and a link that was up by on_down when it breaks.
//
// Owner: the worker. Thread: the worker's loop. Promises: no event is called from connect(), send() or
// close(); after close() no event of that link comes until the next connect(). A host that does not read what
// it is sent is down at the bound.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "switch/base/bytes.h"
#include "switch/base/time.h"
#include "switch/core/outside.h"
#include "switch/net/buffers.h"
#include "switch/net/worker_counts.h"

namespace tollgate::net {

class Loop;

class Links {
 public:
  class Events {
   public:
    virtual ~Events() = default;
    virtual void on_up(core::LinkId link) = 0;
    [[nodiscard]] virtual std::size_t on_bytes(core::LinkId link, ByteView bytes) = 0;
    virtual void on_down(core::LinkId link) = 0;
  };
  struct Limits {
    Duration connect_timeout = std::chrono::seconds(5);
    std::size_t unsent_max = 4 << 20;
    InBuffer::Bounds buffer{.initial = 16 << 10, .wide = 16 << 10, .most = 256 << 10};
  };

  Links(Loop& loop, Limits limits, Events& events);
  ~Links();  // after the loop ended

  void connect(core::LinkId link, std::string_view address);
  void send(core::LinkId link, ByteView bytes);
  void close(core::LinkId link);
  void close_all();

  // At the end of a batch: settle() tells on_down of what broke, then the engine's flush, then write().
  void settle();
  void write();
  void sweep();
  [[nodiscard]] const LinkStats& stats() const noexcept { return stats_; }

 private:
  struct Link;
  [[nodiscard]] Link* find(core::LinkId id) const noexcept;
  void resolve(Link& link, std::string_view address);
  void open(Link& link, const void* endpoint);
  void on_connected(Link& link, bool failed);
  void read(Link& link);
  void on_read(Link& link, bool failed, std::size_t size);
  void write_now(Link& link);
  void breaks(Link& link);
  void abandon(std::unique_ptr<Link> link);
  void bury();

  Loop& loop_;
  const Limits limits_;
  Events& events_;
  std::vector<std::unique_ptr<Link>> links_;      // by LinkId: engines number from 0
  std::vector<std::unique_ptr<Link>> abandoned_;  // closed, but an operation still holds the address
  std::vector<Link*> dirty_, broken_;
  LinkStats stats_;
};

}  // namespace tollgate::net
