// A blocking HTTP/1.1 client for the command line and for tests: one request at a time over a kept
// connection. A long body can be taken part by part. Thread: one at a time.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "switch/admin/http.h"
#include "switch/base/result.h"
#include "switch/base/time.h"

namespace tollgate::http {

struct ClientOptions {
  Duration connect = std::chrono::seconds(5);
  Duration io = std::chrono::seconds(60);  // without a single byte
};

struct ClientRequest {
  std::string method = "GET", target = "/";
  Headers headers;
  std::string body;
};

struct ClientResponse {
  unsigned status = 0;
  Headers headers;  // with the trailers, once the body is read
  std::string body;
};

class Client {
 public:
  // "http://127.0.0.1:8080"; a path in it is put before every target.
  [[nodiscard]] static Result<Client> to(std::string_view url, const ClientOptions& options = {});
  Client(Client&&) noexcept;
  Client& operator=(Client&&) noexcept;
  ~Client();

  // ErrorCode::unavailable: no connection; io: it broke before the whole response was here.
  [[nodiscard]] Result<ClientResponse> send(const ClientRequest& request);
  // Body of a 2xx response by parts, nothing of it kept; `part` returns false to break off. Other responses
  // come back whole.
  using Part = std::function<bool(std::string_view)>;
  [[nodiscard]] Result<ClientResponse> stream(const ClientRequest& request, const Part& part);

 private:
  struct State;
  explicit Client(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace tollgate::http
