// The table of operations: method, path template, roles, flags, handler: one row each. The same table gives
// the route x role test and, later, the check against the specification. A resource is one file that appends
// its rows.
//
// Built at start, then immutable; any thread.
#pragma once

#include <expected>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "switch/admin/auth.h"
#include "switch/admin/problem.h"

namespace tollgate::admin {

struct Call;
using HandlerFn = Outcome (*)(Call& call);

struct Flags {
  bool open = false;         // no credential
  bool effect = false;       // POST with effect: Idempotency-Key, refused while draining or in safe mode
  bool if_match = false;     // If-Match is required
  bool large = false;        // body up to 64 MiB
  bool ndjson_in = false;    // takes application/x-ndjson
  bool ndjson_out = false;   // may answer application/x-ndjson
  bool ndjson_only = false;  // and nothing else
};

struct Route {
  std::string_view method, path;  // "POST", "/v1/terminals/{t}/suspend"
  RoleSet roles;
  Flags flags;
  HandlerFn handle;
};

using PathParameters = std::map<std::string, std::string, std::less<>>;

class Router {
 public:
  void add(const Route& route) { routes_.push_back(route); }
  [[nodiscard]] const std::vector<Route>& routes() const noexcept { return routes_; }

  struct Match {
    const Route* route = nullptr;
    PathParameters parameters;
  };
  // not_found, naming the methods that the path has; invalid_parameter when a segment is not readable text.
  [[nodiscard]] std::expected<Match, Problem> find(std::string_view method, std::string_view path) const;

 private:
  std::vector<Route> routes_;
};

}  // namespace tollgate::admin
