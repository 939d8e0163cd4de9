#include "switch/cli/remote.h"

#include <CLI/CLI.hpp>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <ostream>

#include "switch/admin/query.h"
#include "switch/base/bytes.h"
#include "switch/base/chance.h"

namespace tollgate::cli {
namespace {

namespace json = boost::json;
constexpr std::string_view kDefaultUrl = "http://127.0.0.1:8080";

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

Result<std::string> read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return fail(ErrorCode::invalid, "cannot be read", path.string());
  return std::string(std::istreambuf_iterator<char>(file), {});
}

std::string trimmed(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' ')) text.pop_back();
  return text;
}

struct Target {
  std::string url, token_file;
};

Result<Target> context_target(const std::string& wanted) {
  const auto home = environment("XDG_CONFIG_HOME").empty() ? environment("HOME") + "/.config"
                                                           : environment("XDG_CONFIG_HOME");
  const std::filesystem::path folder = home + "/tollgate";
  auto name = wanted;
  if (name.empty()) {
    const auto current = read_file(folder / "current");
    if (!current) return Target{};
    name = trimmed(*current);
  }
  if (name.find('/') != std::string::npos) return fail(ErrorCode::invalid, "not the name of a context", name);
  const auto path = folder / (name + ".json");
  const auto text = read_file(path);
  if (!text) return std::unexpected(text.error());
  boost::system::error_code ec;
  const auto parsed = json::parse(*text, ec);
  if (ec || !parsed.is_object())
    return fail(ErrorCode::invalid, "not a context: {\"url\",\"token_file\"} is expected", path.string());
  return Target{text_at(parsed, "url"), text_at(parsed, "token_file")};
}

int exit_code_of(const Reply& reply, std::string_view code) {
  if (code == "precondition_failed" || code == "holds_remain") return exit_code::kPrecondition;
  switch (reply.status) {
    case 400:
      return exit_code::kUsage;
    case 401:
    case 403:
      return exit_code::kForbidden;
    case 404:
      return exit_code::kNotFound;
    case 409:
    case 412:
    case 428:
      return exit_code::kConflict;
    default:
      return exit_code::kFailed;
  }
}

void write_checks(const json::value& problem, std::ostream& err) {
  if (const auto* checks = at(problem, "checks"); checks != nullptr && checks->is_array())
    for (const auto& c : checks->get_array()) {
      const auto* ok = at(c, "ok");
      err << (ok != nullptr && ok->is_bool() && ok->get_bool() ? "  [+] " : "  [-] ") << text_at(c, "id");
      if (const auto detail = text_at(c, "detail"); !detail.empty()) err << "   " << detail;
      err << "\n";
    }
  if (const auto* holds = at(problem, "holds"); holds != nullptr && holds->is_array())
    for (const auto& h : holds->get_array())
      err << "  " << text_at(h, "reason") << "  " << text_at(h, "scope") << "  since " << text_at(h, "since")
          << "  by " << text_at(h, "by") << (text_at(h, "note").empty() ? "" : "  " + text_at(h, "note"))
          << "\n";
  if (const auto* errors = at(problem, "errors"); errors != nullptr && errors->is_array())
    for (const auto& e : errors->get_array())
      err << "  " << text_at(e, "pointer") << ": " << text_at(e, "detail") << " (" << text_at(e, "code")
          << ")\n";
  if (const auto* found = at(problem, "findings"); found != nullptr && found->is_array())
    for (const auto& f : found->get_array())
      err << "  [!] " << text_at(f, "kind") << "   " << text_at(f, "detail") << "\n";
  if (const auto* all = at(problem, "candidates"); all != nullptr && all->is_array())
    for (const auto& c : all->get_array())
      if (c.is_string()) err << "  " << std::string_view(c.get_string()) << "\n";
}

}  // namespace

const json::value* at(const json::value& value, std::string_view path) {
  const auto* here = &value;
  while (!path.empty()) {
    const auto dot = path.find('.');
    const auto part = path.substr(0, dot);
    path = dot == std::string_view::npos ? std::string_view() : path.substr(dot + 1);
    if (const auto* object = here->if_object()) {
      here = object->if_contains(part);
    } else if (const auto* array = here->if_array()) {
      std::size_t index = 0;
      const auto [end, failed] = std::from_chars(part.data(), part.data() + part.size(), index);
      here = failed == std::errc() && index < array->size() ? &(*array)[index] : nullptr;
    } else {
      here = nullptr;
    }
    if (here == nullptr) return nullptr;
  }
  return here;
}

std::string text_at(const json::value& value, std::string_view path) {
  const auto* found = at(value, path);
  if (found == nullptr || found->is_null()) return {};
  if (found->is_string()) return std::string(found->get_string());
  return json::serialize(*found);
}

const json::object& Reply::object() const {
  static const json::object kEmpty;
  const auto* o = json.if_object();
  return o == nullptr ? kEmpty : *o;
}

