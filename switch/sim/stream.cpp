#include "switch/sim/stream.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>

namespace tollgate::sim {
namespace {

// Room for about a thousand messages: what one read may bring.
constexpr std::size_t kReadRoom = 256U << 10;

struct FreeAddresses {
  void operator()(addrinfo* list) const noexcept { ::freeaddrinfo(list); }
};
using Addresses = std::unique_ptr<addrinfo, FreeAddresses>;

std::unexpected<Error> system_error(std::string_view what, std::string_view address) {
  return fail(ErrorCode::io, fmt::format("{}: {}", what, ::strerror(errno)), std::string(address));
}

Result<Addresses> resolve(std::string_view address, bool listening) {
  const auto colon = address.rfind(':');
  if (colon == std::string_view::npos || colon + 1 == address.size()) {
    return fail(ErrorCode::invalid, "an address is HOST:PORT", std::string(address));
  }
  auto host = std::string(address.substr(0, colon));
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  const auto port = std::string(address.substr(colon + 1));
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV | (listening ? AI_PASSIVE : 0);
  addrinfo* list = nullptr;
  const int rc = ::getaddrinfo(host.empty() ? nullptr : host.c_str(), port.c_str(), &hints, &list);
  if (rc != 0) return fail(ErrorCode::not_found, ::gai_strerror(rc), std::string(address));
  return Addresses(list);
}

void no_delay(int fd) noexcept {
  const int on = 1;
  (void)::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);  // batches are ours to make
}

bool wait_connected(int fd, Duration patience) noexcept {
  pollfd wanted{fd, POLLOUT, 0};
  const auto ms = std::chrono::ceil<std::chrono::milliseconds>(patience).count();
  if (::poll(&wanted, 1, static_cast<int>(std::clamp<std::int64_t>(ms, 0, 3'600'000))) != 1) {
    errno = ETIMEDOUT;
    return false;
  }
  int error = 0;
  socklen_t size = sizeof error;
  if (::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) return false;
  errno = error;
  return error == 0;
}

}  // namespace

Fd& Fd::operator=(Fd&& other) noexcept {
  if (this != &other) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = std::exchange(other.fd_, -1);
  }
  return *this;
}

Fd::~Fd() {
  if (fd_ >= 0) ::close(fd_);
}

