// tollgate api METHOD PATH [-d BODY|@FILE], tollgate explain CODE
#include <CLI/CLI.hpp>
#include <fstream>
#include <iostream>
#include <memory>

#include "switch/cli/admin_commands.h"
#include "switch/cli/exit.h"

namespace tollgate::cli {
namespace {

Result<std::string> read_data(const std::string& data) {
  if (!data.starts_with('@')) return data;
  if (data == "@-") return std::string(std::istreambuf_iterator<char>(std::cin), {});
  std::ifstream file(data.substr(1), std::ios::binary);
  if (!file) return fail(ErrorCode::invalid, "cannot be read", data.substr(1));
  return std::string(std::istreambuf_iterator<char>(file), {});
}

int call_api(const Console& c, const std::string& method, const std::string& path, const std::string& data) {
  const auto body = read_data(data);
  if (!body) return report(body.error(), c.err);
  auto remote = Remote::open(c.options);
  if (!remote) return report(remote.error(), c.err);
  if (method == "GET") {
    const auto reply = remote->stream(path, [&](std::string_view part) {
      c.out << part;
      return c.out.good();
    });
    if (!reply) return report(reply.error(), c.err);
    if (!reply->ok()) return report(*reply, c.options, "", c.err);
    return exit_code::kDone;
  }
  const auto reply = remote->send(method, path, *body);
  if (!reply) return report(reply.error(), c.err);
  if (!reply->ok()) return report(*reply, c.options, "", c.err);
  c.out << reply->body << (reply->body.empty() ? "" : "\n");
  return exit_code::kDone;
}

}  // namespace

int explain(const Console& c, const std::string& code) {
  const auto& catalog = admin::Catalog::get();
  const auto language = language_of(c.options);
  bool found = false;
  if (const auto it = catalog.response_codes.find(code); it != catalog.response_codes.end()) {
    found = true;
    c.out << code << "  " << it->second.label.en << " / " << it->second.label.zh << "\n";
    c.out << "Seen when: " << it->second.seen << ".";
    if (!it->second.next.empty()) c.out << "   Next: " << it->second.next;
    c.out << "\n";
  }
  if (const auto it = catalog.reasons.find(code); it != catalog.reasons.end()) {
    found = true;
    c.out << code << "  " << it->second.label.en << " / " << it->second.label.zh << "\n";
    c.out << "Reason of a hold. For: ";
    const auto& verbs = it->second.verbs;
    c.out << (verbs.empty() ? "the system only" : "") << (verbs.contains('S') ? "suspend " : "")
          << (verbs.contains('R') ? "replace " : "") << (verbs.contains('D') ? "deregister" : "") << ".";
    if (!it->second.required.empty()) c.out << " Needs: " << it->second.required << ".";
    if (!it->second.release.empty()) {
      c.out << " Released by:";
      for (const auto& role : it->second.release) c.out << " " << role;
      c.out << ".";
    }
    c.out << "\n";
  }
  if (const auto it = catalog.problems.find(code); it != catalog.problems.end()) {
    found = true;
    c.out << code << "  " << it->second.title.en << " / " << it->second.title.zh
          << "\nProblem of the operations interface, HTTP " << it->second.status << ".\n";
  }
  if (const auto it = catalog.checks.find(code); it != catalog.checks.end()) {
    found = true;
    c.out << code << "  " << it->second.in(language) << "\nCheck before a change of state.\n";
  }
  if (found) return exit_code::kDone;
  c.err << "error: nothing is called " << code
        << "; field 39, reasons, checks and problem codes are explained\n";
  return exit_code::kNotFound;
}

void add_api_commands(CLI::App& app) {
  struct State {
    TargetOptions target, explain_target;
    std::string method, path, data, code;
  };
  const auto s = std::make_shared<State>();
  auto* api = app.add_subcommand("api", "Any operation of the interface: api GET '/v1/system'");
  add_target_options(*api, s->target);
  api->add_option("METHOD", s->method, "GET, POST, DELETE")->required();
  api->add_option("PATH", s->path, "/v1/…")->required();
  api->add_option("-d,--data", s->data, "Body, or @FILE, or @-");
  api->callback([s] { exit_with(call_api({s->target, std::cout, std::cerr}, s->method, s->path, s->data)); });
  auto* explained = app.add_subcommand("explain", "What a code means: field 39, reason, check, problem");
  explained->add_option("CODE", s->code, "58, device_fault, holds_remain …")->required();
  explained->add_option("--lang", s->explain_target.lang, "zh or en");
  explained->callback([s] { exit_with(explain({s->explain_target, std::cout, std::cerr}, s->code)); });
}

}  // namespace tollgate::cli
