// The query of a request: `name=value` and `name[op]=value`, decoded. A handler takes what it knows; what
// nobody took is refused with 400, because a filter that is misspelt and ignored shows more than was asked
// for.
//
// Thread: its request's.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "switch/admin/problem.h"
#include "switch/base/time.h"

namespace tollgate::admin {

// Percent-decoding; '+' is a space where `form` is set. nullopt on a broken escape, a control character or
// what is not UTF-8.
[[nodiscard]] std::optional<std::string> percent_decode(std::string_view text, bool form);
[[nodiscard]] std::string percent_encode(std::string_view text);

struct Bounds {  // of name[gte], [gt], [lte], [lt]
  std::optional<std::string> gte, gt, lte, lt;
  [[nodiscard]] bool any() const noexcept { return gte || gt || lte || lt; }
};

class Query {
 public:
  // `text` is what follows the question mark.
  [[nodiscard]] static std::expected<Query, Problem> parse(std::string_view text);

  [[nodiscard]] std::optional<std::string> take(std::string_view name);
  [[nodiscard]] std::vector<std::string> take_list(std::string_view name);  // a,b,c; any of
  [[nodiscard]] Bounds take_bounds(std::string_view name);
  [[nodiscard]] std::optional<std::string> take_op(std::string_view name, std::string_view op);
  [[nodiscard]] std::expected<bool, Problem> take_flag(
      std::string_view name);  // true, false, 1, 0, or nothing
  // All label.x=…, as (x, value).
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> take_prefixed(std::string_view prefix);
  // 1 … 1000, default 50; more is cut to 1000, as the interface promises.
  [[nodiscard]] std::expected<std::size_t, Problem> take_limit();

  // Refuses what was not taken.
  [[nodiscard]] std::expected<void, Problem> done() const;

  // What a cursor is bound to: every filter, in one order; not cursor, limit, format.
  [[nodiscard]] std::string filter_text(std::string_view path) const;

 private:
  struct Item {
    std::string name, op, value;
    bool taken = false;
  };
  std::vector<Item> items_;
};

// Opaque to clients: bound to the filter that it was made for.
[[nodiscard]] std::string make_cursor(std::string_view filter_text, std::uint64_t high,
                                      std::uint64_t low = 0);
struct CursorPosition {
  std::uint64_t high = 0, low = 0;
};
[[nodiscard]] std::expected<CursorPosition, Problem> read_cursor(std::string_view cursor,
                                                                 std::string_view filter_text);

}  // namespace tollgate::admin
