#include "switch/admin/query.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "switch/base/bytes.h"
#include "switch/base/hash.h"
#include "switch/base/utf8.h"

namespace tollgate::admin {
namespace {

constexpr std::size_t kItemsMax = 64;
constexpr std::size_t kDefaultLimit = 50;
constexpr std::size_t kLimitMax = 1000;

int hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

bool known_op(std::string_view op) noexcept {
  return op == "gte" || op == "gt" || op == "lte" || op == "lt" || op == "ne" || op == "prefix";
}

Problem bad(std::string detail) {
  return Problem{"invalid_parameter", std::move(detail)};
}

std::uint64_t filter_hash(std::string_view filter_text) {
  return load_be64(Sha256::of(as_bytes(filter_text)).data());
}

}  // namespace

std::optional<std::string> percent_decode(std::string_view text, bool form) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      if (text.size() - i < 3) return std::nullopt;
      const int high = hex_digit(text[i + 1]), low = hex_digit(text[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      c = static_cast<char>(high << 4 | low);
      i += 2;
    } else if (c == '+' && form) {
      c = ' ';
    }
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) return std::nullopt;
    out += c;
  }
  if (!utf8::valid(out)) return std::nullopt;
  return out;
}

std::string percent_encode(std::string_view text) {
  static constexpr std::string_view kPlain = "-._~:@,!$'()*;";
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                       kPlain.find(c) != std::string_view::npos;
    if (plain)
      out += c;
    else
      fmt::format_to(std::back_inserter(out), "%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

std::expected<Query, Problem> Query::parse(std::string_view text) {
  Query query;
  while (!text.empty()) {
    const auto amp = text.find('&');
    const auto one = text.substr(0, amp);
    text = amp == std::string_view::npos ? std::string_view() : text.substr(amp + 1);
    if (one.empty()) continue;
    if (query.items_.size() == kItemsMax) return std::unexpected(bad("too many parameters"));
    const auto equals = one.find('=');
    const auto name = percent_decode(one.substr(0, equals), true);
    const auto value =
        percent_decode(equals == std::string_view::npos ? std::string_view() : one.substr(equals + 1), true);
    if (!name || name->empty() || !value) return std::unexpected(bad("a parameter is not readable text"));
    Item item{*name, "", *value};
    if (const auto bracket = name->find('['); bracket != std::string::npos) {
      if (!name->ends_with(']')) return std::unexpected(bad("not a parameter: " + *name));
      item.op = name->substr(bracket + 1, name->size() - bracket - 2);
      item.name = name->substr(0, bracket);
      if (!known_op(item.op)) return std::unexpected(bad("unknown comparison in " + *name));
    }
    const auto again = std::ranges::find_if(
        query.items_, [&](const Item& i) { return i.name == item.name && i.op == item.op; });
    if (again != query.items_.end()) return std::unexpected(bad("given twice: " + *name));
    query.items_.push_back(std::move(item));
  }
  return query;
}

std::optional<std::string> Query::take_op(std::string_view name, std::string_view op) {
  for (auto& item : items_)
    if (item.name == name && item.op == op) {
      item.taken = true;
      return item.value;
    }
  return std::nullopt;
}

std::optional<std::string> Query::take(std::string_view name) {
  return take_op(name, "");
}

std::vector<std::string> Query::take_list(std::string_view name) {
  std::vector<std::string> all;
  const auto value = take(name);
  if (!value) return all;
  for (std::size_t from = 0; from <= value->size();) {
    const auto comma = std::min(value->find(',', from), value->size());
    all.push_back(value->substr(from, comma - from));
    from = comma + 1;
  }
  return all;
}

Bounds Query::take_bounds(std::string_view name) {
  return {take_op(name, "gte"), take_op(name, "gt"), take_op(name, "lte"), take_op(name, "lt")};
}

std::expected<bool, Problem> Query::take_flag(std::string_view name) {
  const auto value = take(name);
  if (!value || *value == "false" || *value == "0") return false;
  if (value->empty() || *value == "true" || *value == "1") return true;
  return std::unexpected(bad(std::string(name) + " is true or false"));
}

std::vector<std::pair<std::string, std::string>> Query::take_prefixed(std::string_view prefix) {
  std::vector<std::pair<std::string, std::string>> all;
  for (auto& item : items_)
    if (item.op.empty() && item.name.starts_with(prefix) && item.name.size() > prefix.size()) {
      item.taken = true;
      all.emplace_back(item.name.substr(prefix.size()), item.value);
    }
  return all;
}

std::expected<std::size_t, Problem> Query::take_limit() {
  const auto value = take("limit");
  if (!value) return kDefaultLimit;
  std::size_t limit = 0;
  const auto [end, failed] = std::from_chars(value->data(), value->data() + value->size(), limit);
  if (failed == std::errc::result_out_of_range) return kLimitMax;
  if (failed != std::errc() || end != value->data() + value->size() || limit == 0)
    return std::unexpected(bad("limit is a whole number from 1 to 1000"));
  return std::min(limit, kLimitMax);
}

std::expected<void, Problem> Query::done() const {
  for (const auto& item : items_)
    if (!item.taken)
      return std::unexpected(
          bad("unknown parameter: " + item.name + (item.op.empty() ? "" : "[" + item.op + "]")));
  return {};
}

std::string Query::filter_text(std::string_view path) const {
  std::vector<std::string> parts;
  for (const auto& item : items_)
    if (item.name != "cursor" && item.name != "limit" && item.name != "format")
      parts.push_back(item.name + "[" + item.op + "]=" + item.value);
  std::ranges::sort(parts);
  std::string text(path);
  for (const auto& part : parts) text.append(1, '&').append(part);
  return text;
}

std::string make_cursor(std::string_view filter_text, std::uint64_t high, std::uint64_t low) {
  return fmt::format("c1{:016x}{:016x}{:016x}", filter_hash(filter_text), high, low);
}

std::expected<CursorPosition, Problem> read_cursor(std::string_view cursor, std::string_view filter_text) {
  std::uint64_t parts[3] = {};
  bool good = cursor.size() == 50 && cursor.starts_with("c1");
  for (std::size_t i = 0; good && i < 3; ++i) {
    const auto* from = cursor.data() + 2 + 16 * i;
    const auto [end, failed] = std::from_chars(from, from + 16, parts[i], 16);
    good = failed == std::errc() && end == from + 16;
  }
  if (!good) return std::unexpected(bad("not a cursor of this interface"));
  if (parts[0] != filter_hash(filter_text))
    return std::unexpected(
        Problem{"cursor_mismatch", "the cursor was made for another filter; start again without it"});
  return CursorPosition{parts[1], parts[2]};
}

}  // namespace tollgate::admin
