// tollgate terminals ls | get | suspend | activate
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

std::string upper(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
  return text;
}

std::string target_of(const std::string& name) {
  return "/v1/terminals/" + admin::percent_encode(name);
}
std::string natural_key(const json::value& t) {
  return "tid:" + text_at(t, "tid") + "@" + text_at(t, "merchant_code");
}

// Each hold in brackets: who has it sees why at once.
std::string reasons(const json::value& t) {
  std::string text;
  if (const auto* holds = at(t, "holds"); holds != nullptr && holds->is_array())
    for (const auto& h : holds->get_array())
      text.append(text.empty() ? "" : "+").append(text_at(h, "reason"));
  return text;
}

std::vector<Column> columns() {
  return {column("TID", "tid"),
          column("MERCHANT", "merchant_code"),
          {"STATE", [](const json::value& t) { return upper(text_at(t, "state")); }},
          {"HOLDS", reasons},
          column("SN", "device.serial_number"),
          wide(column("MODEL", "device.model")),
          column("VERSION", "device.firmware_version"),
          column("REGION", "region"),
          {"LAST TXN", [](const json::value& t) { return short_time(text_at(t, "last_transaction_at")); }},
          wide({"LAST SEEN", [](const json::value& t) { return short_time(text_at(t, "last_seen_at")); }}),
          wide(column("TMK", "keys.tmk.kcv")),
          wide(number("BATCH", "batch.open_count")),
          wide(column("ID", "id"))};
}

std::string merchant_name(Remote& remote, const json::value& t) {
  const auto reply = remote.get("/v1/merchants/mc:" + admin::percent_encode(text_at(t, "merchant_code")));
  return reply && reply->ok() ? printable(text_at(reply->json, "name")) : std::string();
}

// "reversals, batch upload, sign-on" and what is declined, in words.
void write_acceptance(const json::value& t, std::ostream& out) {
  const auto is = [&](const char* what) { return text_at(t, std::string("accepts.") + what) == "true"; };
  std::string accepts, declines;
  const auto add = [](std::string& list, const char* word) {
    list.append(list.empty() ? "" : ", ").append(word);
  };
  add(is("reversal") ? accepts : declines, "reversals");
  if (is("advice")) add(accepts, "advices");
  add(is("batch_upload") ? accepts : declines, "batch upload");
  add(is("management") ? accepts : declines, "sign-on");
  add(is("financial") ? accepts : declines, "purchase, refund, pre-auth");
  out << "  ";
  if (!accepts.empty()) out << "accepts " << accepts;
  if (!declines.empty()) out << (accepts.empty() ? "" : "    ") << "declines " << declines;
  const auto count = text_at(t, "batch.open_count");
  if (!count.empty() && count != "0")
    out << "    open batch " << text_at(t, "batch.no") << ": " << count << " txns, "
        << money(text_at(t, "batch.total_minor"), text_at(t, "batch.currency"));
  out << "\n";
}

// "terminal 10000001 (演示餐厅)  ACTIVE → SUSPENDED   hold hold_6F0… device_fault"
void write_transition(const json::value& before, const json::value& after, const std::string& shop,
                      std::ostream& out) {
  out << "terminal " << printable(text_at(after, "tid")) << (shop.empty() ? "" : " (" + shop + ")") << "  "
      << upper(text_at(before, "state"));
  out << " → " << upper(text_at(after, "state"));
  const auto had = [&](const std::string& id) {
    const auto* holds = at(before, "holds");
    return holds != nullptr && holds->is_array() &&
           std::ranges::any_of(holds->get_array(),
                               [&](const json::value& h) { return text_at(h, "id") == id; });
  };
  if (const auto* holds = at(after, "holds"); holds != nullptr && holds->is_array())
    for (const auto& h : holds->get_array())
      if (!had(text_at(h, "id"))) out << "   hold " << text_at(h, "id") << " " << text_at(h, "reason");
  if (text_at(after, "dry_run") == "true") out << "   (dry run: nothing was changed)";
  out << "\n";
}

int shown(const Console& c, const Reply& reply) {
  c.out << reply.body << "\n";
  return exit_code::kDone;
}

