#include "switch/net/session.h"

#include <sys/socket.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <cerrno>

#include "switch/net/loop.h"

namespace tollgate::net {

using boost::asio::ip::tcp;
using core::CloseReason;
using core::ConnRef;

struct Sessions::Connection {
  Connection(boost::asio::io_context& context, InBuffer::Bounds bounds) : socket(context), in(bounds) {}

  tcp::socket socket;
  ConnRef ref;
  std::size_t place = 0;  // in connections_
  std::uint16_t listener = 0;
  std::uint8_t pending = 0;  // operations that still hold this address
  bool dirty = false, waits_writable = false, closing = false, closed = false;
  InBuffer in;
  OutBuffer out;
  Instant last_read{}, partial_since{};  // partial_since.ns == 0: no partial frame waits
};

Sessions::Sessions(Loop& loop, SocketBudget& budget, Limits limits, Events& events)
    : loop_(loop), budget_(budget), limits_(limits), events_(events) {}

Sessions::~Sessions() = default;

Sessions::Connection* Sessions::find(const ConnRef& ref) const noexcept {
  if (ref.slot >= by_slot_.size()) return nullptr;
  auto* c = by_slot_[ref.slot];
  return c != nullptr && c->ref == ref ? c : nullptr;
}

void Sessions::adopt(int fd, std::uint16_t listener) {
  auto owned = std::make_unique<Connection>(loop_.context(), limits_.buffer);
  auto& c = *owned;
  // The protocol only matters for what the kernel is asked later, which is the same for both families.
  boost::system::error_code error;
  c.socket.assign(tcp::v4(), fd, error);
  if (error) {
    ::close(fd);
    budget_.open.fetch_sub(1, std::memory_order_relaxed);
    return;
  }
  const auto ref = events_.on_open(listener);
  if (!ref) {
    ++stats_.refused;
    budget_.open.fetch_sub(1, std::memory_order_relaxed);
    return;  // the socket closes with its owner
  }
  c.ref = *ref;
  c.listener = listener;
  c.last_read = loop_.now().instant;
  c.place = connections_.size();
  connections_.push_back(std::move(owned));
  if (by_slot_.size() <= ref->slot) by_slot_.resize(ref->slot + 1, nullptr);
  by_slot_[ref->slot] = &c;
  if (stats_.open.size() <= listener) stats_.open.resize(listener + 1U, 0);
  ++stats_.open[listener];
  ++stats_.opened;
  read(c);
}

void Sessions::read(Connection& c) {
  ++c.pending;
  const auto room = c.in.room();
  c.socket.async_read_some(boost::asio::buffer(room.data(), room.size()),
                           [this, &c](const boost::system::error_code& error, std::size_t size) {
                             --c.pending;
                             on_read(c, static_cast<bool>(error), size);
                           });
}

void Sessions::on_read(Connection& c, bool failed, std::size_t size) {
  if (c.closing) {
    release(c);
    return;
  }
  if (failed) {  // the peer closed, or the connection broke: half a connection is of no use to either side
    begin_close(c, CloseReason::peer);
    return;
  }
  const auto at = loop_.now().instant;
  ++stats_.reads;
  stats_.bytes_in += size;
  c.last_read = at;
  c.in.added(size);
  const auto consumed = events_.on_bytes(c.ref, c.in.view());
  c.in.consume(consumed);
  if (c.in.empty()) {
    c.partial_since = {};
  } else if (consumed != 0 || c.partial_since.ns == 0) {
    c.partial_since = at;  // a frame began to wait; bytes that trickle in do not renew it
  }
  if (c.in.is_stuck()) begin_close(c, CloseReason::malformed);
  if (!c.closing) read(c);
}

void Sessions::send(const ConnRef& connection, ByteView bytes) {
  auto* c = find(connection);
  if (c == nullptr || c->closing) return;
  c->out.append(bytes);
  if (c->out.unsent().size() > limits_.unsent_max) {
    if (!c->waits_writable) write_now(*c);
    if (c->out.unsent().size() > limits_.unsent_max) begin_close(*c, CloseReason::full);
    return;
  }
  if (!c->dirty && !c->waits_writable) {
    c->dirty = true;
    dirty_.push_back(c);
  }
}

void Sessions::write_now(Connection& c) {
  const auto unsent = c.out.unsent();
  if (unsent.empty()) return;
  ++stats_.writes;
  const auto n = ::send(c.socket.native_handle(), unsent.data(), unsent.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (n > 0) {
    stats_.bytes_out += static_cast<std::uint64_t>(n);
    c.out.sent(static_cast<std::size_t>(n));
  } else if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
    begin_close(c, CloseReason::peer);
    return;
  }
  if (!c.out.empty() && !c.closing) wait_writable(c);
}

void Sessions::wait_writable(Connection& c) {
  c.waits_writable = true;
  ++c.pending;
  c.socket.async_wait(tcp::socket::wait_write, [this, &c](const boost::system::error_code& error) {
    --c.pending;
    c.waits_writable = false;
    if (c.closing) {
      release(c);
    } else if (error) {
      begin_close(c, CloseReason::peer);
    } else {
      write_now(c);
    }
  });
}

void Sessions::close(const ConnRef& connection, CloseReason reason) {
  if (auto* c = find(connection)) begin_close(*c, reason);
}

void Sessions::close_all(CloseReason reason) {
  for (const auto& c : connections_) begin_close(*c, reason);
}

void Sessions::begin_close(Connection& c, CloseReason reason) {
  if (c.closing) return;
  c.closing = true;
  ++stats_.closes[static_cast<std::size_t>(reason)];
  closing_.push_back(&c);
}

void Sessions::settle() {
  // on_closed may order further closes: by index, as the list can grow.
  for (std::size_t i = 0; i < closing_.size(); ++i) {
    auto& c = *closing_[i];
    if (const auto unsent = c.out.unsent(); !unsent.empty() && !c.waits_writable) {
      // What was decided before the close is the peer's; if its buffer has no room, it is gone.
      (void)::send(c.socket.native_handle(), unsent.data(), unsent.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    }
    boost::system::error_code ignored;
    c.socket.close(ignored);
    c.closed = true;
    if (find(c.ref) == &c) by_slot_[c.ref.slot] = nullptr;
    --stats_.open[c.listener];
    budget_.open.fetch_sub(1, std::memory_order_relaxed);
    events_.on_closed(c.ref);
    release(c);
  }
  closing_.clear();
}

void Sessions::write() {
  for (auto* c : dirty_) {
    c->dirty = false;
    if (!c->closing) {
      write_now(*c);
    } else {
      release(*c);
    }
  }
  dirty_.clear();
  settle();
}

// Ends the connection's life when nothing holds its address any more.
void Sessions::release(Connection& c) {
  if (!c.closed || c.pending != 0 || c.dirty) return;
  const auto place = c.place;
  if (place + 1 != connections_.size()) {
    connections_[place] = std::move(connections_.back());
    connections_[place]->place = place;
  }
  connections_.pop_back();
}

void Sessions::sweep() {
  const auto at = loop_.now().instant;
  for (const auto& c : connections_) {
    if (c->closing) continue;
    if (c->partial_since.ns != 0 && at - c->partial_since >= limits_.frame_timeout) {
      begin_close(*c, CloseReason::frame_timeout);
    } else if (at - c->last_read >= limits_.idle_timeout) {
      begin_close(*c, CloseReason::idle);
    }
  }
}

}  // namespace tollgate::net
