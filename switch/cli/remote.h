// The far side of a remote command: which switch, with which token, and what came back. Every remote command
// is a client of the public interface and nothing else.
//
// Target: flag, else TOLLGATE_URL and TOLLGATE_TOKEN_FILE, else a context (a JSON file {"url","token_file"}
// of that name in
// ~/.config/tollgate; the one named in `current` there unless --context names another), else
// http://127.0.0.1:8080.
//
// Thread: main's. Exit codes: section 1 of the command line's reference.
#pragma once

#include <boost/json.hpp>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "switch/admin/catalog.h"
#include "switch/admin/http_client.h"
#include "switch/base/result.h"

namespace CLI {
class App;
}

namespace tollgate::cli {

namespace exit_code {
inline constexpr int kDone = 0, kFailed = 1, kUsage = 2, kNotFound = 3, kPrecondition = 4, kForbidden = 5,
                     kConflict = 6, kUnreachable = 7, kPartial = 8;
}

struct TargetOptions {
  std::string context, url, token_file, lang, idempotency_key;
  std::string output = "table";  // table, wide, json, ndjson, csv
  bool dry_run = false, yes = false, verbose = false, no_color = false;
};
void add_target_options(CLI::App& command, TargetOptions& options);
[[nodiscard]] admin::Language language_of(const TargetOptions& options);

struct Reply {
  unsigned status = 0;
  http::Headers headers;
  std::string body;
  boost::json::value json;  // null when the body is not JSON
  [[nodiscard]] bool ok() const noexcept { return status / 100 == 2; }
  [[nodiscard]] const boost::json::object& object() const;  // empty when it is none
};

class Remote {
 public:
  [[nodiscard]] static Result<Remote> open(const TargetOptions& options);

  [[nodiscard]] Result<Reply> get(const std::string& target);
  // With a key of its own (or the one given), and dry_run where asked for. etag: sent as If-Match.
  struct Post {
    std::string target, body;
    std::string content_type = "application/json";
    std::string etag;
  };
  [[nodiscard]] Result<Reply> post(const Post& post);
  [[nodiscard]] Result<Reply> send(const std::string& method, const std::string& target,
                                   const std::string& body);
  // Body of a 2xx by parts.
  [[nodiscard]] Result<Reply> stream(const std::string& target, const http::Client::Part& part);

  [[nodiscard]] const std::string& last_key() const noexcept { return last_key_; }

 private:
  Remote(http::Client client, TargetOptions options, std::string token)
      : client_(std::move(client)), options_(std::move(options)), token_(std::move(token)) {}
  [[nodiscard]] http::ClientRequest request(std::string method, std::string target) const;
  [[nodiscard]] Result<Reply> finish(Result<http::ClientResponse>&& response) const;

  http::Client client_;
  TargetOptions options_;
  std::string token_, last_key_;
};

// Says what went wrong and what to do next, and gives the exit code. `next` is a command that helps, or
// empty.
int report(const Error& error, std::ostream& err);
int report(const Reply& reply, const TargetOptions& options, std::string_view next, std::ostream& err);

// ---- reading JSON of answers ----
[[nodiscard]] std::string text_at(const boost::json::value& value,
                                  std::string_view path);  // "a.b.0.c"; "" when absent or null
[[nodiscard]] const boost::json::value* at(const boost::json::value& value, std::string_view path);

}  // namespace tollgate::cli