struct Verb {
  std::string word, body, undo;
};
int run_verb(const Console& c, const VerbOptions& options, const Verb& verb) {
  auto remote = Remote::open(c.options);
  if (!remote) return report(remote.error(), c.err);
  const auto before = remote->get(target_of(options.name));
  if (!before) return report(before.error(), c.err);
  if (!before->ok())
    return report(*before, c.options,
                  "tollgate terminals ls --q " + options.name.substr(options.name.find(':') + 1), c.err);
  const auto key = natural_key(before->json);
  // The version that was looked at is the one that is changed; anything else comes back as "changed
  // meanwhile".
  const auto after = remote->post({"/v1/terminals/" + text_at(before->json, "id") + "/" + verb.word,
                                   verb.body, "application/json", std::string(before->headers.get("ETag"))});
  if (!after) return report(after.error(), c.err);
  if (!after->ok()) return report(*after, c.options, "tollgate terminals get " + key, c.err);
  if (c.options.output != "table" && c.options.output != "wide") return shown(c, *after);
  write_transition(before->json, after->json, merchant_name(*remote, after->json), c.out);
  write_acceptance(after->json, c.out);
  if (!verb.undo.empty()) c.out << "  undo: tollgate terminals " << verb.undo << " " << key << "\n";
  if (c.options.verbose && !remote->last_key().empty())
    c.out << "  idempotency key " << remote->last_key() << "\n";
  return exit_code::kDone;
}

void write_references(admin::JsonOut& out, const VerbOptions& options) {
  for (const auto& one : options.references) {
    const auto equals = one.find('=');
    const auto name = one.substr(0, equals);
    const auto value = equals == std::string::npos ? std::string() : one.substr(equals + 1);
    const bool number = (name == "drift_m" || name == "days") && !value.empty() &&
                        std::ranges::all_of(value, [](char d) { return d >= '0' && d <= '9'; });
    if (number)
      out.key(name).raw(value);
    else
      out.field(name, value);
  }
}

void add_verb_options(CLI::App& command, VerbOptions& verb) {
  command
      .add_option("TERMINAL", verb.name, "term_…, tid:10000001@102290058120001, tid:10000001, sn:N3300001234")
      ->required();
  command.add_option("--note", verb.note, "For people");
  command.add_option("--evidence", verb.evidence, "Ticket, voucher, case");
}

}  // namespace

int terminals_get(const Console& c, const std::string& name) {
  auto remote = Remote::open(c.options);
  if (!remote) return report(remote.error(), c.err);
  const auto reply = remote->get(target_of(name));
  if (!reply) return report(reply.error(), c.err);
  if (!reply->ok()) return report(*reply, c.options, "tollgate terminals ls", c.err);
  if (c.options.output == "json" || c.options.output == "ndjson") return shown(c, *reply);
  if (c.options.output == "csv") {
    print_csv({reply->json}, columns(), c.out);
    return exit_code::kDone;
  }
  const auto& t = reply->json;
  const auto shop = merchant_name(*remote, t);
  const auto line = [&](const char* title, const std::string& text) {
    if (!text.empty())
      c.out << "  " << title
            << std::string(14 - std::min<std::size_t>(13, std::string_view(title).size()), ' ')
            << printable(text) << "\n";
  };
  c.out << "terminal " << printable(text_at(t, "tid")) << (shop.empty() ? "" : " (" + shop + ")") << "  "
        << upper(text_at(t, "state"));
  c.out << "  since " << short_time(text_at(t, "state_since")) << "  version " << text_at(t, "version")
        << "\n";
  write_acceptance(t, c.out);
  line("id", text_at(t, "id"));
  line("merchant", text_at(t, "merchant_code"));
  line("device", text_at(t, "device.serial_number") + "  " + text_at(t, "device.model") + "  " +
                     text_at(t, "device.firmware_version") + "  " + text_at(t, "device.state"));
  line("keys", "TMK gen " + text_at(t, "keys.tmk.generation") + " " + text_at(t, "keys.tmk.kcv"));
  line("signed on", short_time(text_at(t, "keys.signed_on_at")));
  line("last txn", short_time(text_at(t, "last_transaction_at")));
  if (const auto* holds = at(t, "holds"); holds != nullptr && holds->is_array())
    for (const auto& h : holds->get_array())
      line("hold", text_at(h, "id") + "  " + text_at(h, "reason") + "  " + text_at(h, "scope") + "  since " +
                       short_time(text_at(h, "since")) + "  by " + text_at(h, "by") + "  " +
                       text_at(h, "note"));
  std::string actions;
  if (const auto* list = at(t, "allowed_actions"); list != nullptr && list->is_array())
    for (const auto& a : list->get_array())
      if (a.is_string()) actions.append(actions.empty() ? "" : ", ").append(std::string_view(a.get_string()));
  line("next", actions);
  return exit_code::kDone;
}

