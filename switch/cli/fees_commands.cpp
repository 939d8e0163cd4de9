// tollgate fees ls | get | publish
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

std::vector<Column> columns() {
  return {column("SCHEDULE", "schedule_id"),
          number("VERSION", "version"),
          column("STATE", "state"),
          {"VALID FROM", [](const json::value& v) { return short_time(text_at(v, "valid_from")); }},
          number("FOUND", "findings_total"),
          column("OVERRIDE", "override.reason"),
          column("PUBLISHED BY", "published_by"),
          wide(column("DRAFTED BY", "drafted_by")),
          wide(column("HASH", "hash"))};
}

// "std-card@2" as the interface has it.
Result<std::string> target_of(const std::string& name) {
  const auto mark = name.rfind('@');
  if (mark == std::string::npos || mark == 0 || mark + 1 == name.size())
    return fail(ErrorCode::invalid, "a version is written NAME@NUMBER", name);
  return "/v1/fee-schedules/" + admin::percent_encode(name.substr(0, mark)) + "/versions/" +
         admin::percent_encode(name.substr(mark + 1));
}

bool whole(const Console& c) {
  return c.options.output == "json" || c.options.output == "ndjson";
}

int list(const Console& c) {
  auto remote = Remote::open(c.options);
  if (!remote) return report(remote.error(), c.err);
  const auto reply = remote->get("/v1/fee-schedules");
  if (!reply) return report(reply.error(), c.err);
  if (!reply->ok()) return report(*reply, c.options, "", c.err);
  if (whole(c)) {
    c.out << reply->body << "\n";
    return exit_code::kDone;
  }
  Rows rows;  // a row for each version
  if (const auto* data = at(reply->json, "data"); data != nullptr && data->is_array())
    for (const auto& schedule : data->get_array())
      if (const auto* versions = at(schedule, "versions"); versions != nullptr && versions->is_array())
        for (auto version : versions->get_array()) {
          if (auto* object = version.if_object())
            object->emplace("schedule_id", text_at(schedule, "schedule_id"));
          rows.push_back(std::move(version));
        }
  if (c.options.output == "csv")
    print_csv(rows, columns(), c.out);
  else
    print_table(rows, columns(), c.options.output == "wide", c.out);
  return exit_code::kDone;
}

void print_rows(const json::value& version, std::string_view name, const char* first, const char* second,
                std::ostream& out) {
  if (const auto* rows = at(version, name); rows != nullptr && rows->is_array())
    for (const auto& row : rows->get_array())
      out << "  " << printable(text_at(row, first)) << "   " << printable(text_at(row, second)) << "\n";
}

void print_override(const json::value& version, std::ostream& out) {
  if (const auto reason = text_at(version, "override.reason"); !reason.empty())
    out << "override: " << printable(reason) << "   by " << printable(text_at(version, "override.by"))
        << "\n";
}

}  // namespace

int fees_get(const Console& c, const std::string& name) {
  const auto target = target_of(name);
  if (!target) return report(target.error(), c.err);
  auto remote = Remote::open(c.options);
  if (!remote) return report(remote.error(), c.err);
  const auto reply = remote->get(*target);
  if (!reply) return report(reply.error(), c.err);
  if (!reply->ok()) return report(*reply, c.options, "tollgate fees ls", c.err);
  const auto& version = reply->json;
  if (whole(c)) {
    c.out << reply->body << "\n";
    return exit_code::kDone;
  }
  if (c.options.output == "csv") {
    print_csv({version}, columns(), c.out);
    return exit_code::kDone;
  }
  c.out << text_at(version, "schedule_id") << "@" << text_at(version, "version") << "   "
        << text_at(version, "state") << "   from " << short_time(text_at(version, "valid_from")) << "   "
        << text_at(version, "hash") << "\n";
  print_rows(version, "rules", "rule", "text", c.out);
  c.out << "found before publication: " << text_at(version, "findings_total") << "\n";
  print_rows(version, "findings", "kind", "detail", c.out);
  print_override(version, c.out);
  return exit_code::kDone;
}

int fees_publish(const Console& c, const std::string& name, const std::string& reason,
                 const std::string& hash) {
  const auto target = target_of(name);
  if (!target) return report(target.error(), c.err);
  auto remote = Remote::open(c.options);
  if (!remote) return report(remote.error(), c.err);
  std::string body;
  admin::JsonOut out(body);
  out.begin_object();
  if (!reason.empty()) out.field("override", reason);
  if (!hash.empty()) out.field("hash", hash);
  out.end_object();
  const auto reply = remote->post({*target + "/publish", body});
  if (!reply) return report(reply.error(), c.err);
  if (!reply->ok()) {
    const bool wanted = text_at(reply->json, "code") == "override_required";
    return report(
        *reply, c.options,
        wanted ? "tollgate fees publish " + name + " --override \"why this is meant\"" : "tollgate fees ls",
        c.err);
  }
  if (whole(c)) {
    c.out << reply->body << "\n";
    return exit_code::kDone;
  }
  const bool before = text_at(reply->json, "change") == "unchanged";
  c.out << "fee schedule " << name << (before ? "  was published before" : "  published");
  if (text_at(reply->json, "dry_run") == "true") c.out << "   (dry run: nothing was changed)";
  c.out << "\n";
  print_rows(reply->json, "findings", "kind", "detail", c.out);
  print_override(reply->json, c.out);
  return exit_code::kDone;
}

void add_fees_commands(CLI::App& app) {
  const auto known =
      app.get_subcommands([](const CLI::App* command) { return command->get_name() == "fees"; });
  auto* noun = known.empty() ? app.add_subcommand("fees", "Fee schedules and prices")->require_subcommand(1)
                             : known.front();
  struct State {
    TargetOptions target;
    std::string name, reason, hash;
  };
  const auto s = std::make_shared<State>();
  const auto console = [s] { return Console{s->target, std::cout, std::cerr}; };
  auto* ls = noun->add_subcommand("ls", "Versions of every schedule: state, what was found, who published");
  add_target_options(*ls, s->target);
  ls->callback([console] { exit_with(list(console())); });
  auto* get =
      noun->add_subcommand("get", "One version: its rules, what was found before publication, the override");
  add_target_options(*get, s->target);
  get->add_option("VERSION", s->name, "std-card@2")->required();
  get->callback([s, console] { exit_with(fees_get(console(), s->name)); });
  auto* publish =
      noun->add_subcommand("publish", "Put a draft (from an estate file) in force at its valid_from");
  add_target_options(*publish, s->target);
  publish->add_option("VERSION", s->name, "std-card@2")->required();
  publish->add_option("--override", s->reason,
                      "Why it is published although something was found; kept with it");
  publish->add_option("--hash", s->hash,
                      "Of the draft that was looked at (fees get); another one is refused");
  publish->callback([s, console] { exit_with(fees_publish(console(), s->name, s->reason, s->hash)); });
}

}  // namespace tollgate::cli