void add_target_options(CLI::App& command, TargetOptions& o) {
  command.fallthrough();
  command.add_option("--context", o.context, "Target by name (~/.config/tollgate/NAME.json)");
  command.add_option("--url", o.url, "Address of the operations interface");
  command.add_option("--token-file", o.token_file, "File that holds the token");
  command.add_option("-o,--output", o.output, "table, wide, json, ndjson, csv")
      ->check(CLI::IsMember({"table", "wide", "json", "ndjson", "csv"}));
  command.add_option("--lang", o.lang, "zh or en (default: LANG)");
  command.add_option("--idempotency-key", o.idempotency_key, "Instead of a random one");
  command.add_flag("--dry-run", o.dry_run, "Check and show, change nothing");
  command.add_flag("--yes", o.yes, "Ask nothing");
  command.add_flag("-v,--verbose", o.verbose, "Show the Idempotency-Key and the Request-Id");
  command.add_flag("--no-color", o.no_color, "No colour");
}

admin::Language language_of(const TargetOptions& options) {
  return admin::language_of(options.lang.empty() ? environment("LANG") : options.lang);
}

Result<Remote> Remote::open(const TargetOptions& options) {
  Target target{options.url.empty() ? environment("TOLLGATE_URL") : options.url,
                options.token_file.empty() ? environment("TOLLGATE_TOKEN_FILE") : options.token_file};
  if (!options.context.empty() || target.url.empty() || target.token_file.empty()) {
    const auto context = context_target(options.context);
    if (!context) return std::unexpected(context.error());
    if (target.url.empty() || (!options.context.empty() && options.url.empty())) target.url = context->url;
    if (target.token_file.empty() || (!options.context.empty() && options.token_file.empty()))
      target.token_file = context->token_file;
  }
  if (target.url.empty()) target.url = kDefaultUrl;
  auto client = http::Client::to(target.url);
  if (!client) return std::unexpected(client.error());
  std::string token;
  if (!target.token_file.empty()) {
    const auto text = read_file(target.token_file);
    if (!text) return std::unexpected(text.error());
    token = trimmed(*text);
  }
  return Remote(std::move(*client), options, std::move(token));
}

http::ClientRequest Remote::request(std::string method, std::string target) const {
  http::ClientRequest request{std::move(method), std::move(target), {}, {}};
  if (!token_.empty()) request.headers.set("Authorization", "Bearer " + token_);
  request.headers.set("Accept-Language", language_of(options_) == admin::Language::zh ? "zh-CN" : "en");
  return request;
}

Result<Reply> Remote::finish(Result<http::ClientResponse>&& response) const {
  if (!response) return std::unexpected(response.error());
  Reply reply{response->status, std::move(response->headers), std::move(response->body), nullptr};
  boost::system::error_code ec;
  auto parsed = json::parse(reply.body, ec);
  if (!ec) reply.json = std::move(parsed);
  return reply;
}

Result<Reply> Remote::get(const std::string& target) {
  return finish(client_.send(request("GET", target)));
}

Result<Reply> Remote::send(const std::string& method, const std::string& target, const std::string& body) {
  if (method == "POST") return post({target, body});
  auto r = request(method, target);
  r.body = body;
  if (!body.empty()) r.headers.set("Content-Type", "application/json");
  return finish(client_.send(r));
}

Result<Reply> Remote::post(const Post& post) {
  auto target = post.target;
  if (options_.dry_run) target += target.find('?') == std::string::npos ? "?dry_run=true" : "&dry_run=true";
  auto r = request("POST", target);
  r.body = post.body;
  r.headers.set("Content-Type", post.content_type);
  if (!post.etag.empty()) r.headers.set("If-Match", post.etag);
  if (!options_.dry_run) {
    last_key_ = options_.idempotency_key;
    if (last_key_.empty()) {
      std::array<std::uint8_t, 16> random{};
      SystemChance().fill(random);
      last_key_ = to_hex(random);
    }
    r.headers.set("Idempotency-Key", last_key_);
  }
  return finish(client_.send(r));
}

Result<Reply> Remote::stream(const std::string& target, const http::Client::Part& part) {
  return finish(client_.stream(request("GET", target), part));
}

int report(const Error& error, std::ostream& err) {
  err << "error: " << error.text() << "\n";
  if (error.code == ErrorCode::unavailable) {
    err << "  is the switch running?   tollgate serve --config FILE, or --url ADDRESS\n";
    return exit_code::kUnreachable;
  }
  if (error.code == ErrorCode::io) return exit_code::kUnreachable;
  return error.code == ErrorCode::invalid ? exit_code::kUsage : exit_code::kFailed;
}

int report(const Reply& reply, const TargetOptions& options, std::string_view next, std::ostream& err) {
  const auto code = text_at(reply.json, "code");
  if (code.empty()) {
    err << "error: HTTP " << reply.status << "\n";
    return exit_code_of(reply, code);
  }
  const auto detail = text_at(reply.json, "detail");
  err << "error: " << (detail.empty() ? text_at(reply.json, "title") : detail) << " (" << code << ")\n";
  write_checks(reply.json, err);
  if (code == "version_mismatch") err << "  changed meanwhile: look again, then repeat\n";
  if (code == "unauthenticated" || code == "token_expired")
    err << "  give a token: --token-file FILE, or TOLLGATE_TOKEN_FILE\n";
  if (!next.empty()) err << "  next: " << next << "\n";
  if (options.verbose) err << "  request " << text_at(reply.json, "request_id") << "\n";
  return exit_code_of(reply, code);
}

}  // namespace tollgate::cli