int terminals_suspend(const Console& c, const VerbOptions& options) {
  std::string body;
  admin::JsonOut out(body);
  out.begin_object().field("reason", options.reason);
  if (!options.note.empty()) out.field("note", options.note);
  if (!options.evidence.empty()) out.field("evidence", options.evidence);
  if (!options.until.empty()) out.field("until", options.until);
  write_references(out, options);
  out.end_object();
  return run_verb(c, options, {"suspend", body, "activate"});
}

int terminals_activate(const Console& c, const VerbOptions& options) {
  std::string body;
  admin::JsonOut out(body);
  out.begin_object();
  if (!options.hold.empty()) out.field("hold", options.hold);
  if (!options.note.empty()) out.field("note", options.note);
  if (!options.evidence.empty()) out.field("evidence", options.evidence);
  out.end_object();
  return run_verb(c, options, {"activate", body, ""});
}

void add_terminal_commands(CLI::App& app) {
  auto* noun = app.add_subcommand("terminals", "Acceptance points: list, look at, suspend, activate");
  noun->require_subcommand(1);
  struct State {
    TargetOptions target;
    ListOptions list;
    VerbOptions verb;
    std::string name, states, merchant, q;
  };
  const auto s = std::make_shared<State>();
  add_target_options(*noun, s->target);
  const auto console = [s] { return Console{s->target, std::cout, std::cerr}; };

  auto* ls = noun->add_subcommand("ls", "List")->fallthrough();
  add_list_options(*ls, s->list);
  ls->add_option("--state", s->states, "pending,active,suspended,replacing,deregistering,deregistered");
  ls->add_option("--merchant", s->merchant, "Merchant code or mer_…");
  ls->add_option("--q", s->q, "Text in TID, serial number, merchant");
  ls->callback([s] {
    auto filters = s->list.filters;
    if (!s->states.empty()) filters.push_back("state=" + s->states);
    if (!s->merchant.empty()) filters.push_back("merchant=" + s->merchant);
    if (!s->q.empty()) filters.push_back("q=" + s->q);
    auto remote = Remote::open(s->target);
    if (!remote) return exit_with(report(remote.error(), std::cerr));
    exit_with(print_list(*remote, s->target,
                         {list_target("/v1/terminals", filters), columns(), s->list.limit}, std::cout,
                         std::cerr));
  });

  auto* get = noun->add_subcommand("get", "One terminal")->fallthrough();
  get->add_option("TERMINAL", s->name, "term_…, tid:…@…, sn:…")->required();
  get->callback([s, console] { exit_with(terminals_get(console(), s->name)); });

  auto* suspend =
      noun->add_subcommand("suspend", "No financial transaction from the next message on")->fallthrough();
  add_verb_options(*suspend, s->verb);
  suspend
      ->add_option("--reason", s->verb.reason, "device_fault, merchant_request, risk …  (tollgate explain)")
      ->required();
  suspend->add_option("--until", s->verb.until, "RFC 3339");
  suspend->add_option("--ref", s->verb.references, "What the reason requires: case_ref=R-7, contact=…");
  suspend->callback([s, console] { exit_with(terminals_suspend(console(), s->verb)); });

  auto* activate = noun->add_subcommand("activate", "Release its holds, or one of them")->fallthrough();
  add_verb_options(*activate, s->verb);
  activate->add_option("--hold", s->verb.hold, "Only this one: hold_…");
  activate->callback([s, console] { exit_with(terminals_activate(console(), s->verb)); });
}

}  // namespace tollgate::cli
