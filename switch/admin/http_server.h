// HTTP/1.1 server for operators and settlement jobs. One socket thread moves bytes; handlers run on a few
// threads of their own and may block there. Requests of one connection are answered in order, also when they
// were sent ahead of the answers.
//
// Every wait has an end (section 6 of the operations interface): the first byte of a request (idle), its
// header, its body, each write. Every size has a bound: header, body, connections. What is over a bound is
// refused with 4xx and the connection closed; what is too slow is cut off. A body is bounded by Admission
// before it is read.
//
// Owned by the composition root. start() and stop() from one thread; stop() lets running handlers end and
// cuts every connection.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "switch/admin/http.h"
#include "switch/base/result.h"
#include "switch/base/time.h"

namespace tollgate::http {

struct ServerOptions {
  std::string address = "127.0.0.1:0";  // port 0: any free one
  unsigned handler_threads = 4;
  std::size_t connections_max = 256;
  std::size_t header_max = 16U << 10;
  Duration idle = std::chrono::seconds(60);
  Duration header = std::chrono::seconds(10);
  Duration body = std::chrono::seconds(30);
  Duration large_body = std::chrono::seconds(180);  // where Admission allows more than 1 MiB
  Duration write = std::chrono::seconds(30);        // of one part, never of a whole response
};

class Server {
 public:
  // The service outlives the server.
  [[nodiscard]] static Result<std::unique_ptr<Server>> start(const ServerOptions& options, Service& service);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  [[nodiscard]] const std::string& address() const noexcept;  // "127.0.0.1:41001", as bound
  void stop();

 private:
  friend class Session;
  struct State;
  explicit Server(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// "127.0.0.1:8080" or "[::1]:8080" in its parts; refused when it is neither.
struct HostPort {
  std::string host;
  std::uint16_t port = 0;
};
[[nodiscard]] Result<HostPort> split_address(std::string_view address);

}  // namespace tollgate::http
