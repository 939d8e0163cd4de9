// tollgate transactions ls | get, tollgate hosts ls
#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>

#include "switch/admin/query.h"
#include "switch/cli/admin_commands.h"
#include "switch/cli/exit.h"
#include "switch/cli/table.h"

namespace tollgate::cli {
namespace {

namespace json = boost::json;

std::vector<Column> transaction_columns() {
  return {
      {"TIME", [](const json::value& t) { return short_time(text_at(t, "at")); }},
      column("TID", "tid"),
      wide(column("MERCHANT", "merchant_code")),
      column("KIND", "kind"),
      {"AMOUNT",
       [](const json::value& t) { return money(text_at(t, "amount_minor"), text_at(t, "currency")); }, true},
      column("RC", "response_code"),
      column("OUTCOME", "outcome"),
      column("HOST", "host"),
      number("MS", "duration_ms"),
      column("RRN", "rrn"),
      wide(column("STAN", "stan")),
      wide(column("CARD", "pan_masked")),
      wide(column("REVERSAL", "reversal")),
      column("ID", "id")};
}

std::vector<Column> host_columns() {
  const auto per_cent = [](const json::value& h) {
    const auto ppm = text_at(h, "approved_ppm");
    return ppm.empty() || text_at(h, "answered") == "0"
               ? std::string()
               : std::to_string(std::stoull(ppm) / 1000 / 10) + "." +
                     std::to_string(std::stoull(ppm) / 1000 % 10) + "%";
  };
  const auto ms = [](const char* path) {
    return [path](const json::value& h) {
      const auto us = text_at(h, path);
      return us.empty() || us == "0" ? std::string()
                                     : std::to_string(std::stoull(us) / 1000) + "." +
                                           std::to_string(std::stoull(us) / 100 % 10) + "ms";
    };
  };
  return {
      column("HOST", "name"),
      {"LINKS",
       [](const json::value& h) { return text_at(h, "links.up") + "/" + text_at(h, "links.configured"); }},
      column("STATE", "state"),
      {"IN-FLIGHT",
       [](const json::value& h) { return text_at(h, "in_flight") + "/" + text_at(h, "max_in_flight"); }},
      number("SENT", "sent"),
      {"P50", ms("p50_us"), true},
      {"P99", ms("p99_us"), true},
      {"APPROVED", per_cent, true},
      number("TIMEOUTS", "timeouts"),
      {"LAST ECHO",
       [](const json::value& h) {
         const auto age = text_at(h, "last_echo_age_ms");
         return age.empty() ? std::string() : std::to_string(std::stoull(age) / 1000) + "s";
       }},
      wide(column("DIALECT", "dialect"))};
}

int get_transaction(const Console& c, const std::string& name) {
  auto remote = Remote::open(c.options);
  if (!remote) return report(remote.error(), c.err);
  const auto reply = remote->get("/v1/transactions/" + admin::percent_encode(name));
  if (!reply) return report(reply.error(), c.err);
  if (!reply->ok()) return report(*reply, c.options, "tollgate transactions ls", c.err);
  if (c.options.output == "json" || c.options.output == "ndjson") {
    c.out << reply->body << "\n";
    return exit_code::kDone;
  }
  const auto& t = reply->json;
  print_table({t}, transaction_columns(), true, c.out);
  if (const auto* events = at(t, "timeline"); events != nullptr && events->is_array())
    for (const auto& e : events->get_array())
      c.out << "  " << text_at(e, "at") << "  " << text_at(e, "event") << "  "
            << printable(text_at(e, "detail")) << "\n";
  if (at(t, "fee.schedule") != nullptr)
    c.out << "  fee " << money(text_at(t, "fee.fee_minor"), text_at(t, "currency")) << "   merchant net "
          << money(text_at(t, "fee.merchant_net_minor"), text_at(t, "currency")) << "   cost "
          << money(text_at(t, "fee.cost_minor"), text_at(t, "currency")) << "   "
          << text_at(t, "fee.schedule") << "@" << text_at(t, "fee.version") << "\n";
  if (const auto* entries = at(t, "entries"); entries != nullptr && entries->is_array())
    for (const auto& e : entries->get_array()) {
      c.out << "  " << text_at(e, "partition") << ":" << text_at(e, "seq") << " " << text_at(e, "type");
      if (const auto* legs = at(e, "legs"); legs != nullptr && legs->is_array())
        for (const auto& leg : legs->get_array())
          c.out << "   " << (text_at(leg, "side") == "debit" ? "Dr " : "Cr ")
                << printable(text_at(leg, "account")) << " "
                << money(text_at(leg, "amount_minor"), text_at(e, "currency"));
      c.out << "\n";
    }
  return exit_code::kDone;
}

}  // namespace

void add_transaction_commands(CLI::App& app) {
  auto* noun = app.add_subcommand("transactions", "Transactions: list, look at")->alias("txn");
  noun->require_subcommand(1);
  struct State {
    TargetOptions target;
    ListOptions list;
    std::string name, terminal, merchant, outcome, code, stan, rrn, date;
  };
  const auto s = std::make_shared<State>();
  add_target_options(*noun, s->target);
  auto* ls = noun->add_subcommand("ls", "List, newest first")->fallthrough();
  add_list_options(*ls, s->list);
  ls->add_option("--terminal", s->terminal, "term_…, tid:…@…, sn:…");
  ls->add_option("--merchant", s->merchant, "Merchant code or mer_…");
  ls->add_option("--outcome", s->outcome, "approved,declined,timeout,reversed,unknown,pending");
  ls->add_option("--response-code", s->code, "Field 39");
  ls->add_option("--stan", s->stan, "Field 11");
  ls->add_option("--rrn", s->rrn, "Field 37");
  ls->add_option("--date", s->date, "Business date");
  ls->callback([s] {
    auto filters = s->list.filters;
    for (const auto& [name, value] : {std::pair{"terminal", &s->terminal},
                                      {"merchant", &s->merchant},
                                      {"outcome", &s->outcome},
                                      {"response_code", &s->code},
                                      {"stan", &s->stan},
                                      {"rrn", &s->rrn},
                                      {"business_date", &s->date}})
      if (!value->empty()) filters.push_back(std::string(name) + "=" + *value);
    auto remote = Remote::open(s->target);
    if (!remote) return exit_with(report(remote.error(), std::cerr));
    exit_with(print_list(*remote, s->target,
                         {list_target("/v1/transactions", filters), transaction_columns(), s->list.limit},
                         std::cout, std::cerr));
  });
  auto* get = noun->add_subcommand("get", "One transaction: time line, fee, entries")->fallthrough();
  get->add_option("TRANSACTION", s->name, "txn_…")->required();
  get->callback([s] { exit_with(get_transaction({s->target, std::cout, std::cerr}, s->name)); });
}

void add_host_commands(CLI::App& app) {
  auto* noun = app.add_subcommand("hosts", "Upstream hosts");
  noun->require_subcommand(1);
  const auto target = std::make_shared<TargetOptions>();
  add_target_options(*noun, *target);
  noun->add_subcommand("ls", "Links, traffic, round trips")->fallthrough()->callback([target] {
    auto remote = Remote::open(*target);
    if (!remote) return exit_with(report(remote.error(), std::cerr));
    exit_with(print_list(*remote, *target, {"/v1/hosts", host_columns(), 0}, std::cout, std::cerr));
  });
}

}  // namespace tollgate::cli
