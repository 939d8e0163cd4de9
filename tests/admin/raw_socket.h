// A TCP client that says exactly what it is told, for what a well-behaved client library would never send.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <string_view>

#include "switch/admin/http_server.h"

namespace tollgate::test {

class RawSocket {
 public:
  explicit RawSocket(const std::string& address) {
    const auto parts = http::split_address(address);
    fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(parts->port);
    ::inet_pton(AF_INET, parts->host.c_str(), &to.sin_addr);
    open_ = ::connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0;
  }
  ~RawSocket() { ::close(fd_); }
  RawSocket(const RawSocket&) = delete;
  RawSocket& operator=(const RawSocket&) = delete;

  [[nodiscard]] bool open() const { return open_; }
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
  }
  // What comes until the peer closes, or `enough` is seen, or nothing comes for `patience`.
  std::string read(std::string_view enough = {},
                   std::chrono::milliseconds patience = std::chrono::milliseconds(3000)) {
    std::string all;
    while (enough.empty() || all.find(enough) == std::string::npos) {
      pollfd ready{fd_, POLLIN, 0};
      if (::poll(&ready, 1, static_cast<int>(patience.count())) <= 0) break;
      char room[4096];
      const auto n = ::recv(fd_, room, sizeof room, 0);
      closed_ = n <= 0;
      if (closed_) break;
      all.append(room, static_cast<std::size_t>(n));
    }
    return all;
  }
  [[nodiscard]] bool closed() const { return closed_; }
  void half_close() { ::shutdown(fd_, SHUT_WR); }

 private:
  int fd_ = -1;
  bool open_ = false, closed_ = false;
};

}  // namespace tollgate::test
