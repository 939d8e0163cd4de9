// tollgate token create | ls | revoke
#include <CLI/CLI.hpp>
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

struct NewToken {
  std::string name, expires;
  std::vector<std::string> roles, cidrs;
};

std::string joined(const json::value& t, const char* path) {
  std::string text;
  if (const auto* list = at(t, path); list != nullptr && list->is_array())
    for (const auto& one : list->get_array())
      if (one.is_string()) text.append(text.empty() ? "" : ",").append(std::string_view(one.get_string()));
  return text;
}

std::vector<Column> columns() {
  return {
      column("NAME", "name"),           {"ROLES", [](const json::value& t) { return joined(t, "roles"); }},
      column("EXPIRES", "expires_at"),  {"FROM", [](const json::value& t) { return joined(t, "cidrs"); }},
      wide(column("BY", "created_by")), column("ID", "id")};
}

int create_token(const Console& c, const NewToken& token) {
  auto remote = Remote::open(c.options);
  if (!remote) return report(remote.error(), c.err);
  std::string body;
  admin::JsonOut out(body);
  out.begin_object().field("name", token.name).key("roles").begin_array();
  for (const auto& role : token.roles) out.value(role);
  out.end_array();
  if (!token.expires.empty()) out.field("expires_at", token.expires);
  if (!token.cidrs.empty()) {
    out.key("cidrs").begin_array();
    for (const auto& cidr : token.cidrs) out.value(cidr);
    out.end_array();
  }
  out.end_object();
  const auto reply = remote->post({"/v1/tokens", body});
  if (!reply) return report(reply.error(), c.err);
  if (!reply->ok()) return report(*reply, c.options, "tollgate token ls", c.err);
  const auto secret = text_at(reply->json, "token");
  if (c.options.output == "json" || c.options.output == "ndjson") {
    c.out << reply->body << "\n";
  } else if (secret.empty()) {
    c.out << "token " << token.name
          << (c.options.dry_run ? "  would be made (dry run)"
                                : "  was made before; it is shown once only: revoke it and make another")
          << "\n";
  } else {
    c.err << "token " << token.name << "  " << text_at(reply->json, "id") << "   shown once:\n";
    c.out << secret << "\n";
  }
  return exit_code::kDone;
}

int revoke_token(const Console& c, const std::string& id) {
  auto remote = Remote::open(c.options);
  if (!remote) return report(remote.error(), c.err);
  const auto reply = remote->send("DELETE", "/v1/tokens/" + admin::percent_encode(id), "");
  if (!reply) return report(reply.error(), c.err);
  if (!reply->ok()) return report(*reply, c.options, "tollgate token ls", c.err);
  c.out << "token " << id << " revoked\n";
  return exit_code::kDone;
}

}  // namespace

void add_token_commands(CLI::App& app) {
  auto* noun = app.add_subcommand("token", "Access to the operations interface");
  noun->require_subcommand(1);
  struct State {
    TargetOptions target;
    NewToken token;
    std::string id;
  };
  const auto s = std::make_shared<State>();
  add_target_options(*noun, s->target);
  auto* create = noun->add_subcommand("create", "Make one; it is shown once")->fallthrough();
  create->add_option("NAME", s->token.name, "Who will use it")->required();
  create
      ->add_option("--role", s->token.roles,
                   "viewer, operator, supervisor, settlement, pricing, security, auditor, admin")
      ->required()
      ->delimiter(',');
  create->add_option("--expires", s->token.expires, "RFC 3339");
  create->add_option("--cidr", s->token.cidrs, "From these addresses only")->delimiter(',');
  create->callback([s] { exit_with(create_token({s->target, std::cout, std::cerr}, s->token)); });
  noun->add_subcommand("ls", "List")->fallthrough()->callback([s] {
    auto remote = Remote::open(s->target);
    if (!remote) return exit_with(report(remote.error(), std::cerr));
    exit_with(print_list(*remote, s->target, {"/v1/tokens", columns(), 0}, std::cout, std::cerr));
  });
  auto* revoke = noun->add_subcommand("revoke", "Refuse it from now on")->fallthrough();
  revoke->add_option("ID", s->id, "tok_…")->required();
  revoke->callback([s] { exit_with(revoke_token({s->target, std::cout, std::cerr}, s->id)); });
}

}  // namespace tollgate::cli
