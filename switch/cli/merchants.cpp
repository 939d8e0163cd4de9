// tollgate merchants ls | get | suspend | activate
#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <memory>

#include "switch/admin/json_out.h"
#include "switch/admin/query.h"
#include "switch/cli/admin_commands.h"
#include "switch/cli/exit.h"
#include "switch/cli/table.h"

namespace tollgate::cli {
namespace {

namespace json = boost::json;

std::vector<Column> columns() {
  return {column("MERCHANT", "merchant_code"),
          column("NAME", "name"),
          column("STATE", "state"),
          column("MCC", "mcc"),
          column("REGION", "region"),
          number("TERMINALS", "terminals"),
          column("CYCLE", "settlement_cycle"),
          wide(column("ACCOUNT", "settlement_account")),
          wide(column("ID", "id"))};
}

// A bare number is a merchant code.
std::string target_of(const std::string& name) {
  const bool bare = name.find(':') == std::string::npos && !name.starts_with("mer_");
  return "/v1/merchants/" + admin::percent_encode(bare ? "mc:" + name : name);
}

int get_merchant(const Console& c, const std::string& name) {
  auto remote = Remote::open(c.options);
  if (!remote) return report(remote.error(), c.err);
  const auto reply = remote->get(target_of(name));
  if (!reply) return report(reply.error(), c.err);
  if (!reply->ok()) return report(*reply, c.options, "tollgate merchants ls", c.err);
  if (c.options.output == "json" || c.options.output == "ndjson")
    c.out << reply->body << "\n";
  else if (c.options.output == "csv")
    print_csv({reply->json}, columns(), c.out);
  else
    print_table({reply->json}, columns(), true, c.out);
  return exit_code::kDone;
}

}  // namespace

int merchants_verb(const Console& c, const std::string& verb, const VerbOptions& options) {
  auto remote = Remote::open(c.options);
  if (!remote) return report(remote.error(), c.err);
  const auto before = remote->get(target_of(options.name));
  if (!before) return report(before.error(), c.err);
  if (!before->ok()) return report(*before, c.options, "tollgate merchants ls", c.err);
  std::string body;
  admin::JsonOut out(body);
  out.begin_object();
  if (verb == "suspend") out.field("reason", options.reason);
  if (!options.note.empty()) out.field("note", options.note);
  if (verb == "suspend" && !options.evidence.empty()) out.field("evidence", options.evidence);
  if (verb == "suspend" && !options.until.empty()) out.field("until", options.until);
  for (const auto& one : options.references)
    out.field(one.substr(0, one.find('=')), one.substr(std::min(one.size(), one.find('=') + 1)));
  out.end_object();
  const auto after = remote->post({"/v1/merchants/" + text_at(before->json, "id") + "/" + verb, body,
                                   "application/json", std::string(before->headers.get("ETag"))});
  if (!after) return report(after.error(), c.err);
  const auto code = text_at(before->json, "merchant_code");
  if (!after->ok()) return report(*after, c.options, "tollgate merchants get " + code, c.err);
  if (c.options.output != "table" && c.options.output != "wide") {
    c.out << after->body << "\n";
    return exit_code::kDone;
  }
  c.out << "merchant " << code << " (" << printable(text_at(after->json, "name")) << ")  "
        << text_at(before->json, "state") << " → " << text_at(after->json, "state") << "   "
        << text_at(after->json, "terminals") << " terminals";
  if (text_at(after->json, "dry_run") == "true") c.out << "   (dry run: nothing was changed)";
  c.out << "\n";
  if (verb == "suspend") c.out << "  undo: tollgate merchants activate mc:" << code << "\n";
  return exit_code::kDone;
}

void add_merchant_commands(CLI::App& app) {
  auto* noun = app.add_subcommand("merchants", "Merchants: list, look at, suspend, activate");
  noun->require_subcommand(1);
  struct State {
    TargetOptions target;
    ListOptions list;
    VerbOptions verb;
    std::string name;
  };
  const auto s = std::make_shared<State>();
  add_target_options(*noun, s->target);
  const auto console = [s] { return Console{s->target, std::cout, std::cerr}; };

  auto* ls = noun->add_subcommand("ls", "List")->fallthrough();
  add_list_options(*ls, s->list);
  ls->callback([s] {
    auto remote = Remote::open(s->target);
    if (!remote) return exit_with(report(remote.error(), std::cerr));
    exit_with(print_list(*remote, s->target,
                         {list_target("/v1/merchants", s->list.filters), columns(), s->list.limit}, std::cout,
                         std::cerr));
  });
  auto* get = noun->add_subcommand("get", "One merchant")->fallthrough();
  get->add_option("MERCHANT", s->name, "mer_…, mc:102290058120001")->required();
  get->callback([s, console] { exit_with(get_merchant(console(), s->name)); });
  for (const auto* verb : {"suspend", "activate"}) {
    const bool suspends = std::string_view(verb) == "suspend";
    auto* command =
        noun->add_subcommand(verb, suspends ? "All its terminals, by one hold" : "Release its holds")
            ->fallthrough();
    command->add_option("MERCHANT", s->verb.name, "mer_…, mc:102290058120001")->required();
    command->add_option("--note", s->verb.note, "For people");
    if (suspends) {
      command->add_option("--reason", s->verb.reason, "merchant_request, risk …")->required();
      command->add_option("--evidence", s->verb.evidence, "Ticket, case");
      command->add_option("--until", s->verb.until, "RFC 3339");
      command->add_option("--ref", s->verb.references, "What the reason requires: contact=…, case_ref=…");
    }
    command->callback(
        [s, console, verb = std::string(verb)] { exit_with(merchants_verb(console(), verb, s->verb)); });
  }
}

}  // namespace tollgate::cli
