// A desk at the operations interface: requests without a socket, answers as status, headers and JSON.
#pragma once

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <string>

#include "switch/admin/api.h"
#include "switch/base/hash.h"
#include "switch/cli/remote.h"
#include "tests/admin/engine_backend.h"

namespace tollgate::test {

namespace json = boost::json;

struct Answer {
  unsigned status = 0;
  http::Headers headers;
  std::string body;
  json::value json;
  [[nodiscard]] std::string text(std::string_view path) const { return cli::text_at(json, path); }
};

[[nodiscard]] inline v1::TokenCreated token_record(std::uint64_t id, const std::string& name,
                                                   const std::string& text,
                                                   const std::vector<std::string>& roles) {
  v1::TokenCreated token;
  token.set_id(id);
  token.set_name(name);
  const auto digest = Sha256::of(as_bytes(text));
  token.set_sha256(digest.data(), digest.size());
  for (const auto& role : roles) token.add_roles(role);
  return token;
}

// Everything that a body source gives, read to its end.
[[nodiscard]] inline std::string drain(http::BodySource& source) {
  std::string all;
  for (std::string part;; part.clear()) {
    const auto more = source.next(part);
    EXPECT_TRUE(more.has_value()) << more.error().text();
    if (!more || part.empty()) return all;
    all += part;
  }
}

class Desk {
 public:
  explicit Desk(admin::Backend& backend) : backend_(backend), api_(backend, chance_) {}

  // Makes a token in the backend's store and uses it from now on.
  void sign_in(const std::vector<std::string>& roles, const std::string& name) {
    core::CreateToken create{token_record(0, name, "tgk_" + name, roles)};
    core::Command command{kHouse, {}, core::HouseCommand(create)};
    command.caller.principal = "test";
    bool done = false;
    backend_.submit(std::move(command), [&](core::CommandResult&& result) { done = result.ok(); });
    ASSERT_TRUE(done);
    token = "tgk_" + name;
  }

  http::Request request(const std::string& method, const std::string& target,
                        const std::string& body = "") const {
    http::Request r{method, target, {}, body, "127.0.0.1"};
    if (!token.empty()) r.headers.set("Authorization", "Bearer " + token);
    if (!body.empty()) r.headers.set("Content-Type", "application/json");
    return r;
  }

  Answer send(http::Request&& request) {
    Answer answer;
    auto admission = api_.admit(request);
    auto response = admission.refusal ? std::move(*admission.refusal) : api_.handle(std::move(request));
    answer.status = response.status;
    answer.headers = std::move(response.headers);
    answer.body = response.source ? drain(*response.source) : std::move(response.body);
    boost::system::error_code ec;
    auto parsed = json::parse(answer.body, ec);
    if (!ec) answer.json = std::move(parsed);
    return answer;
  }

  Answer get(const std::string& target) { return send(request("GET", target)); }
  // With a key of its own, or with the one given; etag is sent as If-Match.
  Answer post(const std::string& target, const std::string& body, const std::string& etag = "",
              std::string key = "") {
    auto r = request("POST", target, body);
    if (key.empty()) key = "key-" + std::to_string(++keys_);
    r.headers.set("Idempotency-Key", key);
    if (!etag.empty()) r.headers.set("If-Match", etag);
    return send(std::move(r));
  }

  [[nodiscard]] admin::Api& api() { return api_; }
  std::string token;

 private:
  admin::Backend& backend_;
  SystemChance chance_;
  admin::Api api_;
  int keys_ = 0;
};

}  // namespace tollgate::test
