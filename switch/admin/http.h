// HTTP as plain values: what a handler gets and gives, and what a server asks of the service behind it. No
// socket and no third party's type here, so that handlers, tests and the command line compile without Beast.
//
// A body is either a string or a BodySource that the server pulls from, part by part, while the client takes
// them: memory stays at one part however long the body is.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "switch/base/result.h"

namespace tollgate::http {

class Headers {
 public:
  void set(std::string name, std::string value);  // replaces all of that name
  void add(std::string name, std::string value) { all_.emplace_back(std::move(name), std::move(value)); }
  // The first of that name, whatever its case; nullptr when there is none.
  [[nodiscard]] const std::string* find(std::string_view name) const noexcept;
  [[nodiscard]] std::string_view get(std::string_view name) const noexcept;  // "" when there is none
  [[nodiscard]] std::size_t count(std::string_view name) const noexcept;
  [[nodiscard]] auto begin() const noexcept { return all_.begin(); }
  [[nodiscard]] auto end() const noexcept { return all_.end(); }

 private:
  std::vector<std::pair<std::string, std::string>> all_;
};

struct Request {
  std::string method, target;  // "GET", "/v1/terminals?limit=10"
  Headers headers;
  std::string body;
  std::string peer;  // address of the client, without its port
};

class BodySource {
 public:
  virtual ~BodySource() = default;
  // Appends the next part to `out`; nothing appended is the end. An error breaks the connection off before
  // the end mark, so that the client knows it has not got everything. Called by one thread at a time.
  [[nodiscard]] virtual Result<void> next(std::string& out) = 0;
  // After the end; names are those of the header "Trailer".
  [[nodiscard]] virtual Headers trailers() const { return {}; }
};

struct Response {
  unsigned status = 200;
  Headers headers;
  std::string body;
  std::unique_ptr<BodySource> source;  // instead of body
  bool close = false;                  // after this one
};

// What a request may send, decided after its header and before its body: a client that nobody knows does not
// get to send 64 MiB.
struct Admission {
  std::size_t body_max = 1U << 20;
  std::optional<Response> refusal;
};

class Service {
 public:
  virtual ~Service() = default;
  [[nodiscard]] virtual Admission admit(const Request& head) = 0;  // on the socket thread: must not block
  [[nodiscard]] virtual Response handle(Request&& request) = 0;    // on a handler thread: may block
  // For what never became a request: 400, 413, 431, 503.
  [[nodiscard]] virtual Response refuse(unsigned status, std::string_view why) = 0;
};

}  // namespace tollgate::http
