// The other end of a socket, for tests: plain blocking calls with a deadline, which share no code with the
// switch.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace tollgate::net::test {

class Peer {
 public:
  Peer() = default;
  explicit Peer(int fd) : fd_(fd) {}
  Peer(Peer&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Peer& operator=(Peer&& other) noexcept {
    close();
    fd_ = std::exchange(other.fd_, -1);
    return *this;
  }
  ~Peer() { close(); }

  static sockaddr_in address_of(std::string_view address) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    unsigned port = 0;
    std::from_chars(address.data() + address.rfind(':') + 1, address.data() + address.size(), port);
    to.sin_port = htons(static_cast<std::uint16_t>(port));
    return to;
  }
  // A small receive buffer makes a reader that does not read.
  static Peer connect(std::string_view address, int receive_buffer = 0) {
    Peer peer(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (receive_buffer != 0)
      ::setsockopt(peer.fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    const auto to = address_of(address);
    if (::connect(peer.fd_, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) peer.close();
    return peer;
  }

  [[nodiscard]] bool is_open() const { return fd_ >= 0; }
  [[nodiscard]] int fd() const { return fd_; }
  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  bool send(std::string_view bytes) const {
    return ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size());
  }
  // What is there now; nothing when there is nothing.
  std::string receive() const {
    std::string bytes(64 << 10, '\0');
    const auto n = ::recv(fd_, bytes.data(), bytes.size(), MSG_DONTWAIT);
    bytes.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
    return bytes;
  }
  // The switch closed its end: end of stream or a reset.
  bool is_closed_by_peer() const {
    char byte;
    const auto n = ::recv(fd_, &byte, 1, MSG_DONTWAIT | MSG_PEEK);
    return n == 0 || (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
  }

 private:
  int fd_ = -1;
};

// A listening socket of a host that the switch connects to.
class ListeningPeer {
 public:
  explicit ListeningPeer(std::string_view address = "127.0.0.1:0")
      : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const int on = 1;
    ::setsockopt(socket_.fd(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    const auto at = Peer::address_of(address);
    if (::bind(socket_.fd(), reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0 ||
        ::listen(socket_.fd(), 16) != 0)
      socket_.close();
  }
  [[nodiscard]] bool is_open() const { return socket_.is_open(); }
  [[nodiscard]] std::string address() const {
    sockaddr_in at{};
    socklen_t size = sizeof at;
    ::getsockname(socket_.fd(), reinterpret_cast<sockaddr*>(&at), &size);
    return "127.0.0.1:" + std::to_string(ntohs(at.sin_port));
  }
  // A closed peer when nobody came.
  [[nodiscard]] Peer accept(std::chrono::milliseconds patience = std::chrono::milliseconds(0)) const {
    pollfd wait{.fd = socket_.fd(), .events = POLLIN, .revents = 0};
    if (::poll(&wait, 1, static_cast<int>(patience.count())) <= 0) return {};
    return Peer(::accept(socket_.fd(), nullptr, nullptr));
  }
  void close() { socket_.close(); }

 private:
  Peer socket_;
};

}  // namespace tollgate::net::test
