// GET /v1/system, /livez, /readyz.
#include <algorithm>

#include "switch/admin/api.h"
#include "switch/admin/call.h"
#include "switch/admin/entry_json.h"
#include "switch/admin/views.h"

namespace tollgate::admin {
namespace {

http::Response text_response(unsigned status, std::string body) {
  http::Response response;
  response.status = status;
  response.body = std::move(body);
  response.headers.set("Content-Type", "text/plain; charset=utf-8");
  return response;
}

Outcome live(Call& call) {
  const bool alive = call.backend.alive();
  return text_response(alive ? 200 : 503, alive ? "ok\n" : "an event loop does not answer\n");
}

Outcome ready(Call& call) {
  const auto verbose = call.query.take_flag("verbose");
  if (!verbose) return std::unexpected(verbose.error());
  const auto excluded = call.query.take_list("exclude");
  if (auto done = call.query.done(); !done) return std::unexpected(done.error());
  auto checks = call.backend.readiness();
  if (call.backend.mode() == Mode::draining) checks.push_back({"draining", false, "the switch is stopping"});
  if (call.backend.mode() == Mode::safe)
    checks.push_back({"safe_mode", false, "the store is behind its high-water mark"});
  std::string page;
  bool all = true;
  for (const auto& check : checks) {
    if (std::ranges::find(excluded, check.name) != excluded.end()) continue;
    all = all && check.ok;
    page += (check.ok ? "[+]" : "[-]") + check.name + (check.ok ? " ok" : " failed");
    if (!check.detail.empty()) page += ": " + check.detail;
    page += '\n';
  }
  if (!*verbose && all) return text_response(200, "ok\n");
  return text_response(all ? 200 : 503, page + (all ? "ready\n" : "not ready\n"));
}

void write_workers(JsonOut& out, const MachineStatus& machine) {
  out.key("workers").begin_array();
  for (const auto& w : machine.workers) {
    out.begin_object().field("worker", w.worker).key("partitions").begin_array();
    for (const auto p : w.partitions) out.value(p.value);
    out.end_array()
        .field("connections", w.connections)
        .field("in_flight", w.in_flight)
        .field("queue_depth", w.queue_depth)
        .end_object();
  }
  out.end_array();
}

void write_partitions(JsonOut& out, const Backend& backend) {
  out.key("partitions").begin_array();
  for (const auto& head : backend.ledger_heads()) {
    const auto journal = backend.journal().head(head.partition);
    out.begin_object()
        .field("partition", head.partition.value)
        .field("epoch", journal.epoch.value)
        .field("group", journal.group.value);
    out.field("ledger_last_seq", head.last.value).field("ledger_chain", lower_hex(head.chain)).end_object();
  }
  out.end_array();
}

Outcome system_facts(Call& call) {
  if (auto done = call.query.done(); !done) return std::unexpected(done.error());
  const auto& facts = call.backend.facts();
  const auto machine = call.backend.machine();
  const Clock clock(facts.time_zone);
  const auto now = call.backend.now();
  std::string body;
  JsonOut out(body);
  out.begin_object()
      .field("object", "system")
      .field("version", facts.version)
      .field_or_null("commit", facts.commit);
  out.field("environment", facts.environment)
      .field("lab_keys", facts.lab())
      .field_or_null("config_sha256", facts.config_sha256);
  const auto mode = call.backend.mode();
  out.field("mode", mode == Mode::normal ? "normal" : mode == Mode::draining ? "draining" : "safe_mode");
  out.field_or_null("started_at", clock.text(facts.started_at))
      .field("now", clock.text(now.wall))
      .field("time_zone", facts.time_zone);
  out.field("acquirer_code", facts.acquirer_code)
      .field("reference_version", call.backend.reference()->version);
  write_workers(out, machine);
  write_partitions(out, call.backend);
  out.key("storage")
      .begin_object()
      .field_or_null("path", facts.store_path)
      .field("free_bytes", machine.storage_free_bytes);
  out.field("used_bytes", machine.storage_used_bytes).end_object().end_object();
  return json_response(std::move(body));
}

}  // namespace

void add_system_routes(Router& router) {
  router.add({"GET", "/v1/system", kViewer, {}, system_facts});
  router.add({"GET", "/livez", {}, {.open = true}, live});
  router.add({"GET", "/readyz", {}, {.open = true}, ready});
}

}  // namespace tollgate::admin
