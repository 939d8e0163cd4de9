// What a handler gets: the request with everything checked that its table row asks for, and the doors. And
// what most handlers do: give an order and wait for it, answer with JSON, find an object by any of its names.
//
// Thread: its handler's.
#pragma once

#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "switch/admin/auth.h"
#include "switch/admin/backend.h"
#include "switch/admin/http.h"
#include "switch/admin/json_out.h"
#include "switch/admin/problem.h"
#include "switch/admin/query.h"
#include "switch/admin/router.h"

namespace tollgate::admin {

class LedgerReader;
class TransactionReader;

// What lives as long as the interface: doors and caches that handlers share.
struct Shared {
  Backend& backend;
  LedgerReader& ledger;
  TransactionReader& transactions;
  Chance& chance;  // under chance_mutex
  std::mutex& chance_mutex;
  std::mutex& estate_mutex;  // one estate document at a time: it reads, merges and writes
  std::mutex& token_mutex;   // one new token at a time, for its name
};

enum class Format { json, ndjson };

struct Call {
  Shared& shared;
  Backend& backend;
  const http::Request& request;
  const Route& route;
  PathParameters path;
  Query query;
  Principal principal;
  Language language = Language::en;
  Format format = Format::json;
  std::string path_text;  // "/v1/terminals/term_…/suspend"
  std::string request_id;
  std::string idempotency_key;
  bool dry_run = false;
  // If-Match: absent (dry run only), any ("*"), or a version.
  struct IfMatch {
    bool given = false, any = false;
    std::uint64_t version = 0;
    [[nodiscard]] std::optional<std::uint64_t> required() const {
      return given && !any ? std::optional(version) : std::nullopt;
    }
  } if_match;

  [[nodiscard]] const std::string& parameter(std::string_view name) const { return path.find(name)->second; }
  [[nodiscard]] core::Caller caller() const;
};

// Gives the order and waits until it is durable. storage_stalled after 30 s: then nobody knows yet, and the
// same key tells later.
[[nodiscard]] std::expected<core::CommandResult, Problem> order(Call& call, core::Command&& command);

// The same, and the answer: what `render` makes of the result is also what a repeat with the same key gets.
// `render` runs on an engine's thread and again here: pure, with everything that it needs held by value.
using Render = std::function<std::pair<std::uint32_t, std::string>(const core::CommandResult&)>;
[[nodiscard]] Outcome order_and_answer(Call& call, core::Command&& command, const Render& render);

[[nodiscard]] http::Response json_response(std::string body, unsigned status = 200);
// {"object":"list","data":[…],"has_more":…,"next_cursor":…} around rows that are JSON already.
[[nodiscard]] http::Response list_response(
    const std::vector<std::string>& rows, const std::string& next_cursor,
    const std::vector<std::pair<std::string, std::string>>& members = {});
// `"v17"`
[[nodiscard]] std::string etag(std::uint64_t version);

// term_…, tid:10000001@102290058120001, tid:10000001 while unique, sn:….
[[nodiscard]] std::expected<core::TerminalView, Problem> find_terminal(const Backend& backend,
                                                                       std::string_view name);
// mer_…, mc:….
[[nodiscard]] std::expected<core::MerchantView, Problem> find_merchant(const Backend& backend,
                                                                       std::string_view name);

}  // namespace tollgate::admin
