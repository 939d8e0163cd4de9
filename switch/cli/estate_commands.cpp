// tollgate apply -f FILE|-, tollgate estate get
#include <CLI/CLI.hpp>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>

#include "switch/cli/admin_commands.h"
#include "switch/cli/exit.h"
#include "switch/cli/table.h"

namespace tollgate::cli {
namespace {

namespace json = boost::json;

Result<std::string> read_whole(const std::string& file) {
  if (file == "-") return std::string(std::istreambuf_iterator<char>(std::cin), {});
  std::ifstream in(file, std::ios::binary);
  if (!in) return fail(ErrorCode::invalid, "cannot be read", file);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

Result<json::value> parse(const std::string& text, const std::string& file) {
  json::stream_parser parser;
  boost::system::error_code ec;
  const auto read = parser.write_some(text.data(), text.size(), ec);
  if (!ec) parser.finish(ec);
  const auto rest = text.find_first_not_of(" \t\r\n", read);
  if (!ec && rest == std::string::npos) return parser.release();
  const auto upto = std::string_view(text).substr(0, read);
  const auto line = std::count(upto.begin(), upto.end(), '\n') + 1;
  return fail(ErrorCode::invalid, ec ? ec.message() : "something follows the document",
              file + ":" + std::to_string(line));
}

// What `file` names is put where the interface wants it; the name stays, for messages.
Result<void> put_schedule(json::value& item, const std::filesystem::path& folder) {
  auto* object = item.if_object();
  if (object == nullptr || object->contains("schedule")) return {};
  const auto* file = object->if_contains("file");
  if (file == nullptr || !file->is_string()) return {};
  const auto path = (folder / std::string(std::string_view(file->get_string()))).string();
  const auto text = read_whole(path);
  if (!text) return std::unexpected(text.error());
  auto schedule = parse(*text, path);
  if (!schedule) return std::unexpected(schedule.error());
  object->emplace("schedule", std::move(*schedule));
  return {};
}

bool is_lines(const std::string& text) {
  const auto first = text.substr(0, text.find('\n'));
  boost::system::error_code ec;
  const auto value = json::parse(first, ec);
  return !ec && value.is_object() && value.get_object().contains("kind");
}

Result<std::string> inline_lines(const std::string& text, const std::string& file,
                                 const std::filesystem::path& folder) {
  std::string out;
  std::size_t number = 0;
  for (std::size_t from = 0; from < text.size();) {
    const auto feed = std::min(text.find('\n', from), text.size());
    const auto line = text.substr(from, feed - from);
    from = feed + 1;
    ++number;
    if (line.find("\"fee_schedule") == std::string::npos) {
      out += line + "\n";
      continue;
    }
    auto value = parse(line, file + ":" + std::to_string(number));
    if (!value) return std::unexpected(value.error());
    if (auto put = put_schedule(*value, folder); !put) return std::unexpected(put.error());
    out += json::serialize(*value) + "\n";
  }
  return out;
}

std::string changes_of(const json::value& row) {
  std::string text;
  if (const auto* changes = at(row, "changes"); changes != nullptr && changes->is_array())
    for (const auto& c : changes->get_array())
      text.append(text.empty() ? "" : "; ")
          .append(text_at(c, "pointer").substr(1))
          .append(": ")
          .append(text_at(c, "old").empty() ? "-" : text_at(c, "old"))
          .append(" → ")
          .append(text_at(c, "new").empty() ? "-" : text_at(c, "new"));
  if (const auto note = text_at(row, "note"); !note.empty())
    text.append(text.empty() ? "" : "; ").append(note);
  if (const auto* found = at(row, "findings"); found != nullptr && found->is_array())
    for (const auto& f : found->get_array())
      text.append(text.empty() ? "" : "; ").append("found: ").append(text_at(f, "detail"));
  if (const auto why = text_at(row, "override"); !why.empty())
    text.append(text.empty() ? "" : "; ").append("override: ").append(why);
  if (text_at(row, "result") != "refused") return text;
  text = text_at(row, "code") + ": " + text_at(row, "detail");
  if (const auto* checks = at(row, "checks"); checks != nullptr && checks->is_array())
    for (const auto& c : checks->get_array())
      if (text_at(c, "ok") != "true")
        text +=
            "  [-] " + text_at(c, "id") + (text_at(c, "detail").empty() ? "" : " " + text_at(c, "detail"));
  return text;
}

void print_result(const Console& c, const Reply& reply) {
  const std::vector<Column> columns = {
      column("KIND", "kind"), column("OBJECT", "key"), column("RESULT", "result"), {"CHANGES", changes_of}};
  Rows rows;
  if (const auto* results = at(reply.json, "results"); results != nullptr && results->is_array())
    for (const auto& row : results->get_array())
      if (c.options.output == "wide" || c.options.output == "csv" || text_at(row, "result") != "unchanged")
        rows.push_back(row);
  if (c.options.output == "csv") return print_csv(rows, columns, c.out);
  if (!rows.empty()) print_table(rows, columns, true, c.out);
  const auto n = [&](const char* what) { return text_at(reply.json, std::string("counts.") + what); };
  c.out << n("create") << " created, " << n("update") << " updated, " << n("unchanged") << " unchanged, "
        << n("refused") << " refused" << (c.options.dry_run ? "   (dry run: nothing was changed)" : "")
        << "\n";
}

}  // namespace

Result<EstateText> read_estate_file(const std::string& file) {
  const auto text = read_whole(file);
  if (!text) return std::unexpected(text.error());
  const auto folder = file == "-" ? std::filesystem::path(".") : std::filesystem::path(file).parent_path();
  if (is_lines(*text)) {
    auto lines = inline_lines(*text, file, folder);
    if (!lines) return std::unexpected(lines.error());
    return EstateText{std::move(*lines), "application/x-ndjson"};
  }
  auto document = parse(*text, file);
  if (!document) return std::unexpected(document.error());
  if (auto* root = document->if_object())
    if (auto* schedules = root->if_contains("fee_schedules"); schedules != nullptr && schedules->is_array())
      for (auto& item : schedules->get_array())
        if (auto put = put_schedule(item, folder); !put) return std::unexpected(put.error());
  return EstateText{json::serialize(*document), "application/json"};
}

int apply_estate(const Console& c, const std::string& file) {
  auto estate = read_estate_file(file);
  if (!estate) {
    const auto code = report(estate.error(), c.err);
    return c.options.dry_run ? exit_code::kPartial : code;
  }
  auto remote = Remote::open(c.options);
  if (!remote) return report(remote.error(), c.err);
  const auto reply = remote->post({"/v1/estate", std::move(estate->text), estate->content_type});
  if (!reply) return report(reply.error(), c.err);
  if (!reply->ok()) {
    const auto code = report(*reply, c.options, "", c.err);
    return c.options.dry_run && reply->status == 422 ? exit_code::kPartial : code;
  }
  if (c.options.output == "json") {
    c.out << reply->body << "\n";
  } else if (c.options.output == "ndjson") {
    if (const auto* results = at(reply->json, "results"); results != nullptr && results->is_array())
      for (const auto& row : results->get_array()) c.out << json::serialize(row) << "\n";
  } else {
    print_result(c, *reply);
  }
  return text_at(reply->json, "counts.refused") == "0" ? exit_code::kDone : exit_code::kPartial;
}

void add_estate_commands(CLI::App& app) {
  struct State {
    TargetOptions target, get_target;
    std::string file, kinds;
  };
  const auto s = std::make_shared<State>();
  auto* apply = app.add_subcommand(
      "apply", "Apply an estate document: what differs is created or updated, nothing is deleted");
  add_target_options(*apply, s->target);
  apply->add_option("-f,--file", s->file, "JSON or NDJSON, or - for standard input")->required();
  apply->callback([s] { exit_with(apply_estate({s->target, std::cout, std::cerr}, s->file)); });

  auto* estate = app.add_subcommand("estate", "The estate as a document");
  estate->require_subcommand(1);
  add_target_options(*estate, s->get_target);
  auto* get =
      estate->add_subcommand("get", "Current data, without secrets; can be applied again")->fallthrough();
  get->add_option("--kinds", s->kinds,
                  "hosts,cards,fee_schedules,routes,merchants,fee_assignments,devices,terminals");
  get->callback([s] {
    const Console c{s->get_target, std::cout, std::cerr};
    auto remote = Remote::open(c.options);
    if (!remote) return exit_with(report(remote.error(), c.err));
    std::vector<std::string> filters;
    if (!s->kinds.empty()) filters.push_back("kinds=" + s->kinds);
    const auto reply = remote->stream(list_target("/v1/estate", filters), [&](std::string_view part) {
      c.out << part;
      return c.out.good();
    });
    if (!reply) return exit_with(report(reply.error(), c.err));
    if (!reply->ok()) return exit_with(report(*reply, c.options, "", c.err));
    c.out << "\n";
  });
}

}  // namespace tollgate::cli
