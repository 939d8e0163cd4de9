#include "switch/net/link.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <cerrno>
#include <string>

#include "switch/net/address.h"
#include "switch/net/loop.h"
#include "switch/net/preferred.h"
#include "switch/net/socket_options.h"

namespace tollgate::net {

using boost::asio::ip::tcp;
using boost::system::error_code;
using core::LinkId;

namespace {
constexpr std::uint32_t kLinksMax = 65'536;  // an engine that numbers higher has lost count
}

struct Links::Link {
  Link(boost::asio::io_context& context, LinkId number, InBuffer::Bounds bounds)
      : socket(context), resolver(context), id(number), in(bounds) {}

  tcp::socket socket;
  tcp::resolver resolver;
  LinkId id;
  std::uint8_t pending = 0;
  bool up = false, broken = false, closed = false, dirty = false, waits_writable = false;
  Instant since{};  // of the attempt to connect
  InBuffer in;
  OutBuffer out;
};

Links::Links(Loop& loop, Limits limits, Events& events) : loop_(loop), limits_(limits), events_(events) {}
Links::~Links() = default;

Links::Link* Links::find(LinkId id) const noexcept {
  return id.value < links_.size() ? links_[id.value].get() : nullptr;
}

void Links::connect(LinkId id, std::string_view address) {
  TG_CHECK(id.value < kLinksMax);
  if (links_.size() <= id.value) links_.resize(id.value + 1);
  auto& place = links_[id.value];
  if (place) abandon(std::move(place));
  place = std::make_unique<Link>(loop_.context(), id, limits_.buffer);
  place->since = loop_.now().instant;
  ++stats_.connects;
  resolve(*place, address);
}

void Links::resolve(Link& link, std::string_view address) {
  const auto parsed = parse_address(address);
  if (!parsed) {
    breaks(link);
    return;
  }
  error_code error;
  const auto numeric = boost::asio::ip::make_address(parsed->host, error);
  if (!error) {
    const tcp::endpoint endpoint(numeric, parsed->port);
    open(link, &endpoint);
    return;
  }
  ++link.pending;
  link.resolver.async_resolve(
      parsed->host, std::to_string(parsed->port),
      [this, &link](const error_code& failed, const tcp::resolver::results_type& results) {
        --link.pending;
        if (link.closed || link.broken) return;
        if (failed || results.empty()) {
          breaks(link);
          return;
        }
        const auto endpoint = preferred(results);
        open(link, &endpoint);
      });
}

void Links::open(Link& link, const void* endpoint) {
  ++link.pending;
  link.socket.async_connect(*static_cast<const tcp::endpoint*>(endpoint),
                            [this, &link](const error_code& error) {
                              --link.pending;
                              on_connected(link, static_cast<bool>(error));
                            });
}

void Links::on_connected(Link& link, bool failed) {
  if (link.closed || link.broken) return;
  if (failed) {
    breaks(link);
    return;
  }
  set_stream_options(link.socket.native_handle());
  link.up = true;
  read(link);
  events_.on_up(link.id);
}

void Links::read(Link& link) {
  ++link.pending;
  const auto room = link.in.room();
  link.socket.async_read_some(boost::asio::buffer(room.data(), room.size()),
                              [this, &link](const error_code& error, std::size_t size) {
                                --link.pending;
                                on_read(link, static_cast<bool>(error), size);
                              });
}

void Links::on_read(Link& link, bool failed, std::size_t size) {
  if (link.closed || link.broken) return;
  if (failed) {
    breaks(link);
    return;
  }
  ++stats_.reads;
  stats_.bytes_in += size;
  link.in.added(size);
  ++link.pending;  // it may be closed from within: its memory stays until this handler has returned
  const auto consumed = events_.on_bytes(link.id, link.in.view());
  --link.pending;
  if (link.closed || link.broken) return;
  link.in.consume(consumed);
  if (link.in.is_stuck()) {
    breaks(link);
    return;
  }
  read(link);
}

void Links::send(LinkId id, ByteView bytes) {
  auto* link = find(id);
  if (link == nullptr || !link->up || link->broken) return;
  link->out.append(bytes);
  if (link->out.unsent().size() > limits_.unsent_max) {
    breaks(*link);
    return;
  }
  if (!link->dirty && !link->waits_writable) {
    link->dirty = true;
    dirty_.push_back(link);
  }
}

void Links::write_now(Link& link) {
  const auto unsent = link.out.unsent();
  if (unsent.empty()) return;
  ++stats_.writes;
  const auto n =
      ::send(link.socket.native_handle(), unsent.data(), unsent.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (n > 0) {
    stats_.bytes_out += static_cast<std::uint64_t>(n);
    link.out.sent(static_cast<std::size_t>(n));
  } else if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
    breaks(link);
    return;
  }
  if (link.out.empty()) return;
  link.waits_writable = true;
  ++link.pending;
  link.socket.async_wait(tcp::socket::wait_write, [this, &link](const error_code& error) {
    --link.pending;
    link.waits_writable = false;
    if (link.closed || link.broken) return;
    if (error) {
      breaks(link);
    } else {
      write_now(link);
    }
  });
}

void Links::close(LinkId id) {
  if (id.value < links_.size() && links_[id.value]) abandon(std::move(links_[id.value]));
}

void Links::close_all() {
  for (auto& link : links_) {
    if (link) abandon(std::move(link));
  }
}

void Links::breaks(Link& link) {
  if (link.broken) return;
  link.broken = true;
  broken_.push_back(&link);
}

// Closes at once; the memory goes when the last operation has come back.
void Links::abandon(std::unique_ptr<Link> link) {
  link->closed = true;
  link->resolver.cancel();
  error_code ignored;
  link->socket.close(ignored);
  std::erase(broken_, link.get());
  if (link->dirty) std::erase(dirty_, link.get());
  if (link->pending != 0) abandoned_.push_back(std::move(link));
}

void Links::bury() {
  std::erase_if(abandoned_, [](const std::unique_ptr<Link>& link) { return link->pending == 0; });
}

void Links::settle() {
  while (!broken_.empty()) {
    auto& link = *broken_.back();  // abandon() takes it from the list
    const auto id = link.id;
    ++stats_.failures;
    abandon(std::move(links_[id.value]));
    events_.on_down(id);
  }
  if (!abandoned_.empty()) bury();
}

void Links::write() {
  for (auto* link : std::exchange(dirty_, {})) {
    link->dirty = false;
    if (!link->broken) write_now(*link);
  }
  settle();
}

void Links::sweep() {
  const auto at = loop_.now().instant;
  for (const auto& link : links_) {
    if (link && !link->up && at - link->since >= limits_.connect_timeout) breaks(*link);
  }
}

}  // namespace tollgate::net