Result<Fd> listen_on(std::string_view address) {
  auto list = resolve(address, true);
  if (!list) return std::unexpected(list.error());
  const auto* at = list->get();
  Fd fd(::socket(at->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return system_error("cannot make a socket", address);
  const int on = 1;
  (void)::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (::bind(fd.get(), at->ai_addr, at->ai_addrlen) != 0) return system_error("cannot bind", address);
  if (::listen(fd.get(), 512) != 0) return system_error("cannot listen", address);
  return fd;
}

Result<Fd> connect_to(std::string_view address, Duration patience) {
  auto list = resolve(address, false);
  if (!list) return std::unexpected(list.error());
  for (const auto* at = list->get(); at != nullptr; at = at->ai_next) {
    Fd fd(::socket(at->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!fd) continue;
    no_delay(fd.get());
    if (::connect(fd.get(), at->ai_addr, at->ai_addrlen) == 0) return fd;
    if (errno == EINPROGRESS && wait_connected(fd.get(), patience)) return fd;
  }
  return system_error("cannot connect", address);
}

std::string local_address(const Fd& fd) {
  sockaddr_storage at{};
  socklen_t size = sizeof at;
  std::array<char, NI_MAXHOST> host{};
  std::array<char, NI_MAXSERV> port{};
  if (::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&at), &size) != 0 ||
      ::getnameinfo(reinterpret_cast<sockaddr*>(&at), size, host.data(), host.size(), port.data(),
                    port.size(), NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
    return {};
  }
  const bool six = at.ss_family == AF_INET6;
  return fmt::format("{}{}{}:{}", six ? "[" : "", host.data(), six ? "]" : "", port.data());
}

Result<Poller> Poller::make() {
  Poller poller;
  poller.epoll_ = Fd(::epoll_create1(EPOLL_CLOEXEC));
  poller.wake_ = Fd(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (!poller.epoll_ || !poller.wake_) return system_error("cannot make an epoll set", "");
  if (auto added = poller.add(poller.wake_.get(), kWakeToken); !added) return std::unexpected(added.error());
  poller.events_.reserve(256);
  return poller;
}

Result<void> Poller::add(int fd, std::uint64_t token) {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLRDHUP;
  event.data.u64 = token;
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) return system_error("cannot watch", "");
  return {};
}

void Poller::want_write(int fd, std::uint64_t token, bool on) noexcept {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLRDHUP | (on ? EPOLLOUT : 0U);
  event.data.u64 = token;
  (void)::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event);
}

void Poller::remove(int fd) noexcept {
  (void)::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
}

std::span<const Poller::Event> Poller::wait(Duration patience) noexcept {
  std::array<epoll_event, 256> ready;
  const auto ns = std::max<std::int64_t>(patience.count(), 0);
  const timespec limit{ns / 1'000'000'000, ns % 1'000'000'000};
  const int count = ::epoll_pwait2(epoll_.get(), ready.data(), static_cast<int>(ready.size()),
                                   patience.count() < 0 ? nullptr : &limit, nullptr);
  events_.clear();
  for (int i = 0; i < count; ++i) {
    const auto& event = ready[static_cast<std::size_t>(i)];
    if (event.data.u64 == kWakeToken) {
      std::uint64_t ignored = 0;
      (void)!::read(wake_.get(), &ignored, sizeof ignored);
    }
    events_.push_back({event.data.u64, (event.events & ~EPOLLOUT) != 0, (event.events & EPOLLOUT) != 0});
  }
  return events_;
}

void Poller::wake() const noexcept {
  const std::uint64_t one = 1;
  (void)!::write(wake_.get(), &one, sizeof one);
}

Stream::Stream(Fd fd, const iso::Framing& framing, std::size_t bound)
    : fd_(std::move(fd)), framing_(framing), in_(kReadRoom), bound_(bound) {
  no_delay(fd_.get());
  out_.reserve(64U << 10);
}

bool Stream::fill() {
  if (begin_ == end_) begin_ = end_ = 0;
  if (in_.size() - end_ < in_.size() / 4) {  // the rest of a frame moves to the front: at most one frame long
    std::copy(in_.begin() + static_cast<std::ptrdiff_t>(begin_),
              in_.begin() + static_cast<std::ptrdiff_t>(end_), in_.begin());
    end_ -= begin_;
    begin_ = 0;
  }
  const auto room = in_.size() - end_;
  const auto got = ::recv(fd_.get(), in_.data() + end_, room, 0);
  if (got > 0) {
    end_ += static_cast<std::size_t>(got);
    return static_cast<std::size_t>(got) == room;
  }
  if (got == 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)) close();
  return false;
}

bool Stream::send(ByteView bytes) {
  if (!is_open() || unsent() + bytes.size() > bound_) return false;
  if (sent_ > bound_ / 4) {  // a peer that always leaves a little would let the buffer grow without end
    out_.erase(out_.begin(), out_.begin() + static_cast<std::ptrdiff_t>(sent_));
    sent_ = 0;
  }
  out_.insert(out_.end(), bytes.begin(), bytes.end());
  return true;
}

bool Stream::flush() {
  while (is_open() && unsent() != 0) {
    const auto put = ::send(fd_.get(), out_.data() + sent_, unsent(), MSG_NOSIGNAL);
    if (put < 0) {
      if (errno == EINTR) continue;
      if (errno != EAGAIN && errno != EWOULDBLOCK) close();
      break;
    }
    sent_ += static_cast<std::size_t>(put);
  }
  if (sent_ == out_.size()) {
    out_.clear();
    sent_ = 0;
  }
  return is_open();
}

}  // namespace tollgate::sim
