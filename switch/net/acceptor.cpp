#include "switch/net/acceptor.h"

#include <sys/socket.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <cstring>

#include "switch/net/address.h"
#include "switch/net/loop.h"
#include "switch/net/preferred.h"
#include "switch/net/session.h"
#include "switch/net/socket_options.h"

namespace tollgate::net {

using boost::asio::ip::tcp;
using boost::system::error_code;

namespace {
constexpr int kBacklog = 4096;   // a reconnect of all terminals at once; the kernel cuts it to somaxconn
constexpr int kAcceptsMax = 64;  // per batch, so that a flood of connects does not hold up those that are in
constexpr auto kPause = std::chrono::milliseconds(50);
}  // namespace

struct Acceptor::Listener {
  explicit Listener(boost::asio::io_context& context) : socket(context), timer(context) {}
  tcp::acceptor socket;
  boost::asio::steady_timer timer;
  std::uint16_t number = 0;
};

Acceptor::Acceptor(Loop& loop, SocketBudget& budget, Deal deal)
    : loop_(loop), budget_(budget), deal_(std::move(deal)) {}
Acceptor::~Acceptor() = default;

Result<std::string> Acceptor::listen(std::uint16_t number, std::string_view address) {
  auto parsed = parse_address(address);
  if (!parsed) return std::unexpected(parsed.error());
  error_code error;
  tcp::resolver resolver(loop_.context());
  const auto found =
      resolver.resolve(parsed->host, std::to_string(parsed->port), tcp::resolver::passive, error);
  if (error || found.empty()) return fail(ErrorCode::invalid, "no such address", std::string(address));
  const auto endpoint = preferred(found);
  auto listener = std::make_unique<Listener>(loop_.context());
  listener->number = number;
  auto& socket = listener->socket;
  socket.open(endpoint.protocol(), error);
  if (!error) socket.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) socket.bind(endpoint, error);
  if (!error) {
    set_stream_options(socket.native_handle());
    socket.listen(kBacklog, error);
  }
  if (!error) socket.non_blocking(true, error);
  if (error) return fail(ErrorCode::io, "cannot listen: " + error.message(), std::string(address));
  const auto bound = socket.local_endpoint();
  listeners_.push_back(std::move(listener));
  const auto host = bound.address().to_string();
  return (bound.address().is_v6() ? "[" + host + "]" : host) + ":" + std::to_string(bound.port());
}

void Acceptor::start() {
  for (const auto& listener : listeners_) wait(*listener);
}

void Acceptor::stop() {
  for (const auto& listener : listeners_) {
    error_code ignored;
    listener->socket.close(ignored);
    listener->timer.cancel();
  }
}

void Acceptor::wait(Listener& listener) {
  listener.socket.async_wait(tcp::acceptor::wait_read, [this, &listener](const error_code& error) {
    if (!error && listener.socket.is_open()) accept(listener);
  });
}

void Acceptor::accept(Listener& listener) {
  for (int i = 0; i < kAcceptsMax; ++i) {
    if (budget_.open.load(std::memory_order_relaxed) >= budget_.most) {
      pause(listener);
      return;
    }
    const int fd = ::accept4(listener.socket.native_handle(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
      budget_.open.fetch_add(1, std::memory_order_relaxed);
      deal_(fd, listener.number);
    } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      pause(listener);
      return;
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      break;
    }  // anything else: that connection died in the queue; the next one
  }
  wait(listener);
}

void Acceptor::pause(Listener& listener) {
  ++pauses_;
  listener.timer.expires_after(kPause);
  listener.timer.async_wait([this, &listener](const error_code& error) {
    if (!error && listener.socket.is_open()) accept(listener);
  });
}

}  // namespace tollgate::net
