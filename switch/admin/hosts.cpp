// GET /v1/hosts.
#include <algorithm>

#include "switch/admin/api.h"
#include "switch/admin/call.h"
#include "switch/admin/views.h"

namespace tollgate::admin {
namespace {

Outcome list_hosts(Call& call) {
  const auto names = call.query.take_list("name");
  const auto states = call.query.take_list("state");
  // A few rows: always all.
  if (const auto limit = call.query.take_limit(); !limit) return std::unexpected(limit.error());
  if (auto done = call.query.done(); !done) return std::unexpected(done.error());
  const auto reference = call.backend.reference();
  auto all = call.backend.hosts();
  std::ranges::sort(all, {}, &HostStatus::name);  // operators' own names: they have no age to sort by
  std::vector<std::string> rows;
  const auto wanted = [](const std::vector<std::string>& list, const std::string& value) {
    return list.empty() || std::ranges::find(list, value) != list.end();
  };
  for (const auto& status : all) {
    if (!wanted(names, status.name) || !wanted(states, status.state)) continue;
    const auto host =
        std::ranges::find_if(reference->hosts, [&](const v1::Host& h) { return h.name() == status.name; });
    JsonOut out(rows.emplace_back());
    write_host(out, status, host == reference->hosts.end() ? nullptr : &*host);
  }
  return list_response(rows, "");
}

}  // namespace

void add_host_routes(Router& router) {
  router.add({"GET", "/v1/hosts", kViewer, {}, list_hosts});
}

}  // namespace tollgate::admin
