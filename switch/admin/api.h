// The operations interface as a Service: finds the row of the table, checks who asks and what the row demands
// (section 1 of the reference), calls the handler, turns refusals into problem+json. Everything a handler may
// forget is done here once.
//
// Owned by the composition root, outlives the http::Server in front of it. Any thread.
#pragma once

#include <functional>
#include <memory>

#include "switch/admin/auth.h"
#include "switch/admin/backend.h"
#include "switch/admin/http.h"
#include "switch/admin/router.h"
#include "switch/base/chance.h"

namespace tollgate::admin {

struct ApiOptions {
  // Called after every request with the row's path ("" where no row fits), the status and the time it took.
  std::function<void(std::string_view route, unsigned status, Duration took)> observe = nullptr;
};

class Api final : public http::Service {
 public:
  Api(Backend& backend, Chance& chance, ApiOptions options = {});
  ~Api() override;

  [[nodiscard]] http::Admission admit(const http::Request& head) override;
  [[nodiscard]] http::Response handle(http::Request&& request) override;
  [[nodiscard]] http::Response refuse(unsigned status, std::string_view why) override;

  [[nodiscard]] const Router& router() const noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// GET /metrics on a listener of its own, and nothing else there.
class MetricsService final : public http::Service {
 public:
  explicit MetricsService(const Backend& backend) : backend_(backend) {}
  [[nodiscard]] http::Admission admit(const http::Request& head) override;
  [[nodiscard]] http::Response handle(http::Request&& request) override;
  [[nodiscard]] http::Response refuse(unsigned status, std::string_view why) override;

 private:
  const Backend& backend_;
};

// Each resource appends its rows; one file each.
void add_estate_routes(Router& router);
void add_terminal_routes(Router& router);
void add_merchant_routes(Router& router);
void add_fee_quote_routes(Router& router);
void add_fee_schedule_routes(Router& router);
void add_transaction_routes(Router& router);
void add_host_routes(Router& router);
void add_ledger_routes(Router& router);
void add_token_routes(Router& router);
void add_system_routes(Router& router);

}  // namespace tollgate::admin
